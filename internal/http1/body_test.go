package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

const rest = "HTTP/1.1 200 OK\r\n\r\n"

// inChunks frames text in chunks of size.
func inChunks(text string, size int) string {
	var b strings.Builder
	for len(text) > 0 {
		n := min(size, len(text))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, text[:n])
		text = text[n:]
	}
	return b.String() + "0\r\n\r\n"
}

func TestBodyReaders(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 400) + "end"
	for name, c := range map[string]struct {
		wire string
		f    Framing
		want string
	}{
		"sized":           {text + rest, Framing{Sized, int64(len(text))}, text},
		"empty":           {rest, Framing{Sized, 0}, ""},
		"none":            {rest, Framing{}, ""},
		"announced":       {rest, Framing{Announced, 5}, ""},
		"one chunk":       {inChunks(text, 1<<20) + rest, Framing{Kind: Chunked}, text},
		"small chunks":    {inChunks(text, 1) + rest, Framing{Kind: Chunked}, text},
		"middling chunks": {inChunks(text, 700) + rest, Framing{Kind: Chunked}, text},
		"no chunks":       {inChunks("", 1) + rest, Framing{Kind: Chunked}, ""},
		"trailers":        {strings.TrimSuffix(inChunks(text, 500), "\r\n") + "A: b\r\nC: d\r\n\r\n" + rest, Framing{Kind: Chunked}, text},
		"to the end":      {text, Framing{Kind: ToClose}, text},
	} {
		for cut, by := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r },
			"one":   iotest.OneByteReader,
			"half":  iotest.HalfReader,
			"data":  iotest.DataErrReader,
		} {
			br := bufio.NewReader(by(strings.NewReader(c.wire)))
			var b Body
			b.Reset(br, c.f)
			if err := iotest.TestReader(&b, []byte(c.want)); err != nil {
				t.Errorf("%s, %s: %v", name, cut, err)
				continue
			}
			left, err := io.ReadAll(br)
			if want := map[bool]string{true: "", false: rest}[c.f.Kind == ToClose]; string(left) != want || err != nil || !b.Ended() {
				t.Errorf("%s, %s: %q is left, %v, want %q", name, cut, left, err, want)
			}
		}
	}
}

// Cut anywhere, a body does not end cleanly; its beginning still comes.
func TestBodyTruncated(t *testing.T) {
	const text = "hello, world"
	for name, c := range map[string]struct {
		wire string
		f    Framing
	}{
		"sized":    {text, Framing{Sized, int64(len(text))}},
		"chunks":   {inChunks(text, 5), Framing{Kind: Chunked}},
		"trailers": {strings.TrimSuffix(inChunks(text, 5), "\r\n") + "A: b\r\n\r\n", Framing{Kind: Chunked}},
	} {
		for n := range c.wire {
			var b Body
			b.Reset(bufio.NewReader(strings.NewReader(c.wire[:n])), c.f)
			got, err := io.ReadAll(&b)
			if err != io.ErrUnexpectedEOF || !strings.HasPrefix(text, string(got)) || b.Ended() {
				t.Errorf("%s, %d of %d bytes: %q, %v", name, n, len(c.wire), got, err)
			}
			if _, again := b.Read(make([]byte, 1)); again != err {
				t.Errorf("%s, %d bytes: then %v", name, n, again)
			}
		}
	}
	broken := errors.New("broken")
	for _, f := range []Framing{{Sized, 9}, {Kind: Chunked}, {Kind: ToClose}} {
		var b Body
		b.Reset(bufio.NewReader(io.MultiReader(strings.NewReader("5\r\nhe"), iotest.ErrReader(broken))), f)
		if _, err := io.ReadAll(&b); !errors.Is(err, broken) || b.Ended() {
			t.Errorf("%v on a connection that breaks: %v", f, err)
		}
	}
}

