package mitm_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

const parentPassword = "pa:ss/word-of-the-parent"

// behind is a lab whose origins are reached through a parent proxy, but those
// under pinned.test, which are pinned.
func behind(t *testing.T, parent http.Handler, user *url.Userinfo, change func(*mitm.Config)) *lab.Lab {
	t.Helper()
	s := httptest.NewServer(parent)
	t.Cleanup(s.Close)
	return behindAddr(t, s.Listener.Addr().String(), user, change)
}

func behindAddr(t *testing.T, addr string, user *url.Userinfo, change func(*mitm.Config)) *lab.Lab {
	t.Helper()
	p, err := mitm.NewParent(&url.URL{Scheme: "http", Host: addr, User: user})
	if err != nil {
		t.Fatal(err)
	}
	return lab.New(t, lab.Config{
		Secrets: secrets, Allow: []string{host, "pinned.test", "127.0.0.1", "10.1.2.3"},
		Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s %s", r.Proto, r.Host, r.Header.Get("Authorization"))
		}),
		Change: func(c *mitm.Config) {
			c.Parent = func(string, int) *mitm.Parent { return p }
			pin := c.Pin
			c.Pin = func(host string, port int) (netip.AddrPort, bool) {
				if host != "pinned.test" {
					return netip.AddrPort{}, false
				}
				return pin(host, port)
			}
			if change != nil {
				change(c)
			}
		},
	})
}

func TestThroughParent(t *testing.T) {
	parent := &lab.Parent{User: "me@corp", Password: parentPassword}
	l := behind(t, parent, url.UserPassword("me@corp", parentPassword), nil)
	for _, http2 := range []bool{false, true} {
		for _, to := range []string{host, "pinned.test"} {
			req, _ := http.NewRequest("GET", l.URL(to, "/"), nil)
			req.Header = bearer("KEY")
			resp, body := send(t, l.NewClient(http2), req)
			if resp.StatusCode != 200 || !strings.HasPrefix(body, "HTTP/2.0 "+l.Authority(to)+" Bearer ") {
				t.Errorf("%s: %d %q", to, resp.StatusCode, body)
			}
			wantMarker(t, "the response", body)
		}
	}
	if got, want := parent.Tunnels(), []string{l.Authority(host)}; !slices.Equal(got, want) {
		t.Errorf("the parent was asked for %q, want %q: what is pinned goes past it", got, want)
	}
}

// The parent is no party to TLS: one that answers by itself is not believed.
func TestParentCannotPoseAsTheOrigin(t *testing.T) {
	impostor := lab.New(t, lab.Config{}) // its origin has another authority
	parent := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, _ := http.NewResponseController(w).Hijack()
		defer c.Close()
		o, err := net.Dial("tcp", impostor.Origin.Listener.Addr().String())
		if err != nil {
			return
		}
		defer o.Close()
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		go io.Copy(o, c)
		io.Copy(c, o)
	})
	l := behind(t, parent, nil, nil)
	resp, body := do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
	wantProblem(t, resp, body, 502, "origin_untrusted")
}

func TestParentRefuses(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, l := range map[string]*lab.Lab{
		"parent_refused":     behind(t, &lab.Parent{User: "me", Password: "another"}, url.UserPassword("me", parentPassword), nil),
		"parent_unreachable": behindAddr(t, closed.Listener.Addr().String(), url.UserPassword("me", parentPassword), nil),
	} {
		resp, body := do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
		wantProblem(t, resp, body, 502, name)
		if text := body + l.Log.String() + fmt.Sprint(resp.Header, l.Events()); strings.Contains(text, parentPassword) || strings.Contains(text, "word-of") {
			t.Errorf("%s: the parent's password shows: %s", name, text)
		}
	}
}

