package redact

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/agentsecrets/agentsecrets/internal/stream"
	"github.com/agentsecrets/agentsecrets/resolve"
)

var _ stream.Rewriter = (*Rewriter)(nil)

const key = "sk_live_4eC39HqLyjWDarjtT1zdp7dc" // 32 bytes

func starred(n int) string { return Marker + strings.Repeat("*", n-len(Marker)) }

func TestReader(t *testing.T) {
	s := setWith(key, "pass word 17")
	text := fmt.Sprintf("a %s\nb pass word 17\n%s%s,%s", key, key, key[:31], strings.Repeat("x", 5000))
	want := fmt.Sprintf("a %s\nb ************\n%s%s,%s", starred(32), starred(32), key[:31], strings.Repeat("x", 5000))
	for _, src := range []func(io.Reader) io.Reader{
		func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
	} {
		if err := iotest.TestReader(NewReader(src(strings.NewReader(text)), s), []byte(want)); err != nil {
			t.Error(err)
		}
	}
}

// A text with all of a form but its first or last byte passes as it is.
func TestFragmentsPass(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, v := range []string{key, sample, "pass word 17", "12345678", randomText(r, alphanumeric, 120)} {
		s := setWith(v)
		whole := func(text []byte) bool { return !bytes.Equal(naive(text, s.all(), 0, true), text) }
		tried := 0
		for range 100 {
			p := s.all()[r.IntN(len(s.all()))].text
			cut := 1 + r.IntN(len(p)-1)
			text := bytes.Join([][]byte{p[1:], p[:len(p)-1], p[:cut], p[cut:]}, []byte("\x00"))
			if whole(text) { // forms may hold one another
				continue
			}
			tried++
			if got := sized(t, NewReader(&chunks{text: text, sizes: []byte{byte(r.IntN(1 << r.IntN(9)))}}, s), 1000); !bytes.Equal(got, text) {
				t.Fatalf("%q became %q", text, got)
			}
		}
		if tried < 50 {
			t.Fatalf("%d fragments of %q tried", tried, v)
		}
	}
}

// paused gives its chunks and then nothing for ever.
type paused struct{ chunks []string }

var errPaused = errors.New("paused")

func (p *paused) Read(b []byte) (int, error) {
	if len(p.chunks) == 0 {
		return 0, errPaused
	}
	n := copy(b, p.chunks[0])
	p.chunks = p.chunks[1:]
	return n, nil
}

// released counts what comes out of a stream before it would wait for its source.
func released(t *testing.T, s *Set, text string) []int {
	w := s.Rewriter()
	lens := []int{}
	for rest := []byte(text); len(rest) > 0; {
		n := 1 + len(rest)/50 // the first ones are only there to fill what is held
		out, err := w.Feed(nil, rest[:n])
		rest = rest[n:]
		if err != nil {
			t.Fatal(err)
		}
		lens = append(lens, len(out))
	}
	return lens
}

// What is held must not tell a right guess from a wrong one, whatever its length.
func TestHoldbackTellsNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for range 25 {
		v := randomText(r, alphanumeric, 8+r.IntN(60))
		s := setWith(v, key)
		right := v[:r.IntN(len(v)+1)]
		wrong := []byte(right)
		for i := range wrong {
			wrong[i] = alphanumeric[r.IntN(len(alphanumeric))]
		}
		for _, frame := range []string{"%s", "data: %s", `{"a":"%s`, "%s\n", "%s tail", strings.Repeat("y", 4096) + "%s"} {
			a := released(t, s, fmt.Sprintf(frame, right))
			b := released(t, s, fmt.Sprintf(frame, wrong))
			c := released(t, setWith("quite-another-value"), fmt.Sprintf(frame, right))
			if fmt.Sprint(a) != fmt.Sprint(b) || fmt.Sprint(a) != fmt.Sprint(c) {
				t.Fatalf("right %q and wrong %q in %.20q are held differently", right, wrong, frame)
			}
		}
	}
}

