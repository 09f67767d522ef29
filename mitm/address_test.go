package mitm_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// special are addresses of each kind that no value may go to.
const special = `
	127.0.0.1 127.255.255.254 0.0.0.0 0.0.0.1 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 169.254.0.1 172.16.0.1 172.31.255.255
	192.0.0.8 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255
	::1 :: ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::10.0.0.1 64:ff9b::a00:1 64:ff9b:1::a00:1 100::1 2001::1 2001:db8::1 2002:a00:1::1
	3fff::1 5f00::1 fc00::1 fd12:3456::1 fe80::1 fec0::1 ff02::1`

const metadata = `169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::1 fd00:ec2::254 fd20:ce::254`

// names has a name for each address, and the addresses by their names.
func names(addrs string) map[string]netip.Addr {
	named := map[string]netip.Addr{}
	for i, s := range strings.Fields(addrs) {
		named[nameOf(i)] = netip.MustParseAddr(s)
	}
	return named
}

func nameOf(i int) string { return fmt.Sprintf("n%d.rows.example", i) }

func resolving(t *testing.T, named map[string]netip.Addr) *nameServer {
	return answering(t, func(name string) []netip.Addr {
		if a, ok := named[strings.TrimSuffix(name, ".")]; ok {
			return []netip.Addr{a.Unmap()} // as A records have it
		}
		return nil
	})
}

