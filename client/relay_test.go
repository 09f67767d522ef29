package client_test

import (
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/agentsecrets/agentsecrets/client"
)

// A host that a proxy relays to as it is may say what a proxy says of a way that is stale:
// it has the request, and does not get it again.
func TestRelayedHostIsAskedOnce(t *testing.T) {
	var asked atomic.Int32
	relayed := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			return // the way is known from then on
		}
		rw.Header().Set("Content-Type", "application/problem+json")
		rw.WriteHeader(http.StatusNotFound)
		io.WriteString(rw, `{"error":"project_not_found","message":"there is no such project"}`)
	}))
	defer relayed.Close()
	proxy := httptest.NewServer(relay(t, relayed.Listener.Addr().String()))
	defer proxy.Close()
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: relayed.Certificate().Raw})
	hc := newClient(t, client.WithProxy("http://run:x@"+proxy.Listener.Addr().String(), root)).HTTPClient()
	for _, want := range []int{http.StatusOK, http.StatusNotFound} {
		resp, err := hc.Post("https://example.com/v1", "text/plain", strings.NewReader("once"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s", resp.Status)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("two requests were sent %d times", n)
	}
	hc.CloseIdleConnections()
}

// relay is a proxy that makes tunnels to addr, whatever it is asked for.
func relay(t *testing.T, addr string) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		up, err := net.Dial("tcp", addr)
		if err != nil {
			t.Error(err)
			return
		}
		defer up.Close()
		down, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer down.Close()
		io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n")
		go io.Copy(up, down) // ends when either is closed
		io.Copy(down, up)
	})
}
