package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// What net/http refuses is refused here. What both take, both read alike: first
// line, fields, framing, body, trailers, and where the next message begins. Where
// we refuse and net/http does not, we are stricter, which TestS1Smuggling lists.

// twoReaders are of a size that net/http holds trailers to.
func twoReaders(text []byte) (ours, theirs *bufio.Reader) {
	size := len(text) + 16
	return bufio.NewReaderSize(bytes.NewReader(text), size), bufio.NewReaderSize(bytes.NewReader(text), size)
}

func FuzzRequestHead(f *testing.F) {
	for _, p := range smugglingProbes() {
		f.Add([]byte(p.text))
	}
	for _, text := range requestSeeds {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		ourSrc, theirSrc := twoReaders(text)
		var ours Request
		err := ours.Read(ourSrc, Limits{})
		theirs, theirErr := http.ReadRequest(theirSrc)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if theirErr != nil {
			t.Fatalf("net/http refuses what we take: %v\n%q", theirErr, text)
		}
		got := told{first: fmt.Sprintf("%s %s 1.%d", ours.Method, ours.Target, ours.Minor), fields: Header(ours.Fields), framing: ours.Framing}
		want := told{
			first:   fmt.Sprintf("%s %s %d.%d", theirs.Method, theirs.RequestURI, theirs.ProtoMajor, theirs.ProtoMinor),
			fields:  theirs.Header,
			framing: requestFraming(theirs),
		}
		hostOf := ours.Host
		if ours.Authority != nil {
			hostOf = ours.Authority
		}
		if string(hostOf) != theirs.Host {
			t.Fatalf("the host is %q, not %q", hostOf, theirs.Host)
		}
		if ours.KeepsAlive() == theirs.Close {
			t.Fatalf("the connection stays open: %v, and for net/http %v", ours.KeepsAlive(), !theirs.Close)
		}
		compare(t, got, want)
		compareBodies(t, ours.Framing, ourSrc, theirSrc, theirs.Body, &theirs.Trailer)
	})
}

var requestSeeds = []string{
	"GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n",
	"GET HTTPS://[::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nPragma: no-cache\r\n\r\n",
	"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: a.test\r\nConnection: close, x\r\n\r\n",
	"GET //a/%zz HTTP/1.1\r\nHost: a.test\r\n\r\n",
	"GET /%41?%zz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	"POST /\xc3\xa4 HTTP/1.1\r\nhost:a.test\r\nExpect: 100-continue\r\ncontent-length:3\r\n\r\nabcGET",
	"POST / HTTP/1.1\r\nHost: a.test\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nx: 1\r\nX: 2\r\nCookie: a\r\n\r\nrest",
	"POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
	"GET / HTTP/1.1\r\nHost: a.test\r\nX:\r\nx: \t y \r\nX-Y_z!: \xff\r\n\r\n",
}

func FuzzResponseHead(f *testing.F) {
	for _, text := range responseSeeds {
		f.Add([]byte(text), byte(0))
		f.Add([]byte(text), byte(1))
	}
	f.Fuzz(func(t *testing.T, text []byte, asked byte) {
		// CONNECT is left out: net/http takes what follows a 2xx for a body.
		method := []string{"GET", "HEAD", "POST"}[asked%3]
		ourSrc, theirSrc := twoReaders(text)
		var ours Response
		err := ours.Read(ourSrc, method, Limits{})
		theirs, theirErr := http.ReadResponse(theirSrc, &http.Request{Method: method})
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if theirErr != nil {
			t.Fatalf("net/http refuses what we take: %v\n%q", theirErr, text)
		}
		status := fmt.Sprintf("%03d", ours.Status)
		if theirs.Status != status { // or there was no reason, and no space either
			status += " " + string(ours.Reason)
		}
		got := told{first: fmt.Sprintf("%q 1.%d", status, ours.Minor), fields: Header(ours.Fields), framing: ours.Framing}
		want := told{
			first:   fmt.Sprintf("%q %d.%d", theirs.Status, theirs.ProtoMajor, theirs.ProtoMinor),
			fields:  theirs.Header,
			framing: responseFraming(theirs, method),
		}
		if ours.Status != 101 && ours.KeepsAlive() == theirs.Close {
			t.Fatalf("the connection stays open: %v, and for net/http %v", ours.KeepsAlive(), !theirs.Close)
		}
		compare(t, got, want)
		compareBodies(t, ours.Framing, ourSrc, theirSrc, theirs.Body, &theirs.Trailer)
	})
}

var responseSeeds = []string{
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n",
	"HTTP/1.1 200\r\n\r\nto the end",
	"HTTP/1.1 200 \r\nContent-Length:      0\r\n\r\n",
	"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
	"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 204 \xc3\xa4\r\nContent-Length: 7\r\n\r\n",
	"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\nETag: \"x\"\r\n\r\nHTTP/1.1",
	"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00",
	"HTTP/1.1 999 Request denied\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2;x\r\nab\r\n0\r\nX: y\r\n\r\nrest",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
	"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
	"HTTP/1.1 200 O\x01K\r\n\r\n",
	"HTTP/2.0 200 OK\r\n\r\n",
	"HTTP/1.1 0200 OK\r\n\r\n",
	"HTTP/1.1 200 OK\nX: y\n\n",
}