// What can be told here is guarded here, whatever the parent would make of it.
func TestParentIsAskedForNothingThatIsGuarded(t *testing.T) {
	parent := &lab.Parent{}
	l := behind(t, parent, nil, nil)
	for to, header := range map[string]http.Header{
		"169.254.169.254": nil,
		"127.0.0.1":       bearer("KEY"),
		"10.1.2.3":        bearer("KEY"),
	} {
		resp, body := do(t, l, "GET", l.URL(to, "/"), "", header)
		wantProblem(t, resp, body, 403, "private_address")
	}
	own := l.Addr.(*net.TCPAddr).Port
	for _, to := range []string{"127.0.0.1", "localhost"} {
		req, _ := http.NewRequest("GET", fmt.Sprintf("https://%s:%d/", to, own), nil)
		resp, body := send(t, l.Client, req)
		wantProblem(t, resp, body, 403, "private_address")
	}
	if got := parent.Tunnels(); len(got) > 0 {
		t.Errorf("the parent was asked for %q", got)
	}
}

// A parent that is this proxy would be asked for ever.
func TestParentIsNotOurselves(t *testing.T) {
	var l *lab.Lab
	l = behind(t, &lab.Parent{}, nil, func(c *mitm.Config) {
		c.Parent = func(string, int) *mitm.Parent {
			p, _ := mitm.NewParent(&url.URL{Scheme: "http", Host: l.Addr.String()})
			return p
		}
	})
	resp, body := do(t, l, "GET", l.URL(host, "/"), "", nil)
	wantProblem(t, resp, body, 403, "private_address")
}

func TestRelayThroughParent(t *testing.T) {
	parent := &lab.Parent{}
	got := listening(t)
	l := behind(t, parent, nil, func(c *mitm.Config) {
		c.Route = func(mitm.Scope, string, int) mitm.Route { return mitm.Route{Relay: true} }
	})
	to := fmt.Sprintf("%s:%d", relayedHost, got.port)
	c, r := connected(t, l, to)
	if line, err := r.ReadString('\n'); line != "hello\n" {
		t.Fatalf("the server's first word is %q, %v", line, err)
	}
	io.WriteString(c, "EHLO\n")
	c.Close()
	if all := got.all(t); string(all) != "EHLO\n" {
		t.Errorf("the origin got %q", all)
	}
	if asked := parent.Tunnels(); !slices.Equal(asked, []string{to}) {
		t.Errorf("the parent was asked for %q", asked)
	}
}

func TestNewParent(t *testing.T) {
	for text, want := range map[string]string{
		"http://proxy.corp:3128": "proxy.corp:3128", "http://proxy.corp": "proxy.corp:80", "http://[::1]:8080/": "[::1]:8080",
		"https://proxy.corp": "", "socks5://proxy.corp:1080": "", "http://": "", "http://proxy.corp/x": "", "http://proxy.corp?x": "",
	} {
		u, err := url.Parse(strings.Replace(text, "://", "://me:"+parentPassword[6:]+"@", 1))
		if err != nil {
			t.Fatal(err)
		}
		p, err := mitm.NewParent(u)
		if (err == nil) != (want != "") || err == nil && p.String() != want {
			t.Errorf("%s: %v, %v", text, p, err)
		}
		if shown := fmt.Sprintf("%v %+v %#v %s %v", p, p, p, p, err); strings.Contains(shown, parentPassword[6:]) {
			t.Errorf("%s prints its password: %s", text, shown)
		}
	}
}

// The first word of an origin may come in the same packet as the parent's 200.
func TestParentSendsTheFirstWordAlong(t *testing.T) {
	parent := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, _ := http.NewResponseController(w).Hijack()
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\nhello\n")
		io.Copy(io.Discard, c)
	})
	l := behind(t, parent, nil, func(c *mitm.Config) {
		c.Route = func(mitm.Scope, string, int) mitm.Route { return mitm.Route{Relay: true} }
	})
	_, r := connected(t, l, l.Authority(relayedHost))
	if line, err := r.ReadString('\n'); line != "hello\n" {
		t.Errorf("the first word is %q, %v", line, err)
	}
}
