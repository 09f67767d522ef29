package redact

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
)

// tiny limits let short texts overflow the holdback and cut forms into pieces.
// As in the real ones, a form and the marker fit into what is held.
var tiny = limits{hold: 64, piece: 32, rest: 8}

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

// agree compares Reader, Rewriter and Value with naive.
func agree(t testing.TB, s *Set, text, sizes []byte, buffer int) {
	want := naive(text, s.patterns)
	if got := sized(t, NewReader(&chunks{text: text, sizes: sizes}, s), buffer); !bytes.Equal(got, want) {
		t.Fatalf("Reader, chunks %v, buffer %d\ntext %q\n got %q\nwant %q", sizes, buffer, text, got, want)
	}
	w := s.Rewriter()
	var got []byte
	for src := (&chunks{text: text, sizes: sizes}); len(src.text) > 0; {
		chunk := make([]byte, 300)
		n, _ := src.Read(chunk)
		got, _ = w.Feed(got, chunk[:n])
	}
	if got, _ = w.Flush(got); !bytes.Equal(got, want) {
		t.Fatalf("Rewriter, chunks %v\ntext %q\n got %q\nwant %q", sizes, text, got, want)
	}
	value, counts := s.Value(text)
	if !bytes.Equal(value, want) {
		t.Fatalf("Value\ntext %q\n got %q\nwant %q", text, value, want)
	}
	if w.Counts().Total() != counts.Total() {
		t.Fatalf("%q: counted %v in chunks, %v at once", text, w.Counts(), counts)
	}
}

// mixture is text of whole forms, parts of forms and other bytes.
func mixture(r *rand.Rand, patterns []pattern, alphabet string) []byte {
	var text []byte
	for range r.IntN(12) {
		p := patterns[r.IntN(len(patterns))].text
		switch r.IntN(5) {
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

func TestAnyChunking(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	covered := 0
	for range 50 {
		s := newSet(tiny)
		alphabet := []string{"ab", "abc", "ab ", "a/", "aB+", "a\xe9b"}[r.IntN(6)]
		for range 1 + r.IntN(4) {
			s.add([]byte(randomText(r, alphabet, 8+r.IntN(40))))
		}
		for range 25 {
			text := mixture(r, s.patterns, alphabet)
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
	if covered < 800 {
		t.Fatalf("only %d texts had an echo", covered)
	}
}

// verbatimOnly is a set that looks for values in no other form: what fuzzing is
// after is the search, and it needs speed.
func verbatimOnly(values [][]byte) *Set {
	s := newSet(tiny)
	for _, v := range values[:min(len(values), 8)] {
		if len(v) < minPattern || len(v) > 100 || bytes.IndexFunc(v, isControl) >= 0 {
			continue
		}
		s.patterns = cut(s.patterns, pattern{v, verbatim}, s.limits)
		s.blanks.space = s.blanks.space || bytes.IndexByte(v, ' ') >= 0
		s.blanks.tab = s.blanks.tab || bytes.IndexByte(v, '\t') >= 0
		s.tables.Store(newTables(s.patterns, s.blanks))
	}
	return s
}

func FuzzAnyChunking(f *testing.F) {
	f.Add([]byte("hunter2hunter2,sk_live_0123456789"), []byte("a hunter2hunter2\nsk_live_0123456789sk_live_0123456789"), []byte{0}, uint16(5))
	f.Add([]byte("aaaaaaaa,abababababababab"), bytes.Repeat([]byte("ab"), 200), []byte{3, 90}, uint16(700))
	f.Add([]byte("pass word 1,\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"), []byte("pass word 1 cGFzcyB3b3JkIDE= pass%20word%201"), []byte{}, uint16(0))
	f.Fuzz(func(t *testing.T, values, text, sizes []byte, buffer uint16) {
		s := verbatimOnly(bytes.Split(values, []byte(",")))
		if s.Empty() || len(text) > 500 {
			return
		}
		agree(t, s, text, sizes, 1+int(buffer))
		agree(t, s, slices.Concat(text, s.patterns[len(text)%len(s.patterns)].text, text), sizes, 1+int(buffer))
	})
}
