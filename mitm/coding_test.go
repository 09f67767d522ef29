package mitm_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
)

type packer interface {
	io.WriteCloser
	Flush() error
}

// codings are what an origin may apply although it was asked for identity: the
// field lines that say so, and how.
var codings = []struct {
	name  string
	lines []string
	to    func(io.Writer) []packer // the first is written to
}{
	{"gzip", []string{"gzip"}, func(w io.Writer) []packer { return []packer{gzip.NewWriter(w)} }},
	{"x-gzip", []string{"x-gzip"}, func(w io.Writer) []packer { return []packer{gzip.NewWriter(w)} }},
	{"zlib", []string{"deflate"}, func(w io.Writer) []packer { return []packer{zlib.NewWriter(w)} }},
	{"raw deflate", []string{"Deflate"}, func(w io.Writer) []packer { f, _ := flate.NewWriter(w, 6); return []packer{f} }},
	{"br", []string{"br"}, func(w io.Writer) []packer { return []packer{brotli.NewWriter(w)} }},
	{"zstd", []string{"zstd"}, func(w io.Writer) []packer { z, _ := zstd.NewWriter(w); return []packer{z} }},
	{"stacked", []string{"gzip, br"}, func(w io.Writer) []packer { b := brotli.NewWriter(w); return []packer{gzip.NewWriter(b), b} }},
	{"two lines", []string{"zstd", "x-gzip"}, func(w io.Writer) []packer {
		g := gzip.NewWriter(w)
		z, _ := zstd.NewWriter(g)
		return []packer{z, g}
	}},
}

func pack(to func(io.Writer) []packer, text string) []byte {
	var b bytes.Buffer
	ps := to(&b)
	io.WriteString(ps[0], text)
	for _, p := range ps {
		p.Close()
	}
	return b.Bytes()
}

// answer is an origin that says the same to all.
func answer(status int, header http.Header, body []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for k, vs := range header {
			w.Header()[k] = vs
		}
		w.WriteHeader(status)
		w.Write(body)
	})
}

var digests = []string{"Content-Md5", "Digest", "Content-Digest", "Repr-Digest"}

// A coding that was not asked for is undone, and the head tells of what comes.
func TestE3Codings(t *testing.T) {
	text := "<" + value + ">" + strings.Repeat(" and more", 300)
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		for _, c := range codings {
			for _, placeholder := range []bool{true, false} { // from a host's first exchange, too
				h := http.Header{"Content-Encoding": c.lines, "Etag": {`"strong"`}}
				for _, f := range digests {
					h.Set(f, "sha-256=:AAAA:")
				}
				cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: answer(200, h, pack(c.to, text))}
				change(&cfg)
				l := lab.New(t, cfg)
				ask := http.Header{"Accept-Encoding": {"gzip"}}
				if placeholder {
					ask = bearer("KEY")
				}
				resp, body := do(t, l, "GET", l.URL(host, "/"), "", ask)
				if len(body) != len(text) || !placeholder && body != text {
					t.Errorf("%s: %d bytes of %d: %.80q", c.name, len(body), len(text), body)
				}
				if placeholder {
					noEcho(t, c.name, body)
					wantMarker(t, c.name, body)
				}
				if got := resp.Header.Values("Content-Encoding"); got != nil || resp.Header.Get("Etag") != `W/"strong"` {
					t.Errorf("%s: encoding %q, tag %s", c.name, got, resp.Header.Get("Etag"))
				}
				for _, f := range digests {
					if resp.Header.Get(f) != "" {
						t.Errorf("%s: %s of other bytes passed", c.name, f)
					}
				}
			}
		}
	})
}

// Where a secret may go, none is asked for; where one may only come back, those
// alone that can be undone; and where none can, as the client likes.
func TestE3AskedFor(t *testing.T) {
	const likes = "zstd;q=1.0, dcb, gzip;q=0.5, *;q=0.1, sdch"
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		o := newRecorder()
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o}
		change(&cfg)
		l := lab.New(t, cfg)
		asked := func(host string, h http.Header) string {
			h.Set("Accept-Encoding", likes)
			do(t, l, "GET", l.URL(host, "/"), "", h)
			return o.take(t).Header.Get("Accept-Encoding")
		}
		for _, c := range []struct {
			what, host string
			head       http.Header
			want       string
		}{
			{"a host that no secret goes to", evil, http.Header{}, likes},
			{"a host that one may go to", host, http.Header{}, "identity"},
			{"with a secret", host, bearer("KEY"), "identity"},
			{"a host that no secret goes to, later", evil, http.Header{}, "zstd;q=1.0, gzip;q=0.5"},
		} {
			if got := asked(c.host, c.head); got != c.want {
				t.Errorf("%s was asked for %q, want %q", c.what, got, c.want)
			}
		}
	})
}