// told is what a reader says of a head.
type told struct {
	first   string
	fields  http.Header
	framing Framing
}

// checkRefusal is about what an error may be.
func checkRefusal(t *testing.T, err error) {
	var bad *Error
	if errors.As(err, &bad) {
		if bad.Status < 400 || bad.Reason == "" || !bad.Close {
			t.Fatalf("refused with %+v", *bad)
		}
	} else if err != io.EOF && err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
}

// compare leaves out the fields that net/http keeps elsewhere or makes up.
func compare(t *testing.T, got, want told) {
	if got.first != want.first {
		t.Fatalf("the first line is %q, not %q", got.first, want.first)
	}
	if got.framing != want.framing {
		t.Fatalf("the framing is %+v, not %+v", got.framing, want.framing)
	}
	for _, h := range []http.Header{got.fields, want.fields} {
		if slices.Contains(h["Pragma"], "no-cache") {
			delete(h, "Cache-Control")
		}
		for _, name := range []string{"Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection"} {
			delete(h, name)
		}
	}
	if !reflect.DeepEqual(got.fields, want.fields) {
		t.Fatalf("the fields are\n%q, not\n%q", got.fields, want.fields)
	}
}

func requestFraming(r *http.Request) Framing {
	switch {
	case r.ContentLength < 0:
		return Framing{Kind: Chunked}
	case r.Header["Content-Length"] != nil:
		return Framing{Sized, r.ContentLength}
	}
	return Framing{}
}

func responseFraming(r *http.Response, method string) Framing {
	announced := len(r.TransferEncoding) == 0 && r.Header.Get("Content-Length") != ""
	bodiless := method == "HEAD" || r.StatusCode == 304
	switch {
	case r.StatusCode/100 == 1 || r.StatusCode == 204 || bodiless && !announced:
		return Framing{}
	case bodiless:
		n, _ := parseLength([]byte(r.Header.Get("Content-Length")))
		return Framing{Announced, n}
	case len(r.TransferEncoding) > 0:
		return Framing{Kind: Chunked}
	case announced:
		return Framing{Sized, r.ContentLength}
	}
	return Framing{Kind: ToClose}
}

// compareBodies reads both to their end. If ours ends well, so does theirs, with
// the same bytes and trailers, and the same is left in both sources.
func compareBodies(t *testing.T, f Framing, ourSrc, theirSrc *bufio.Reader, theirs io.Reader, theirTrailer *http.Header) {
	var body Body
	body.Reset(ourSrc, f)
	got, err := io.ReadAll(&body)
	if err != nil {
		checkRefusal(t, err)
		return
	}
	want, theirErr := io.ReadAll(theirs)
	if theirErr != nil || !bytes.Equal(got, want) {
		t.Fatalf("the body is %q, and for net/http %q, %v", got, want, theirErr)
	}
	wantTrailer := maps.Clone(*theirTrailer)
	for name, values := range wantTrailer {
		if ok, _ := mayTrail([]byte(name)); !ok || len(values) == 0 { // announced, but it did not come
			delete(wantTrailer, name)
		}
	}
	if gotTrailer := Header(body.Trailers()); !maps.EqualFunc(gotTrailer, wantTrailer, slices.Equal) {
		t.Fatalf("the trailers are %q, not %q", gotTrailer, wantTrailer)
	}
	ourRest, _ := io.ReadAll(ourSrc)
	theirRest, _ := io.ReadAll(theirSrc)
	if !bytes.Equal(ourRest, theirRest) {
		t.Fatalf("%q is left, and for net/http %q", ourRest, theirRest)
	}
}

func FuzzChunked(f *testing.F) {
	for _, p := range smugglingProbes() {
		if _, body, ok := strings.Cut(p.text, "\r\n\r\n"); ok {
			f.Add([]byte(body), uint8(0))
		}
	}
	f.Add([]byte(strings.Repeat("1;"+strings.Repeat("x", 500)+"\r\na\r\n", 40)+"0\r\n\r\n"), uint8(7))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		want, theirErr := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(text)))
		got, err := readChunked(bytes.NewReader(text), int(size))
		if !bytes.HasPrefix(want, got) && theirErr == nil {
			t.Fatalf("read %q, and net/http %q", got, want)
		}
		again, againErr := readChunked(oneByOne{bytes.NewReader(text)}, 1+int(size)/2)
		if !bytes.Equal(got, again) || (err == nil) != (againErr == nil) {
			t.Fatalf("read %q, %v, and byte by byte %q, %v", got, err, again, againErr)
		}
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if theirErr != nil || !bytes.Equal(got, want) {
			t.Fatalf("read %q, and net/http %q, %v", got, want, theirErr)
		}
	})
}

// readChunked reads size bytes at a time, if it says so.
func readChunked(src io.Reader, size int) ([]byte, error) {
	var body Body
	body.Reset(bufio.NewReaderSize(src, maxSizeLine*2), Framing{Kind: Chunked})
	if size == 0 {
		return io.ReadAll(&body)
	}
	var all []byte
	for p := make([]byte, size); ; {
		n, err := body.Read(p)
		all = append(all, p[:n]...)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}

type oneByOne struct{ r io.Reader }

func (o oneByOne) Read(p []byte) (int, error) { return o.r.Read(p[:min(1, len(p))]) }
