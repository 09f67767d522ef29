package mitm_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/internal/style"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// proxyVariables are all that programs read a proxy from.
var proxyVariables = []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "SOCKS_PROXY", "CGI_HTTP_PROXY", "http_proxy", "https_proxy", "all_proxy"}

// Our own connections read no proxy variable: the proxy that they all name is
// never connected to, whatever is asked for.
func TestD11ProxyVariables(t *testing.T) {
	var taken atomic.Int64
	trap, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := trap.Accept()
			if err != nil {
				return
			}
			taken.Add(1)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			c.Close()
		}
	})
	defer wg.Wait()
	defer trap.Close()
	for _, name := range proxyVariables {
		t.Setenv(name, "http://"+trap.Addr().String())
	}
	t.Setenv("NO_PROXY", "")
	t.Setenv("no_proxy", "")
	o := newRecorder()
	plain := httptest.NewServer(o)
	defer plain.Close()
	port := plain.Listener.Addr().(*net.TCPAddr).Port
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Change: func(c *mitm.Config) {
			c.Route = func(_ mitm.Scope, host string, _ int) mitm.Route { return mitm.Route{Relay: host == relayedHost} }
		}}
		change(&cfg)
		l := lab.New(t, cfg)
		for _, head := range []http.Header{bearer("KEY"), nil} {
			if resp, body := do(t, l, "GET", l.URL(host, "/"), "", head); resp.StatusCode != 200 {
				t.Errorf("%v: %d %s", head, resp.StatusCode, body)
			}
			o.take(t)
		}
		if resp, body := do(t, l, "GET", fmt.Sprintf("http://%s:%d/", host, port), "", nil); resp.StatusCode != 200 || body != "ok" {
			t.Errorf("plaintext: %d %s", resp.StatusCode, body)
		} else {
			o.take(t)
		}
		if resp, body := call(t, l, "GET", l.URL(host, "/"), "", style.Styles{Bearer: "KEY"}); resp.StatusCode != 200 {
			t.Errorf("call: %d %s", resp.StatusCode, body)
		}
		o.take(t)
		upgrade := "GET / HTTP/1.1\r\nHost: " + l.Authority(host) + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
		if got := askHTTP1(t, l, l.Authority(host), upgrade); got != 200 {
			t.Errorf("upgrade: %d", got)
		}
		o.take(t)
		c, err := through(t, l, relayedHost, relayedHost)
		if err != nil {
			t.Fatalf("relayed: %v", err)
		}
		c.Close()
	})
	if n := taken.Load(); n > 0 {
		t.Errorf("the proxy of %s was connected to %d times", strings.Join(proxyVariables, ", "), n)
	}
}