func TestHoldback(t *testing.T) {
	long := strings.Repeat("z", 10000)
	for _, c := range []struct {
		values, text string
		held         int
	}{
		{key, "data: {\"a\":1}\n\n", 0},
		{key, "data: {\"a\":1}\r\n", 0},
		{key, "a word ", 0},
		{key, "a word", 4},
		{key, "a\twörd", 5},
		{key, "a\x7fb\x80\xff", 3},
		{key, long[:4096], 4096},
		{key, long[:4097], 3584},
		{key, long, 3584},
		{key, " " + long[:4095], 4095},
		{"seven", "a word", 4},
		{"one two three", "a word", 6},
		{"one two three", "a\nb word", 6},
		{"one two three", "a word\n", 0},
		{"", "a word", 0},
	} {
		s := setWith(c.values)
		var out []byte
		w := s.Rewriter()
		out, _ = w.Feed(out, []byte(c.text))
		if held := len(c.text) - len(out); held != c.held {
			t.Errorf("value %q: %d bytes of %.20q are held, not %d", c.values, held, c.text, c.held)
		}
		if out, _ = w.Flush(out); string(out) != c.text {
			t.Errorf("%.20q came out as %.20q", c.text, out)
		}
	}
}

func TestReaderNeverWaitsWithBytesToGive(t *testing.T) {
	pr, pw := io.Pipe()
	r := NewReader(pr, setWith(key))
	buf := make([]byte, 8192)
	for _, event := range []string{"data: one\n\n", "data: " + key + "\n\n", strings.Repeat("w", 4000) + "\n"} {
		go pw.Write([]byte(event))
		want := strings.ReplaceAll(event, key, starred(32))
		if n, err := r.Read(buf); err != nil || string(buf[:n]) != want {
			t.Fatalf("Read = %q, %v", buf[:n], err)
		}
	}
	go func() {
		pw.Write([]byte("out held"))
		pw.CloseWithError(io.ErrUnexpectedEOF)
	}()
	for _, want := range []string{"out ", "held"} {
		if n, err := r.Read(buf); err != nil || string(buf[:n]) != want {
			t.Fatalf("Read = %q, %v", buf[:n], err)
		}
	}
	for range 2 {
		if n, err := r.Read(buf); n != 0 || err != io.ErrUnexpectedEOF {
			t.Fatalf("Read = %d, %v", n, err)
		}
	}
}

// The caller's buffer must not show what is held: it may be part of a value.
func TestReaderLeavesNothingBehind(t *testing.T) {
	r := NewReader(&paused{[]string{"free " + key[:20]}}, setWith(key))
	buf := make([]byte, 4096)
	n, err := r.Read(buf)
	if string(buf[:n]) != "free " || err != nil {
		t.Fatalf("Read = %q, %v", buf[:n], err)
	}
	if bytes.Contains(buf, []byte(key[:4])) {
		t.Error("held bytes are left in the buffer")
	}
}

type endless struct{ text []byte }

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], e.text)
	}
	return n, nil
}

func TestReaderDoesNotAllocate(t *testing.T) {
	for name, text := range map[string]string{
		"lines":   strings.Repeat("words ", 20) + "\n",
		"echoes":  key + " and " + key + "," + key[:20] + "\n",
		"escapes": `{\"a\":\"%41\u0042\",` + url.QueryEscape(key+"%") + `}` + "\n",
		"one":     strings.Repeat("x", 999),
	} {
		r := NewReader(endless{[]byte(text)}, setWith(key, "12345678"))
		for _, size := range []int{16 << 10, 300} {
			buf := make([]byte, size)
			for range 50 {
				r.Read(buf) // until all buffers have their size
			}
			if n := testing.AllocsPerRun(50, func() { r.Read(buf) }); n != 0 {
				t.Errorf("%s: %v allocations a read of %d", name, n, size)
			}
		}
	}
}

