package http1

import (
	"bufio"
	"bytes"
	"errors"
	"strings"
	"testing"
)

// writes keeps what each write brought.
type writes struct {
	all  []string
	fail error
}

func (w *writes) Write(b []byte) (int, error) {
	if w.fail != nil {
		return 0, w.fail
	}
	w.all = append(w.all, string(b))
	return len(b), nil
}

func newWriter() (*Writer, *writes) {
	dst, w := &writes{}, &Writer{}
	w.Reset(bufio.NewWriterSize(dst, 4<<10))
	return w, dst
}

func fieldsOf(lines ...string) []Field {
	var fs []Field
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		fs = append(fs, Field{[]byte(name), []byte(value)})
	}
	return fs
}

func TestSmallMessageIsOneWrite(t *testing.T) {
	for name, c := range map[string]struct {
		f    Framing
		body []string
		want string
	}{
		"sized":   {Framing{Sized, 10}, []string{"hello", "world"}, "content-LENGTH: 10\r\nX-a: 1\r\n\r\nhelloworld"},
		"chunked": {Framing{Kind: Chunked}, []string{"hello", "", "0123456789abcdef"}, "X-a: 1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"},
		"empty":   {Framing{Sized, 0}, nil, "content-LENGTH: 0\r\nX-a: 1\r\n\r\n"},
		"none":    {Framing{}, nil, "X-a: 1\r\n\r\n"},
	} {
		w, dst := newWriter()
		if err := w.Request([]byte("POST"), []byte("/x?y"), fieldsOf("hOST: a.test", "content-LENGTH: 7", "X-a: 1"), c.f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, p := range c.body {
			if n, err := w.Write([]byte(p)); n != len(p) || err != nil {
				t.Errorf("%s: wrote %d, %v", name, n, err)
			}
		}
		if err := w.End(nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := "POST /x?y HTTP/1.1\r\nhOST: a.test\r\n" + c.want
		if len(dst.all) != 1 || dst.all[0] != want {
			t.Errorf("%s: wrote %q, want %q at once", name, dst.all, want)
		}
	}
}

func TestResponseHeads(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		reason string
		fields []Field
		f      Framing
		want   string
	}{
		"no reason":      {200, "", nil, Framing{Sized, 0}, "200 \r\nContent-Length: 0\r\n\r\n"},
		"odd reason":     {404, "It's\tnot \xe4", nil, Framing{Sized, 0}, "404 It's\tnot \xe4\r\nContent-Length: 0\r\n\r\n"},
		"framing fields": {200, "OK", fieldsOf("A: a", "transfer-encoding: gzip", "B: b", "Content-Length: 9", "content-length: 8"), Framing{Kind: Chunked}, "200 OK\r\nA: a\r\ntransfer-encoding: chunked\r\nB: b\r\n\r\n0\r\n\r\n"},
		"HEAD":           {200, "OK", fieldsOf("content-length: 1"), Framing{Announced, 77}, "200 OK\r\ncontent-length: 77\r\n\r\n"},
		"HEAD, unknown":  {200, "OK", fieldsOf("transfer-encoding: chunked"), Framing{}, "200 OK\r\n\r\n"},
		"304":            {304, "Not Modified", fieldsOf("Content-Length: 77", "ETag: x"), Framing{Announced, 77}, "304 Not Modified\r\nContent-Length: 77\r\nETag: x\r\n\r\n"},
		"204":            {204, "No Content", fieldsOf("Content-Length: 0"), Framing{}, "204 No Content\r\n\r\n"},
		"to the end":     {200, "OK", fieldsOf("Content-Length: 0", "Connection: close"), Framing{Kind: ToClose}, "200 OK\r\nConnection: close\r\n\r\n"},
		"early":          {103, "Early Hints", fieldsOf("Link: </a>"), Framing{}, "103 Early Hints\r\nLink: </a>\r\n\r\n"},
	} {
		w, dst := newWriter()
		if err := w.Response(c.status, []byte(c.reason), c.fields, c.f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := w.End(nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := strings.Join(dst.all, "|"); got != "HTTP/1.1 "+c.want {
			t.Errorf("%s: wrote %q, want %q", name, got, c.want)
		}
	}
}

// A value that would end its line is not written, nor is anything before it.
func TestHeadIsCheckedFirst(t *testing.T) {
	good := fieldsOf("Host: a.test", "A: b")
	get := func(w *Writer, target string, fields []Field, f Framing) error {
		return w.Request([]byte("GET"), []byte(target), fields, f)
	}
	for name, write := range map[string]func(*Writer) error{
		"value with CR": func(w *Writer) error {
			return get(w, "/", fieldsOf("Host: a.test", "A: b\rX: y"), Framing{})
		},
		"value with LF": func(w *Writer) error {
			return get(w, "/", fieldsOf("Host: a.test", "A: b\nX: y"), Framing{})
		},
		"value with NUL": func(w *Writer) error {
			return get(w, "/", fieldsOf("Host: a.test", "A: 12345678\x00"), Framing{})
		},
		"late bad value": func(w *Writer) error {
			return get(w, "/", append(repeatLast(good, 400), fieldsOf("A: b\n")...), Framing{})
		},
		"bad name": func(w *Writer) error {
			return get(w, "/", fieldsOf("Host: a.test", "A b: c"), Framing{})
		},
		"no name": func(w *Writer) error {
			return get(w, "/", fieldsOf("Host: a.test", ": c"), Framing{})
		},
		"bad method":      func(w *Writer) error { return w.Request([]byte("G T"), []byte("/"), good, Framing{}) },
		"space in target": func(w *Writer) error { return get(w, "/ x", good, Framing{}) },
		"LF in target":    func(w *Writer) error { return get(w, "/\n", good, Framing{}) },
		"no target":       func(w *Writer) error { return get(w, "", good, Framing{}) },
		"no Host":         func(w *Writer) error { return get(w, "/", good[1:], Framing{}) },
		"two Hosts": func(w *Writer) error {
			return get(w, "/", fieldsOf("Host: a", "hOST: b"), Framing{})
		},
		"endless request": func(w *Writer) error { return get(w, "/", good, Framing{Kind: ToClose}) },
		"negative length": func(w *Writer) error { return get(w, "/", good, Framing{Sized, -1}) },
		"status of 2":     func(w *Writer) error { return w.Response(99, nil, good, Framing{}) },
		"status of 4":     func(w *Writer) error { return w.Response(1000, nil, good, Framing{}) },
		"reason with CR":  func(w *Writer) error { return w.Response(200, []byte("O\rK"), good, Framing{}) },
		"204 with a body": func(w *Writer) error { return w.Response(204, nil, good, Framing{Sized, 0}) },
		"304 with a body": func(w *Writer) error { return w.Response(304, nil, good, Framing{Sized, 5}) },
		"103 with chunks": func(w *Writer) error { return w.Response(103, nil, good, Framing{Kind: Chunked}) },
	} {
		w, dst := newWriter()
		if err := write(w); !errors.Is(err, ErrHead) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := w.Write([]byte("x")); !errors.Is(err, ErrHead) {
			t.Errorf("%s: then a body: %v", name, err)
		}
		if err := w.End(nil); !errors.Is(err, ErrHead) || len(dst.all) > 0 {
			t.Errorf("%s: then %v, and %q was written", name, err, dst.all)
		}
	}
}

func repeatLast(f []Field, n int) []Field {
	for range n {
		f = append(f[:len(f):len(f)], f[len(f)-1])
	}
	return f
}

// What is not as its head says does not look whole.
func TestBodyIsAsItsHeadSays(t *testing.T) {
	start := func(f Framing) (*Writer, *writes) {
		w, dst := newWriter()
		if err := w.Response(200, nil, nil, f); err != nil {
			t.Fatal(err)
		}
		return w, dst
	}
	w, dst := start(Framing{Sized, 5})
	w.Write([]byte("hell"))
	if err := w.End(nil); err != ErrLength || len(dst.all) > 0 {
		t.Errorf("too short: %v, and %q was written", err, dst.all)
	}
	w, dst = start(Framing{Sized, 5})
	if _, err := w.Write([]byte("hello, ")); err != ErrLength {
		t.Errorf("too long: %v", err)
	}
	if err := w.End(nil); err != ErrLength || len(dst.all) > 0 {
		t.Errorf("too long: then %v, and %q was written", err, dst.all)
	}
	for _, f := range []Framing{{}, {Announced, 5}} {
		w, _ = start(f)
		if _, err := w.Write([]byte("x")); err != ErrLength {
			t.Errorf("%v: a body: %v", f, err)
		}
	}
	w, dst = start(Framing{Kind: ToClose})
	w.Write([]byte("to the "))
	w.Write([]byte("end"))
	if err := w.End(nil); err != nil || !strings.HasSuffix(strings.Join(dst.all, ""), "\r\n\r\nto the end") {
		t.Errorf("to the end: %v, %q", err, dst.all)
	}
}

func TestSequence(t *testing.T) {
	w, _ := newWriter()
	if _, err := w.Write([]byte("x")); err != ErrSequence {
		t.Errorf("a body without a head: %v", err)
	}
	w, _ = newWriter()
	if err := w.End(nil); err != ErrSequence {
		t.Errorf("an end without a head: %v", err)
	}
	w, _ = newWriter()
	w.Response(200, nil, nil, Framing{Kind: Chunked})
	if err := w.Response(200, nil, nil, Framing{}); err != ErrSequence {
		t.Errorf("a head within a message: %v", err)
	}
	w, dst := newWriter()
	for _, status := range []int{100, 103, 200} {
		if err := errors.Join(w.Response(status, nil, nil, Framing{}), w.End(nil)); err != nil {
			t.Error(err)
		}
	}
	if len(dst.all) != 3 {
		t.Errorf("wrote %q", dst.all)
	}
}

func TestWrittenTrailers(t *testing.T) {
	w, dst := newWriter()
	w.Response(200, []byte("OK"), nil, Framing{Kind: Chunked})
	w.Write([]byte("hi"))
	if err := w.End(fieldsOf("grpc-Status: 0", "X: y")); err != nil {
		t.Fatal(err)
	}
	if want := "2\r\nhi\r\n0\r\ngrpc-Status: 0\r\nX: y\r\n\r\n"; !strings.HasSuffix(dst.all[0], want) {
		t.Errorf("wrote %q", dst.all)
	}
	for _, bad := range []string{"Content-Length: 5", "Transfer-Encoding: chunked", "Host: a", "Authorization: x", "A b: c", "X: y\r\nZ: z"} {
		w, dst := newWriter()
		w.Response(200, nil, nil, Framing{Kind: Chunked})
		if err := w.End(fieldsOf(bad)); err != ErrTrailer || len(dst.all) > 0 {
			t.Errorf("%q: %v, and %q was written", bad, err, dst.all)
		}
	}
	w, _ = newWriter()
	w.Response(200, nil, nil, Framing{Sized, 0})
	if err := w.End(fieldsOf("X: y")); err != ErrTrailer {
		t.Errorf("behind a body with a length: %v", err)
	}
}

// An event leaves when it is flushed, in one write, and the head with it.
func TestEventsAreFlushed(t *testing.T) {
	w, dst := newWriter()
	w.Response(200, []byte("OK"), nil, Framing{Kind: Chunked})
	for range 2 {
		w.Write([]byte("data: x\n\n"))
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if len(dst.all) != 2 || dst.all[1] != "9\r\ndata: x\n\n\r\n" || !strings.HasPrefix(dst.all[0], "HTTP/1.1 200 OK") {
		t.Errorf("wrote %q", dst.all)
	}
}

func TestBrokenConnection(t *testing.T) {
	broken := errors.New("broken")
	for _, f := range []Framing{{Sized, 64 << 10}, {Kind: Chunked}, {Kind: ToClose}} {
		w, dst := newWriter()
		dst.fail = broken
		w.Response(200, nil, nil, f)
		_, err := w.Write(bytes.Repeat([]byte("x"), 64<<10))
		if end := w.End(nil); !errors.Is(err, broken) || !errors.Is(end, broken) {
			t.Errorf("%v: %v, then %v", f, err, end)
		}
	}
	w, dst := newWriter()
	dst.fail = broken
	w.Response(200, nil, nil, Framing{})
	if err := w.Flush(); !errors.Is(err, broken) {
		t.Error(err)
	}
}
