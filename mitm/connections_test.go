package mitm_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// twin is a second authority at the same address, which one certificate is good for too.
const twin = "twin.acme.test"

// carried is what each connection to an origin was used for.
type carried struct {
	port int

	mu   sync.Mutex
	uses map[string]map[string]bool // by the client's address
	asks int
}

func (c *carried) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	use := r.Host + " by " + r.TLS.ServerName
	if r.Header.Get("Authorization") != "" {
		use += " with a value"
	}
	c.mu.Lock()
	if c.uses[r.RemoteAddr] == nil {
		c.uses[r.RemoteAddr] = map[string]bool{}
	}
	c.uses[r.RemoteAddr][use] = true
	c.asks++
	c.mu.Unlock()
	if r.URL.Path == "/stream" {
		w.WriteHeader(200)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return
	}
	io.WriteString(w, r.RemoteAddr)
}

// twins is an origin for host and twin, by one certificate of root.
func twins(t *testing.T, root *issuer, http2 bool) *carried {
	c := &carried{uses: map[string]map[string]bool{}}
	s := httptest.NewUnstartedServer(c)
	s.EnableHTTP2 = http2
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	cert := root.sign(newKey(t), func(c *x509.Certificate) { c.DNSNames = []string{host, twin} }).shown()
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.StartTLS()
	t.Cleanup(s.Close)
	c.port = s.Listener.Addr().(*net.TCPAddr).Port
	return c
}

func (c *carried) url(host, path string) string {
	return fmt.Sprintf("https://%s:%d%s", host, c.port, path)
}

func (c *carried) allow() []string {
	return []string{fmt.Sprintf("%s:%d", host, c.port), fmt.Sprintf("%s:%d", twin, c.port)}
}

// A connection to an origin serves one authority, and either exchanges with a
// value or exchanges without, though address, port and certificate are the same.
func TestD12ConnectionsServeOneAuthority(t *testing.T) {
	root := (&issuer{t: t}).authority(newKey(t), nil)
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("HTTP/2 %v", http2), func(t *testing.T) {
			c := twins(t, root, http2)
			l := trusting(t, root, c.allow())
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					client := l.NewClient(i%2 == 0)
					for j := range 24 {
						req, _ := http.NewRequest("GET", c.url([]string{host, twin}[(i+j)%2], "/"), nil)
						if j%3 == 0 {
							req.Header = bearer("KEY")
						}
						resp, err := client.Do(req)
						if err != nil {
							t.Error(err)
							return
						}
						io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
					}
				})
			}
			wg.Wait()
			kinds := map[string]bool{}
			for at, uses := range c.uses {
				if len(uses) != 1 {
					t.Errorf("the connection from %s was used for %q", at, slices.Sorted(maps.Keys(uses)))
				}
				maps.Copy(kinds, uses)
			}
			want := []string{}
			for _, h := range []string{host, twin} {
				use := fmt.Sprintf("%s:%d by %s", h, c.port, h)
				want = append(want, use, use+" with a value")
			}
			if got := slices.Sorted(maps.Keys(kinds)); !slices.Equal(got, want) {
				t.Errorf("the origin was used for\n%q, want\n%q", got, want)
			}
			if c.asks != 8*24 || len(c.uses) >= c.asks {
				t.Errorf("%d exchanges on %d connections: none was used twice", c.asks, len(c.uses))
			}
		})
	}
}

// Which roots verify an authority is its own affair: a connection that was made
// under others is not used, open as it is.
func TestD12ConnectionsServeOneSetOfRoots(t *testing.T) {
	root := (&issuer{t: t}).authority(newKey(t), nil)
	pool := x509.NewCertPool()
	pool.AddCert(root.cert)
	for _, http2 := range []bool{false, true} {
		c := twins(t, root, http2)
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: c.allow(), Change: func(m *mitm.Config) {
			m.Roots = func(h string) *x509.CertPool {
				if h == host {
					return pool
				}
				return x509.NewCertPool()
			}
			m.PlainRoots = func(string) *x509.CertPool { return pool }
		}})
		for range 3 {
			if resp, body := do(t, l, "GET", c.url(host, "/"), "", bearer("KEY")); resp.StatusCode != 200 {
				t.Fatalf("%s: %d %s", host, resp.StatusCode, body)
			}
			if resp, body := do(t, l, "GET", c.url(twin, "/"), "", nil); resp.StatusCode != 200 {
				t.Fatalf("%s, without a value: %d %s", twin, resp.StatusCode, body)
			}
			resp, body := do(t, l, "GET", c.url(twin, "/"), "", bearer("KEY"))
			wantProblem(t, resp, body, 502, "origin_untrusted")
		}
	}
}

// Once roots have changed, no connection of before is used, not even one that an
// exchange is under way on, and no session of before is resumed.
func TestD12ConnectionsDoNotOutliveTheirRoots(t *testing.T) {
	root := (&issuer{t: t}).authority(newKey(t), nil)
	pool := x509.NewCertPool()
	pool.AddCert(root.cert)
	var now atomic.Pointer[x509.CertPool]
	for _, http2 := range []bool{false, true} {
		now.Store(pool)
		c := twins(t, root, http2)
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: c.allow(), Change: func(m *mitm.Config) {
			m.Roots = func(string) *x509.CertPool { return now.Load() }
		}})
		ctx, leave := context.WithCancel(t.Context())
		req, _ := http.NewRequestWithContext(ctx, "GET", c.url(host, "/stream"), nil)
		req.Header = bearer("KEY")
		stream, err := l.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, before := do(t, l, "GET", c.url(host, "/"), "", bearer("KEY"))
		l.Proxy.VerifyAnew()
		if resp, after := do(t, l, "GET", c.url(host, "/"), "", bearer("KEY")); resp.StatusCode != 200 || after == before {
			t.Errorf("HTTP/2 %v: %d, and the connection from %s is still used: %s", http2, resp.StatusCode, before, after)
		}
		now.Store(x509.NewCertPool())
		l.Proxy.VerifyAnew()
		resp, body := do(t, l, "GET", c.url(host, "/"), "", bearer("KEY"))
		wantProblem(t, resp, body, 502, "origin_untrusted")
		leave()
		stream.Body.Close()
	}
}

// A client may have its HTTP/2 connection for one authority serve another that it
// takes the certificate to be good for (RFC 9113, 9.1.1). Ours is good for one, and
// the other is answered 421 on a connection that goes on.
func TestD12ClientsDoNotCoalesce(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host, twin}, Origin: o})
	here, there := l.Authority(host), l.Authority(twin)
	conn := l.TLS(here, "h2")
	leaf := conn.ConnectionState().PeerCertificates[0]
	if !slices.Equal(leaf.DNSNames, []string{host}) || len(leaf.IPAddresses) > 0 {
		t.Errorf("the certificate is good for %q and %q", leaf.DNSNames, leaf.IPAddresses)
	}
	io.WriteString(conn, http2.ClientPreface)
	fr := http2.NewFramer(conn, conn)
	fr.WriteSettings()
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for i, c := range []struct{ authority, status string }{{here, "200"}, {there, "421"}, {here, "200"}, {there, "421"}} {
		if got := http2Ask(t, fr, &block, enc, uint32(2*i+1), []string{":authority", c.authority}); got != c.status {
			t.Fatalf("stream %d, %s: got %s, want %s", 2*i+1, c.authority, got, c.status)
		}
		if c.status == "200" {
			o.take(t)
		} else {
			o.none(t)
		}
	}
	for _, d := range l.Dialled() {
		if d != here {
			t.Errorf("dialled %s", d)
		}
	}
}