// Nor are there other ways to have an origin write what it says otherwise: what asks
// for one goes no further, and one that comes all the same is refused.
func TestE3OtherWays(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		asked := make(chan http.Header, 4)
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- r.Header
			switch r.URL.Path {
			case "/delta":
				w.Header().Set("Im", "gzip")
				w.WriteHeader(http.StatusIMUsed)
				io.WriteString(w, gzipText(value))
			case "/field":
				w.Header().Set("Im", "vcdiff")
			}
		})}
		change(&cfg)
		l := lab.New(t, cfg)
		ask := func(host, path string, h http.Header) (*http.Response, string, string) {
			h.Set("A-Im", "gzip, vcdiff")
			h.Set("Accept-Charset", "utf-7")
			resp, body := do(t, l, "GET", l.URL(host, path), "", h)
			if len(asked) == 0 {
				t.Fatalf("the origin was not asked: %s %s", resp.Status, body)
			}
			got := <-asked
			return resp, body, got.Get("A-Im") + got.Get("Accept-Charset")
		}
		if _, _, got := ask(evil, "/", http.Header{}); got != "gzip, vcdiffutf-7" {
			t.Errorf("another host was asked %q", got)
		}
		for _, path := range []string{"/", "/delta", "/field"} {
			resp, body, got := ask(host, path, bearer("KEY"))
			if got != "" {
				t.Errorf("the origin was asked for %s", got)
			}
			if path != "/" {
				wantProblem(t, resp, body, 502, "undecodable_response")
			}
		}
		if _, _, got := ask(evil, "/", http.Header{}); got != "" {
			t.Errorf("another host was asked %q, once a value was out", got)
		}
	})
}

// A bomb is cut off, and recorded as what it is.
func TestE3Bomb(t *testing.T) {
	zeros := strings.Repeat("\x00", 8<<20) + value
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		for _, c := range codings {
			cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: answer(200, http.Header{"Content-Encoding": c.lines}, pack(c.to, zeros))}
			change(&cfg)
			l := lab.New(t, cfg)
			req, _ := http.NewRequest("GET", l.URL(host, "/"), nil)
			req.Header = bearer("KEY")
			resp, err := l.Client.Do(req)
			if err == nil {
				var n int64
				n, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if n > 4<<20 {
					t.Errorf("%s: %d bytes came of it", c.name, n)
				}
			}
			if e := waitEvent(t, l); err == nil || e.Status != audit.Error || e.Reason != "undecodable_response" {
				t.Errorf("%s: %v, audit %+v", c.name, err, e)
			}
		}
	})
}

// A compressed stream of events is as prompt as any.
func TestE3EventStream(t *testing.T) {
	for _, c := range codings {
		next := make(chan struct{})
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Content-Encoding"] = c.lines
			w.Header().Set("Content-Type", "text/event-stream")
			ps := c.to(w)
			for i := range 3 {
				<-next
				fmt.Fprintf(ps[0], "data: %d %s\n\n", i, r.Header.Get("Authorization"))
				for _, p := range ps {
					p.Flush()
				}
				http.NewResponseController(w).Flush()
			}
			for _, p := range ps {
				p.Close()
			}
		})})
		got := make(chan *http.Response)
		go func() {
			req, _ := http.NewRequest("GET", l.URL(host, "/"), nil)
			req.Header = bearer("KEY")
			resp, err := l.Client.Do(req)
			if err != nil {
				t.Error(err)
			}
			got <- resp
		}()
		next <- struct{}{}
		resp := <-got
		br := bufio.NewReader(resp.Body)
		for i := range 3 {
			if i > 0 {
				next <- struct{}{}
			}
			line := readWithin(t, 10*time.Second, br)
			if !strings.HasPrefix(line, fmt.Sprintf("data: %d ", i)) {
				t.Fatalf("%s: event %d is %q", c.name, i, line)
			}
			noEcho(t, c.name, line)
			readWithin(t, 10*time.Second, br)
		}
		if rest, err := io.ReadAll(br); len(rest) != 0 || err != nil {
			t.Errorf("%s: ends with %q, %v", c.name, rest, err)
		}
		resp.Body.Close()
	}
}

// Coded bodies that are cut or broken abort: a part is never taken for the whole.
func TestE3Broken(t *testing.T) {
	text := strings.Repeat("a line of text "+value+"\n", 100)
	for _, c := range codings {
		packed := pack(c.to, text)
		flipped := bytes.Clone(packed)
		flipped[len(flipped)/2] ^= 0x55
		for kind, body := range map[string][]byte{"cut": packed[:len(packed)-3], "broken": append([]byte("\xff\xff\xff"), packed...), "flipped": flipped} {
			if kind == "flipped" && (c.name == "raw deflate" || c.name == "br") {
				continue // have no checksum
			}
			l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: answer(200, http.Header{"Content-Encoding": c.lines}, body)})
			req, _ := http.NewRequest("GET", l.URL(host, "/"), nil)
			req.Header = bearer("KEY")
			resp, err := l.Client.Do(req)
			if err == nil {
				var b []byte
				b, err = io.ReadAll(resp.Body)
				resp.Body.Close()
				noEcho(t, c.name, string(b))
			}
			if err == nil {
				t.Errorf("%s, %s: ended cleanly", c.name, kind)
			}
			if e := waitEvent(t, l); e.Status != audit.Error {
				t.Errorf("%s, %s: audit %+v", c.name, kind, e)
			}
		}
	}
}