func TestReaderGivesUpOnEmptyReads(t *testing.T) {
	r := NewReader(iotest.ErrReader(nil), setWith(key))
	if _, err := r.Read(make([]byte, 10)); err != io.ErrNoProgress {
		t.Error(err)
	}
	if n, err := NewReader(strings.NewReader("x"), NewSet()).Read(nil); n != 0 || err != nil {
		t.Error(n, err)
	}
}

func TestValuesAddedMeanwhile(t *testing.T) {
	s := NewSet()
	r := NewReader(&paused{[]string{"1 " + key + "\n", "2 " + key + "\n3 " + key[:9], key[9:] + "\n"}}, s)
	buf := make([]byte, 1000)
	read := func() string {
		n, err := r.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	if got := read(); got != "1 "+key+"\n" {
		t.Errorf("with an empty set: %q", got)
	}
	s.Add(resolve.New([]byte(key)))
	if got := read(); got != "2 "+starred(32)+"\n3 " {
		t.Errorf("after Add: %q", got)
	}
	if got := read(); got != starred(32)+"\n" {
		t.Errorf("over two chunks: %q", got)
	}
	if c := r.Counts(); c["verbatim"] != 2 || c.Total() != 2 {
		t.Errorf("counted %v", c)
	}
}

func TestConcurrentUse(t *testing.T) {
	s := NewSet()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for k := range 10 {
				s.Add(resolve.New(fmt.Appendf(nil, "value-number-%d-%d", i, k)))
			}
		})
		wg.Go(func() {
			r := NewReader(io.LimitReader(endless{[]byte("value-number-1-1 and\n")}, 1<<20), s)
			go r.Counts()
			if n, err := io.Copy(io.Discard, r); n != 1<<20 || err != nil {
				t.Error(n, err)
			}
		})
		wg.Go(func() {
			for range 100 {
				s.Value([]byte("value-number-1-1"))
			}
		})
	}
	wg.Wait()
	settled(s)
	before := s.tables.Load()
	s.Add(resolve.New([]byte("value-number-3-3")))
	if s.tables.Load() != before {
		t.Error("a value that is known was added again")
	}
	for i := range 4 {
		for k := range 10 {
			v := fmt.Sprintf("value-number-%d-%d", i, k)
			if got, _ := s.Value([]byte(v)); string(got) != strings.Repeat("*", len(v)) {
				t.Errorf("%s passed", v)
			}
		}
	}
}

func TestAddNothing(t *testing.T) {
	s := NewSet()
	s.Add(resolve.Value{})
	s.Add(resolve.New(nil))
	if !s.Empty() {
		t.Error("a set with no value in it is not empty")
	}
}

// However many values there are and however they came, all are found, and few
// tiers are searched.
func TestManyValues(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	s := NewSet()
	var text, want []byte
	for i := range 400 {
		v := randomText(r, alphanumeric, 16+r.IntN(30))
		s.add([]byte(v))
		text = fmt.Appendf(text, "%d %s\n", i, v)
		if len(v) < len(Marker) {
			want = fmt.Appendf(want, "%d %s\n", i, strings.Repeat("*", len(v)))
		} else {
			want = fmt.Appendf(want, "%d %s\n", i, starred(len(v)))
		}
		if n := len(s.tables.Load().tiers); n > mostTiers+1 {
			t.Fatalf("%d values are in %d tiers", i+1, n)
		}
	}
	if got := sized(t, NewReader(bytes.NewReader(text), s), 1000); !bytes.Equal(got, want) {
		t.Errorf("differ%s", apart(text, got, want))
	}
	settled(s)
	most := 0
	for range 2 { // one value more does not make all others again twice
		s.add([]byte(randomText(r, alphanumeric, 30)))
		settled(s)
		most = max(most, len(s.tables.Load().tiers))
	}
	if most < 2 || most > 4 {
		t.Errorf("%d values are in %d tiers", 400, most)
	}
}
