package mitm_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// A machine of its own has no public address, so that one of loopback stands for
// it here: all others are as private as ever.
var public = netip.MustParseAddr("127.0.0.2")

func guardButPublic(a netip.Addr) error {
	if a == public {
		return nil
	}
	return allowlist.GuardAddr(a)
}

// counting counts the connections that it accepts.
type counting struct {
	net.Listener
	accepted atomic.Int64
}

func countingAt(t *testing.T, addr string) *counting {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c := &counting{Listener: l}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c.accepted.Add(1)
			wg.Go(func() { // not before the other side does, whose connect would fail
				defer conn.Close()
				io.Copy(io.Discard, conn)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return c
}

func (c *counting) port() int { return c.Addr().(*net.TCPAddr).Port }

// rebinding is DNS that leads a name to what answers gives for its nth query.
func rebinding(t *testing.T, answers func(n int64) []netip.Addr) *nameServer {
	var n atomic.Int64
	return answering(t, func(string) []netip.Addr { return answers(n.Add(1)) })
}

// DNS that answers differently from query to query: a name was public when it was
// looked at, and private when it was dialled. Of 10,000 connections none goes there.
func TestD10Rebinding(t *testing.T) {
	private := netip.MustParseAddr("127.0.0.3")
	for name, answers := range map[string]func(n int64) []netip.Addr{
		"each query another":          func(n int64) []netip.Addr { return []netip.Addr{[]netip.Addr{public, private}[n/2%2]} },
		"every third":                 func(n int64) []netip.Addr { return []netip.Addr{[]netip.Addr{public, public, private}[n%3]} },
		"both, the private one first": func(int64) []netip.Addr { return []netip.Addr{private, public} },
		"both, the public one first":  func(int64) []netip.Addr { return []netip.Addr{public, private} },
		"in IPv6 the private one": func(int64) []netip.Addr {
			return []netip.Addr{public, netip.MustParseAddr("::1"), netip.MustParseAddr("::ffff:127.0.0.3")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			good := countingAt(t, public.String()+":0")
			trap := countingAt(t, fmt.Sprintf("%s:%d", private, good.port()))
			trap6 := countingAt(t, fmt.Sprintf("[::1]:%d", good.port()))
			dns := rebinding(t, answers)
			refused := relayMany(t, fmt.Sprintf("rebind.rows.example:%d", good.port()), 2000)
			if n := trap.accepted.Load() + trap6.accepted.Load(); n > 0 {
				t.Errorf("%d connections went to a private address", n)
			}
			for end := time.Now().Add(20 * time.Second); good.accepted.Load()+refused < 2000 && time.Now().Before(end); {
				time.Sleep(5 * time.Millisecond) // those that are opened and not yet accepted
			}
			if n := good.accepted.Load(); n < 500 || n+refused != 2000 {
				t.Errorf("%d connections went to the public address and %d were refused, of 2000", n, refused)
			}
			if strings.HasPrefix(name, "e") && refused < 200 {
				t.Errorf("%d were refused only: the answers did not change", refused)
			}
			if dns.asked.Load() < 500 { // Go asks once for those who ask at the same time
				t.Errorf("DNS was asked %d times: nothing could change", dns.asked.Load())
			}
		})
	}
}

// relayMany opens n tunnels to authority by a proxy that guards all it dials, and
// returns how many were refused for their address.
func relayMany(t *testing.T, authority string, n int) (refused int64) {
	l := lab.New(t, lab.Config{Change: func(c *mitm.Config) {
		c.Pin, c.Guard = nil, guardButPublic
		c.Route = routeAll(mitm.Route{Relay: true, Guarded: true})
	}})
	var wg sync.WaitGroup
	var no atomic.Int64
	for range 4 {
		wg.Go(func() {
			for range n / 4 {
				switch status := connectOnce(l, authority, basic("run", token(t, l))); status {
				case 200:
				case 403:
					no.Add(1)
				default:
					t.Errorf("CONNECT is answered with %d", status)
					return
				}
			}
		})
	}
	wg.Wait()
	return no.Load()
}

// connectOnce opens a tunnel and resets it; 0: it got no answer.
func connectOnce(l *lab.Lab, authority, credential string) int {
	c, err := net.Dial("tcp", l.Addr.String())
	if err != nil {
		return 0
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	c.(*net.TCPConn).SetLinger(0)
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\nProxy-Authorization: Basic %s\r\n\r\n", authority, credential)
	buf := make([]byte, 4096)
	n, _ := c.Read(buf)
	var status int
	fmt.Sscanf(string(buf[:n]), "HTTP/1.1 %d", &status)
	return status
}

// Exchanges with a value, each on a connection of its own: the value goes to the
// public address or nowhere.
func TestD10RebindingWithAValue(t *testing.T) {
	o := newRecorder()
	origin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		o.ServeHTTP(w, r)
	})
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{"rebind.rows.example"}, Origin: origin, OriginH1: true, Change: func(c *mitm.Config) {
		c.Pin, c.Guard = nil, func(a netip.Addr) error { // the lab's origin stands for the public address
			if a == netip.MustParseAddr("127.0.0.1") {
				return nil
			}
			return allowlist.GuardAddr(a)
		}
	}})
	trap := countingAt(t, fmt.Sprintf("127.0.0.3:%d", l.Port))
	rebinding(t, func(n int64) []netip.Addr {
		return []netip.Addr{netip.MustParseAddr([]string{"127.0.0.1", "127.0.0.3"}[n/2%2])} // A and AAAA are two queries
	})
	sent, refused := 0, 0
	for range 200 {
		resp, body := do(t, l, "GET", l.URL("rebind.rows.example", "/"), "", bearer("KEY"))
		switch {
		case resp.StatusCode == 200:
			sent++
			if got := o.take(t); got.Header.Get("Authorization") != "Bearer "+value {
				t.Fatalf("the origin got %q", got.Header)
			}
		case resp.StatusCode == 403 && strings.Contains(body, "private_address"):
			refused++
		default:
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	if trap.accepted.Load() > 0 || sent < 50 || refused < 50 {
		t.Errorf("%d sent, %d refused, %d to the private address", sent, refused, trap.accepted.Load())
	}
}