// Heads without a body tell of what GET would give.
func TestE3Heads(t *testing.T) {
	for _, c := range []struct {
		method string
		status int
		coding string
		want   string
	}{
		{"HEAD", 200, "gzip", ""},
		{"GET", 304, "gzip", ""},
		{"GET", 204, "br", ""},
		{"HEAD", 200, "rot13", "rot13"}, // GET is refused
	} {
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: answer(c.status, http.Header{"Content-Encoding": {c.coding}, "Etag": {`"x"`}}, nil)})
		resp, body := do(t, l, c.method, l.URL(host, "/"), "", bearer("KEY"))
		if resp.StatusCode != c.status || body != "" || resp.Header.Get("Content-Encoding") != c.want || resp.Header.Get("Etag") != `W/"x"` {
			t.Errorf("%s %d %s: %d, %v, %q", c.method, c.status, c.coding, resp.StatusCode, resp.Header, body)
		}
	}
}

// Where no echo can be, a coded body passes byte for byte, even a broken one.
func TestCodingsElsewhereUntouched(t *testing.T) {
	for _, c := range codings {
		packed := append(pack(c.to, "hello "+value), "and something behind it"...)
		h := http.Header{"Content-Encoding": c.lines, "Etag": {`"x"`}, "Content-Digest": {"sha-256=:AAAA:"}, "Accept-Ranges": {"bytes"}}
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: answer(200, h, packed)})
		resp, body := do(t, l, "GET", l.URL(evil, "/"), "", http.Header{"Accept-Encoding": {"gzip, br"}})
		if body != string(packed) || resp.ContentLength != int64(len(packed)) {
			t.Errorf("%s: %q became %q", c.name, packed, body)
		}
		for k, vs := range h {
			if fmt.Sprint(resp.Header[k]) != fmt.Sprint(vs) {
				t.Errorf("%s: %s is %q", c.name, k, resp.Header[k])
			}
		}
	}
}

// A tag promises the bytes of what it was made for: not of a body with an echo,
// nor of one that was passed on before it was known.
func TestTags(t *testing.T) {
	for _, c := range []struct{ body, length, want string }{
		{"echo " + value, "yes", `W/"v1"`},
		{"no echo", "yes", `"v1"`},
		{"no echo", "", `W/"v1"`},
	} {
		o := newRecorder()
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Etag", `"v1"`)
			w.Header().Set("Accept-Ranges", "bytes")
			w.Header().Set("Content-Digest", "sha-256=:AAAA:")
			if c.length != "" {
				w.Header().Set("Content-Length", strconv.Itoa(len(c.body)))
			}
			if r.Method == "PUT" {
				o.got <- seen{Header: r.Header}
			} else {
				io.WriteString(w, c.body)
				http.NewResponseController(w).Flush()
			}
		})})
		resp, body := do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
		noEcho(t, "body", body)
		if got := resp.Header.Get("Etag"); got != c.want || resp.Header.Get("Accept-Ranges")+resp.Header.Get("Content-Digest") != "" {
			t.Errorf("%q: tag %s, head %v", c.body, got, resp.Header)
		}
		// The client may still change what it has seen.
		req, _ := http.NewRequest("PUT", l.URL(host, "/"), nil)
		req.Header = http.Header{"If-Match": {resp.Header.Get("Etag") + `, W/"v0"`}}
		if resp, err := l.Client.Do(req); err == nil {
			resp.Body.Close()
		}
		if got := o.take(t).Header.Get("If-Match"); got != `"v1", "v0"` {
			t.Errorf("If-Match: %s", got)
		}
	}
}

// In a body of a declared length, forms broken over lines are found.
func TestE2Wrapped(t *testing.T) {
	mime := regexp.MustCompile(".{76}").ReplaceAllString(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("mail ", 13)+value+" and more text behind it")), "$0\r\n")
	soft := "a line that is long enough to be broken " + value[:9] + "=\r\n" + strings.ReplaceAll(value[9:], "=", "=3D") + "\r\n"
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: answer(200, nil, []byte(mime+"\r\n"+soft))})
	resp, body := do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
	if strings.Contains(body, value[9:15]) || strings.Count(body, "[REDACTED_BY_AGENTSECRETS]") != 2 || resp.ContentLength != int64(len(body)) {
		t.Errorf("%q", body)
	}
	if e := waitEvent(t, l); fmt.Sprint(e.RedactedForms) != "[base64 quoted-printable]" {
		t.Errorf("audit says %v", e.RedactedForms)
	}
}
