package redact

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// tiny limits let short texts overflow the holdback and cut forms into pieces.
// As in the real ones, a form and the marker fit into what is held.
var tiny = limits{hold: 256, batch: 16, piece: 32, rest: 8, sync: 160}

// chunks gives text in pieces of the given lengths, over and over.
type chunks struct {
	text  []byte
	sizes []byte
	next  int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.text) == 0 {
		return 0, io.EOF
	}
	n := 1
	if len(c.sizes) > 0 {
		n = 1 + int(c.sizes[c.next%len(c.sizes)])
		c.next++
	}
	n = copy(p[:min(n, len(p))], c.text)
	c.text = c.text[n:]
	return n, nil
}

// sized reads everything with a buffer of size bytes.
func sized(t testing.TB, r io.Reader, size int) []byte {
	var out []byte
	buf := make([]byte, size)
	for {
		n, err := r.Read(buf)
		out = append(out, buf[:n]...)
		if err == io.EOF {
			return out
		}
		if err != nil || n == 0 {
			t.Fatalf("Read = %d, %v", n, err)
		}
	}
}

// agree compares Reader, Rewriter, a body's Reader and Value with naive.
func agree(t testing.TB, s *Set, text, sizes []byte, buffer int) {
	t.Helper()
	want := naive(text, s.all(), s.limits.span(), false)
	same := bytes.Equal
	if s.tables.Load().cutsEscapes(text, s.limits.hold) {
		same = covers
	}
	if got := sized(t, NewReader(&chunks{text: text, sizes: sizes}, s), buffer); !same(got, want) {
		t.Fatalf("Reader, chunks %v, buffer %d%s", sizes, buffer, apart(text, got, want))
	}
	w := s.Rewriter()
	var got []byte
	for src := (&chunks{text: text, sizes: sizes}); len(src.text) > 0; {
		chunk := make([]byte, 300)
		n, _ := src.Read(chunk)
		got, _ = w.Feed(got, chunk[:n])
	}
	if got, _ = w.Flush(got); !same(got, want) {
		t.Fatalf("Rewriter, chunks %v%s", sizes, apart(text, got, want))
	}
	value, counts := s.Value(text)
	if want := naive(text, s.all(), 0, false); !bytes.Equal(value, want) {
		t.Fatalf("Value%s", apart(text, value, want))
	} else if bytes.Equal(got, want) && w.Counts().Total() != counts.Total() {
		t.Fatalf("%q: counted %v in chunks, %v at once", text, w.Counts(), counts)
	}
	body := NewBodyReader(&chunks{text: text, sizes: sizes}, s, int64(len(text)))
	if got, want := sized(t, body, buffer), naive(text, s.all(), 0, true); !bytes.Equal(got, want) {
		t.Fatalf("body, chunks %v%s", sizes, apart(text, got, want))
	}
}

// cutsEscapes reports whether a run of text is longer than what is held of it and
// has escapes, which may then be cut.
func (t *tables) cutsEscapes(text []byte, hold int) bool {
	for i := 0; i < len(text); {
		n := t.blanks.heldAfter(text, i)
		if n > hold && bytes.ContainsAny(text[i:i+n], `%\&`) {
			return true
		}
		i += n + 1
	}
	return false
}

// covers reports whether got shows no more of a text than want.
func covers(got, want []byte) bool {
	for i := range want {
		if (want[i] == '*') && got[i] != '*' && !bytes.Contains([]byte(Marker), got[i:i+1]) {
			return false
		}
	}
	return len(got) == len(want)
}

// apart shows where got and want begin to differ.
func apart(text, got, want []byte) string {
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	cut := func(b []byte) []byte { return b[max(0, min(i-150, len(b))):min(i+300, len(b))] }
	return fmt.Sprintf(", byte %d of %d\ntext %q\n got %q\nwant %q", i, len(text), cut(text), cut(got), cut(want))
}

// mixture is text of whole forms, parts of forms and other bytes.
func mixture(r *rand.Rand, patterns []pattern, alphabet string) []byte {
	var text []byte
	for range r.IntN(12) {
		p := patterns[r.IntN(len(patterns))].text
		switch r.IntN(8) {
		case 5:
			text = append(text, scramble(r, p)...)
		case 6:
			text = append(text, scramble(r, scramble(r, p))...)
		case 7:
			text = append(text, wrap(r, p)...)
		case 0:
			text = append(text, randomText(r, alphabet, r.IntN(20))...)
		case 1:
			text = append(text, p[:r.IntN(len(p)+1)]...)
		case 2:
			text = append(text, p[r.IntN(len(p)):]...)
		case 3:
			text = append(text, randomText(r, " \n\x7f\xff.", r.IntN(2))...)
		default:
			text = append(text, p...)
		}
	}
	return text
}

// scramble writes each byte of text in a way of its own.
func scramble(r *rand.Rand, text []byte) []byte {
	var out []byte
	often := 1 + r.IntN(4)
	for _, c := range text {
		if r.IntN(4) >= often {
			out = append(out, c)
			continue
		}
		verbs := []string{"%%%02x", "%%%02X", `\x%02x`, `\%03o`}
		if c < 0x80 {
			verbs = append(verbs, "%%u%04x", `\u%04x`, `\u{%x}`, `\U%08x`, "&#%d;", "&#x%x;", "&#%05d;")
		}
		out = fmt.Appendf(out, verbs[r.IntN(len(verbs))], c)
	}
	return out
}

// wrap breaks text over lines.
func wrap(r *rand.Rand, text []byte) []byte {
	brk := []string{"\n", "\r\n", "=\n", "=\r\n", "\n  ", `\n`, "%0D%0A"}[r.IntN(7)]
	width := 3 + r.IntN(20)
	var out []byte
	for len(text) > width {
		out = append(append(out, text[:width]...), brk...)
		text = text[width:]
	}
	return append(out, text...)
}

// seeded prints the seed of a random test, which REDACT_SEED repeats.
func seeded(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("REDACT_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("REDACT_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

func TestAnyChunking(t *testing.T) {
	r := seeded(t)
	covered := 0
	for range 12 {
		s := newSet(tiny)
		alphabet := []string{"ab", "abc", "ab ", "a/", "aB+", "a\xe9b", "a%2"}[r.IntN(7)]
		for range 1 + r.IntN(4) {
			s.add([]byte(randomText(r, alphabet, 8+r.IntN(40))))
		}
		for range 20 {
			text := mixture(r, s.all(), alphabet)
			sizes := make([]byte, r.IntN(5))
			for i := range sizes {
				sizes[i] = byte(r.IntN(1 << r.IntN(9)))
			}
			agree(t, s, text, sizes, 1+r.IntN(1<<r.IntN(12)))
			if _, n := s.Value(text); n != nil {
				covered++
			}
		}
	}
	if covered < 150 {
		t.Fatalf("only %d texts had an echo", covered)
	}
}