// A Read does not wait while it has something to give, and tells the end along
// with the last bytes where they came with it.
func TestBodyDoesNotWait(t *testing.T) {
	for _, c := range []struct {
		name   string
		pieces []string // as they arrive
		f      Framing
		want   []string // what each Read gives, with $ for the end
	}{
		{"sized", []string{"ab", "cd"}, Framing{Sized, 4}, []string{"ab", "cd$"}},
		{"chunk by chunk", []string{"2\r\nab\r\n", "2\r\ncd\r\n", "0\r\n\r\n"}, Framing{Kind: Chunked}, []string{"ab", "cd", "$"}},
		{"all at once", []string{"2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"}, Framing{Kind: Chunked}, []string{"abcd$"}},
		{"cut in a size", []string{"2\r\nab\r\n2", "\r\ncd\r\n0\r\n\r\n"}, Framing{Kind: Chunked}, []string{"ab", "cd$"}},
		{"cut in a line end", []string{"2\r\nab\r", "\n2\r\ncd\r\n0\r\n\r\n"}, Framing{Kind: Chunked}, []string{"ab", "cd$"}},
		{"cut in a chunk", []string{"4\r\nab", "cd\r\n0\r\n\r\n"}, Framing{Kind: Chunked}, []string{"ab", "cd$"}},
		{"cut before a trailer", []string{"2\r\nab\r\n0\r\n", "X: y\r\n\r\n"}, Framing{Kind: Chunked}, []string{"ab", "$"}},
		{"cut in a trailer", []string{"2\r\nab\r\n0\r\nX: y\r\n", "\r\n"}, Framing{Kind: Chunked}, []string{"ab", "$"}},
		{"with a trailer", []string{"2\r\nab\r\n0\r\nX: y\r\n\r\n"}, Framing{Kind: Chunked}, []string{"ab$"}},
	} {
		var b Body
		b.Reset(bufio.NewReader(&pieces{c.pieces}), c.f)
		var got []string
		for p := make([]byte, 100); ; {
			n, err := b.Read(p)
			got = append(got, string(p[:n]))
			if err == io.EOF {
				got[len(got)-1] += "$"
			}
			if err != nil {
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// pieces gives one piece a Read, and fails where nothing more would come.
type pieces struct{ left []string }

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.left) == 0 {
		return 0, errors.New("would wait for ever")
	}
	n := copy(b, p.left[0])
	if p.left[0] = p.left[0][n:]; p.left[0] == "" {
		p.left = p.left[1:]
	}
	return n, nil
}

// Chunks of one byte are how some stream. What is sent around chunks otherwise
// costs us work for nothing.
func TestChunkOverhead(t *testing.T) {
	if got, err := readChunked(strings.NewReader(inChunks(strings.Repeat("x", 1<<17), 1)), 0); err != nil || len(got) != 1<<17 {
		t.Errorf("chunks of one byte: %d bytes, %v", len(got), err)
	}
	for name, c := range map[string]struct {
		chunk string
		n     int
		want  string
	}{
		"a long extension":         {"1;" + strings.Repeat("x", 400) + "\r\na\r\n", 1, ""},
		"extensions in large ones": {"1000;" + strings.Repeat("x", 500) + "\r\n" + strings.Repeat("a", 0x1000) + "\r\n", 1000, ""},
		"extensions without end":   {"1;" + strings.Repeat("x", 400) + "\r\na\r\n", 1000, "400 " + chunkOverhead},
		"zeros without end":        {strings.Repeat("0", 14) + "1;" + strings.Repeat("x", 20) + "\r\na\r\n", 1000, "400 " + chunkOverhead},
		"an extension too long":    {"1;" + strings.Repeat("x", 600) + "\r\na\r\n", 1, "400 " + badChunk},
		"an extension of 8 KiB":    {"1;" + strings.Repeat("x", 8<<10) + "\r\na\r\n", 1, "400 " + badChunk},
		"too many digits":          {strings.Repeat("0", 15) + "1\r\na\r\n", 1, "400 " + badChunk},
		"the largest size":         {"fffffffffffffff\r\na", 1, ""},
	} {
		var b Body
		b.Reset(bufio.NewReader(strings.NewReader(strings.Repeat(c.chunk, c.n)+"0\r\n\r\n")), Framing{Kind: Chunked})
		_, err := io.ReadAll(&b)
		if got := refused(err); got != c.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
		}
	}
}

func TestTrailers(t *testing.T) {
	body := func(trailers string) (*Body, error) {
		var b Body
		b.Reset(bufio.NewReader(strings.NewReader("2\r\nhi\r\n0\r\n"+trailers+"\r\n")), Framing{Kind: Chunked})
		_, err := io.ReadAll(&b)
		return &b, err
	}
	for text, want := range map[string]string{
		"":                                    `[]`,
		"grpc-Status:  0 \r\nX: \r\nX: y\r\n": `[{"grpc-Status" "0"} {"X" ""} {"X" "y"}]`,
		"Content-Digest: x\r\nETag: y\r\nServer-Timing: z\r\n":                                           `[{"Content-Digest" "x"} {"ETag" "y"} {"Server-Timing" "z"}]`,
		"HOST: b.test\r\nConnection: x\r\nTE: x\r\nKeep-Alive: x\r\nUpgrade: x\r\nProxy-Anything: x\r\n": `[]`,
		"Authorization: x\r\nCookie: x\r\nset-cookie: x\r\nWWW-Authenticate: x\r\nAccept: x\r\n":         `[{"Accept" "x"}]`,
		"Content-Type: x\r\nContent-Encoding: x\r\nContent-Range: x\r\nRange: x\r\nIf-Match: x\r\n":      `[]`,
		"Cache-Control: x\r\nExpect: x\r\nLocation: x\r\nX-Forwarded-For: x\r\nForwarded: x\r\n":         `[]`,
	} {
		b, err := body(text)
		if got := fmt.Sprintf("%q", b.Trailers()); got != want || err != nil {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"content-length: 1\r\n":                      "400 bad_trailer",
		"TRANSFER-ENCODING: chunked\r\n":             "400 bad_trailer",
		"Trailer: x\r\n":                             "400 bad_trailer",
		"X y\r\n":                                    "400 bad_field",
		"X: \x00\r\n":                                "400 bad_field_value",
		strings.Repeat("a: b\r\n", 102):              "431 too_many_fields",
		"X: " + strings.Repeat("x", 16<<10) + "\r\n": "431 head_too_large",
	} {
		b, err := body(text)
		if got := refused(err); got != want || len(b.Trailers()) > 0 || b.Ended() {
			t.Errorf("%.30q: %q (%v) with %d trailers, want %q", text, got, err, len(b.Trailers()), want)
		}
	}
}

// A Body that is used again has nothing of the one before.
func TestBodyReset(t *testing.T) {
	var b Body
	if n, err := b.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("the zero value reads %d, %v", n, err)
	}
	br := bufio.NewReader(strings.NewReader("1\r\nx\r\n0\r\nA: b\r\n\r\n" + "1\r\ny\r\n0\r\n\r\n" + "zz" + "5\r\nx"))
	for i, c := range []struct {
		f        Framing
		want     string
		trailers int
	}{
		{Framing{Kind: Chunked}, "x", 1}, {Framing{Kind: Chunked}, "y", 0}, {Framing{Sized, 2}, "zz", 0}, {Framing{}, "", 0},
	} {
		b.Reset(br, c.f)
		if b.Ended() != (c.f.Kind == NoBody) {
			t.Errorf("body %d: ended: %v", i, b.Ended())
		}
		got, err := io.ReadAll(&b)
		if string(got) != c.want || err != nil || len(b.Trailers()) != c.trailers || !b.Ended() {
			t.Errorf("body %d: %q, %v, %q", i, got, err, b.Trailers())
		}
	}
	b.Release()
	if left, _ := io.ReadAll(br); !bytes.Equal(left, []byte("5\r\nx")) {
		t.Errorf("%q is left", left)
	}
}
