package mitm_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// A request and a response may stream at the same time.
func TestBidirectional(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		cfg := lab.Config{Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			rc.EnableFullDuplex()
			rc.Flush()
			br := bufio.NewReader(r.Body)
			for {
				line, err := br.ReadString('\n')
				if err != nil {
					return
				}
				io.WriteString(w, "echo "+line)
				rc.Flush()
			}
		})}
		change(&cfg)
		l := lab.New(t, cfg)
		pr, pw := io.Pipe()
		req, _ := http.NewRequest("POST", l.URL(host, "/"), pr)
		resp, err := l.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		br := bufio.NewReader(resp.Body)
		for i := range 3 {
			fmt.Fprintf(pw, "line %d\n", i)
			if got := readWithin(t, 2*time.Second, br); got != fmt.Sprintf("echo line %d\n", i) {
				t.Fatalf("got %q", got)
			}
		}
		pw.Close()
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	})
}

func TestTrailersBothWays(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		got := make(chan http.Header, 1)
		cfg := lab.Config{Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			got <- r.Trailer
			w.Header().Set("Trailer", "X-Sum")
			io.WriteString(w, "body")
			w.Header().Set("X-Sum", "7")
			w.Header().Set(http.TrailerPrefix+"X-Late", "8")
		})}
		change(&cfg)
		l := lab.New(t, cfg)
		req, _ := http.NewRequest("POST", l.URL(host, "/"), io.MultiReader(strings.NewReader("abc")))
		req.Trailer = http.Header{"X-Client": {"9"}}
		resp, _ := send(t, l.Client, req)
		if tr := <-got; tr.Get("X-Client") != "9" {
			t.Errorf("origin got trailer %v", tr)
		}
		if resp.Trailer.Get("X-Sum") != "7" || resp.Trailer.Get("X-Late") != "8" {
			t.Errorf("client got trailer %v", resp.Trailer)
		}
	})
}

// Fields that net/http would add are not there when the origin sent none, and
// those that lead past us are taken out.
func TestNothingAdded(t *testing.T) {
	o := make(chan http.Header, 1)
	l := lab.New(t, lab.Config{Allow: []string{host}, OriginH1: true, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o <- r.Header
		w.Header()["Date"], w.Header()["Content-Type"] = nil, nil
		w.Header().Set("Alt-Svc", `h3=":443"`)
		w.Header().Set("AgentSecrets-Redacted", "99")
		io.WriteString(w, "<html>")
	})})
	c := l.TLS(l.Authority(host), "http/1.1")
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", l.Authority(host))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"Date", "Content-Type", "Alt-Svc", "AgentSecrets-Redacted"} {
		if v, ok := resp.Header[f]; ok {
			t.Errorf("client got %s: %q", f, v)
		}
	}
	if h := <-o; h["User-Agent"] != nil {
		t.Errorf("origin got User-Agent %q", h["User-Agent"])
	}
}

func TestBodiless(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "HEAD" {
				w.Header().Set("Content-Length", "1234")
				return
			}
			w.WriteHeader(map[string]int{"/204": 204, "/304": 304}[r.URL.Path])
		})}
		change(&cfg)
		l := lab.New(t, cfg)
		if resp, _ := do(t, l, "HEAD", l.URL(host, "/"), "", bearer("KEY")); resp.ContentLength != 1234 {
			t.Errorf("HEAD: length %d", resp.ContentLength)
		}
		for path, want := range map[string]int{"/204": 204, "/304": 304} {
			if resp, body := do(t, l, "GET", l.URL(host, path), "", bearer("KEY")); resp.StatusCode != want || body != "" {
				t.Errorf("%s: %s %q", path, resp.Status, body)
			}
		}
	})
}

// A refused request's body is never asked for.
func TestExpectContinue(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, OriginH1: true})
	ask := func(auth string) (*bufio.Reader, io.Writer) {
		c := l.TLS(l.Authority(host), "http/1.1")
		fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", l.Authority(host), auth)
		return bufio.NewReader(c), c
	}
	br, c := ask("AS_SECRET_KEY")
	if line, _ := br.ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 100") {
		t.Fatalf("got %q", line)
	}
	br.ReadString('\n')
	io.WriteString(c, "abc")
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v %v", resp, err)
	}
	if got := o.take(t); got.Body != "abc" {
		t.Errorf("origin got %q", got.Body)
	}
	br, _ = ask("AS_SECRET_NOSUCH")
	if line, _ := br.ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 424") {
		t.Errorf("got %q", line)
	}
}

// Requests for the proxy itself reach Status, and nothing of it is proxied.
func TestNotAProxyRequest(t *testing.T) {
	l := lab.New(t, lab.Config{})
	resp, err := http.Get("http://" + l.Addr.String() + "/health")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 404 {
		t.Errorf("got %s", resp.Status)
	}
	http.DefaultClient.CloseIdleConnections()
}

// Bodies that no binding can touch go through in both directions, whole.
func TestLargeBodyIsRelayed(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		const size = 8 << 20
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).EnableFullDuplex()
			n, _ := io.Copy(w, r.Body)
			if n != size {
				panic(http.ErrAbortHandler)
			}
		})}
		change(&cfg)
		l := lab.New(t, cfg)
		req, _ := http.NewRequest("POST", l.URL(host, "/"), io.LimitReader(pattern{}, size))
		req.Header = bearer("KEY")
		resp, err := l.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if n != size || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

type pattern struct{}

func (pattern) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = "0123456789abcdef\n"[i%17]
	}
	return len(b), nil
}