func inURL(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// A value goes to no special address, written as such or as a name that DNS
// leads there, with a parent proxy too, and in "deny" nothing does.
func TestD9SpecialAddresses(t *testing.T) {
	named := names(special)
	dns := resolving(t, named)
	var allow []string
	for name, addr := range named {
		allow = append(allow, name, inURL(addr))
	}
	labs := map[string]*lab.Lab{}
	for _, mode := range []string{"inspect", "deny", "parent"} {
		labs[mode] = lab.New(t, lab.Config{Secrets: secrets, Allow: allow, Change: func(c *mitm.Config) {
			c.Pin = nil
			if mode == "parent" {
				c.Parent = noParent(t)
			}
			c.Route = func(mitm.Scope, string, int) mitm.Route { return mitm.Route{Guarded: mode == "deny"} }
		}})
	}
	for i := range len(named) { // loopback is the first
		name := nameOf(i)
		addr := named[name]
		for _, to := range []string{name, inURL(addr)} {
			for _, mode := range []string{"inspect", "parent"} {
				resp, body := do(t, labs[mode], "GET", labs[mode].URL(to, "/"), "", bearer("KEY"))
				wantProblem(t, resp, body, 403, "private_address")
			}
			resp, body := do(t, labs["deny"], "GET", labs["deny"].URL(to, "/"), "", nil)
			wantProblem(t, resp, body, 403, "private_address")
			if t.Failed() {
				t.Fatalf("%s, which is %s: %s", to, addr, body)
			}
		}
	}
	if dns.asked.Load() < int64(len(named)) {
		t.Errorf("DNS was asked %d times only", dns.asked.Load())
	}
}

// never are the ways to ask for an address: opened with TLS, in plaintext, relayed.
var never = map[string]func(t *testing.T, l *lab.Lab, to string) (int, string){
	"https": func(t *testing.T, l *lab.Lab, to string) (int, string) {
		resp, body := do(t, l, "GET", "https://"+to+"/", "", nil)
		return resp.StatusCode, body
	},
	"http": func(t *testing.T, l *lab.Lab, to string) (int, string) {
		resp, body := do(t, l, "GET", "http://"+to+"/", "", nil)
		return resp.StatusCode, body
	},
	"relay": func(t *testing.T, l *lab.Lab, to string) (int, string) {
		c := l.Dial()
		defer c.Close()
		if !strings.Contains(strings.TrimPrefix(to, "["), "]:") && strings.Count(to, ":") != 1 {
			to += ":80"
		}
		fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\nProxy-Authorization: Basic %s\r\n\r\n", to, basic("run", token(t, l)))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body := make([]byte, 1000)
		n, _ := resp.Body.Read(body)
		return resp.StatusCode, string(body[:n])
	},
}

// neverLabs are the modes in which something without a value could be sent, the
// widest being that in which values may go to private addresses, or are pinned there.
func neverLabs(t *testing.T) map[string]*lab.Lab {
	labs := map[string]*lab.Lab{}
	for name, change := range map[string]func(*mitm.Config){
		"inspect":       func(*mitm.Config) {},
		"deny":          func(c *mitm.Config) { c.Route = routeAll(mitm.Route{Guarded: true}) },
		"relay":         func(c *mitm.Config) { c.Route = routeAll(mitm.Route{Relay: true}) },
		"allow-private": func(c *mitm.Config) { c.Guard = allowlist.GuardMetadata },
		"parent":        func(c *mitm.Config) { c.Parent = noParent(t) },
		"pinned": func(c *mitm.Config) {
			c.Pin = func(host string, port int) (netip.AddrPort, bool) {
				addr, err := netip.ParseAddr(host)
				return netip.AddrPortFrom(addr, uint16(port)), err == nil
			}
		},
	} {
		labs[name] = lab.New(t, lab.Config{Secrets: secrets, Change: func(c *mitm.Config) {
			c.Pin = nil
			change(c)
		}})
	}
	return labs
}

// noParent is a parent proxy that may be asked for nothing.
func noParent(t *testing.T) func(string, int) *mitm.Parent {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the parent proxy was asked for %s", r.RequestURI)
	}))
	t.Cleanup(s.Close)
	p, err := mitm.NewParent(&url.URL{Scheme: "http", Host: s.Listener.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	return func(string, int) *mitm.Parent { return p }
}

func routeAll(r mitm.Route) func(mitm.Scope, string, int) mitm.Route {
	return func(mitm.Scope, string, int) mitm.Route { return r }
}

func wantNeverDialled(t *testing.T, mode string, l *lab.Lab, to string) {
	t.Helper()
	for way, ask := range never {
		if (way == "relay") != (mode == "relay") && way != "http" {
			continue
		}
		if status, body := ask(t, l, to); status != 403 || !strings.Contains(body, "private_address") || !strings.Contains(body, "never dialled") {
			t.Fatalf("%s, %s to %s: %d %s", mode, way, to, status, body)
		}
	}
}

// Metadata is reached by nobody, by whatever way, value or none.
func TestD9MetadataIsNeverDialled(t *testing.T) {
	named := names(metadata)
	resolving(t, named)
	for mode, l := range neverLabs(t) {
		for name, addr := range named {
			wantNeverDialled(t, mode, l, name)
			wantNeverDialled(t, mode, l, inURL(addr))
		}
	}
}

// Nor are our own listeners, the one that clients come to and others that we have.
func TestD9OwnListenersAreNeverDialled(t *testing.T) {
	resolving(t, map[string]netip.Addr{"own.rows.example": netip.MustParseAddr("127.0.0.1")})
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	wide, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer wide.Close()
	for mode, l := range neverLabs(t) {
		l.Proxy.NeverDial(other.Addr())
		l.Proxy.NeverDial(wide.Addr())
		for _, a := range []net.Addr{l.Addr, other.Addr(), wide.Addr()} {
			port := a.(*net.TCPAddr).Port
			for _, to := range []string{"127.0.0.1", "localhost", "own.rows.example", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]", "[::ffff:0.0.0.0]"} {
				wantNeverDialled(t, mode, l, fmt.Sprintf("%s:%d", to, port))
			}
		}
		port := wide.Addr().(*net.TCPAddr).Port
		for _, to := range []string{"127.0.0.2", "127.1.2.3"} { // all of them are this machine
			wantNeverDialled(t, mode, l, fmt.Sprintf("%s:%d", to, port))
		}
	}
}

// An IPv4 address is written in one way. The others are no hosts, before anybody
// could resolve them.
func TestD9OddIPv4(t *testing.T) {
	dns := answering(t, func(string) []netip.Addr { return []netip.Addr{netip.MustParseAddr("127.0.0.1")} })
	l := lab.New(t, lab.Config{Secrets: secrets, Change: func(c *mitm.Config) { c.Pin = nil }})
	for _, to := range []string{
		"2130706433", "0x7f000001", "0X7F000001", "017700000001", "127.1", "127.0.1", "0x7f.1", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "127.0.0.01",
		"127.0.0.1.", "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "0251.0376.0251.0376", "169.16689662", "169.254.43518", "0", "0.0",
	} {
		for _, target := range []string{"CONNECT " + to + ":443", "GET http://" + to + "/", "GET https://" + to + "/"} {
			c := l.Dial()
			fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic %s\r\n\r\n", target, basic("run", token(t, l)))
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || resp.StatusCode != 400 {
				t.Errorf("%s: %v %v, want 400", target, resp, err)
			}
			c.Close()
		}
	}
	if n := dns.asked.Load(); n > 0 {
		t.Errorf("DNS was asked %d times", n)
	}
}
