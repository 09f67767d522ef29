package stream

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// pairs doubles each pair of bytes and holds back the first of each.
type pairs struct {
	held   []byte
	failAt byte // an error comes before this one
	flush  error
}

var errFound = errors.New("found the byte")

func (p *pairs) Feed(dst, chunk []byte) ([]byte, error) {
	for _, c := range chunk {
		if c == p.failAt && c != 0 {
			return dst, errFound
		}
		if p.held = append(p.held, c); len(p.held) == 2 {
			dst = append(append(dst, p.held...), p.held...)
			p.held = p.held[:0]
		}
	}
	return dst, nil
}

func (p *pairs) Flush(dst []byte) ([]byte, error) { return append(dst, p.held...), p.flush }

func TestReader(t *testing.T) {
	in := strings.Repeat("0123456789", 200) + "x"
	var want strings.Builder
	for i := 0; i+1 < len(in); i += 2 {
		want.WriteString(in[i:i+2] + in[i:i+2])
	}
	want.WriteString("x")
	for name, cut := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r },
		"one":   iotest.OneByteReader,
		"half":  iotest.HalfReader,
		"data":  iotest.DataErrReader,
	} {
		if err := iotest.TestReader(NewReader(cut(strings.NewReader(in)), &pairs{}), []byte(want.String())); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func readAll(t *testing.T, r io.Reader, want string, wantErr error) {
	t.Helper()
	b, err := io.ReadAll(r)
	if string(b) != want || !errors.Is(err, wantErr) {
		t.Errorf("read %q, %v, want %q, %v", b, err, want, wantErr)
	}
	if n, again := r.Read(make([]byte, 1)); n != 0 || again == nil || err != nil && again != err {
		t.Errorf("read %d, %v after the end", n, again)
	}
}

func TestErrors(t *testing.T) {
	broken, flush := errors.New("broken"), errors.New("flush")
	src := func(s string) io.Reader {
		return iotest.DataErrReader(io.MultiReader(strings.NewReader(s), iotest.ErrReader(broken)))
	}
	readAll(t, NewReader(src("abcde"), &pairs{}), "ababcdcd", broken) // e is not released
	readAll(t, NewReader(src("abcdXe"), &pairs{failAt: 'X'}), "ababcdcd", errFound)
	readAll(t, NewReader(strings.NewReader("abc"), &pairs{flush: flush}), "ababc", flush)
	readAll(t, NewReader(stuck{}, &pairs{}), "", io.ErrNoProgress)
	var slow []io.Reader
	for _, s := range []string{"a", "b", "c"} {
		slow = append(slow, &hesitant{maxEmpty - 1, strings.NewReader(s)})
	}
	readAll(t, NewReader(io.MultiReader(slow...), &pairs{}), "ababc", nil)
}

// hesitant reads nothing for a while.
type hesitant struct {
	empty int
	io.Reader
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.empty--; h.empty >= 0 {
		return 0, nil
	}
	return h.Reader.Read(p)
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// Output is given before the source is asked again, even in sips.
func TestDoesNotWait(t *testing.T) {
	in, w := io.Pipe()
	defer w.Close()
	r := NewReader(in, &pairs{})
	for _, s := range []string{"ab", "cdef", "ghijklmn"} {
		go w.Write([]byte(s))
		got := make([]byte, 2*len(s))
		for i := range got {
			if n, err := r.Read(got[i : i+1]); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
		if n, err := r.Read(nil); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		if want := string((&pairs{}).double(s)); string(got) != want {
			t.Errorf("read %q, want %q", got, want)
		}
	}
}

func (p *pairs) double(s string) []byte {
	out, _ := p.Feed(nil, []byte(s))
	return out
}

// What is held back must not be found in the rest of the caller's buffer.
func TestHeldStaysHidden(t *testing.T) {
	r := NewReader(strings.NewReader("abc"), &swallow{})
	p := make([]byte, 8)
	if n, err := r.Read(p); n != 1 || err != nil || !bytes.Equal(p, []byte("a\x00\x00\x00\x00\x00\x00\x00")) {
		t.Errorf("read %d, %v, buffer %q", n, err, p)
	}
}

type swallow struct{}

func (swallow) Feed(dst, chunk []byte) ([]byte, error) { return append(dst, chunk[0]), nil }
func (swallow) Flush(dst []byte) ([]byte, error)       { return dst, nil }

func TestAllocations(t *testing.T) {
	src := &endless{}
	r := NewReader(src, swallow{})
	p := make([]byte, 4<<10)
	r.Read(p)
	if n := testing.AllocsPerRun(100, func() { r.Read(p) }); n != 0 {
		t.Errorf("%v allocations a read", n)
	}
}

type endless struct{}

func (*endless) Read(p []byte) (int, error) { return len(p), nil }
