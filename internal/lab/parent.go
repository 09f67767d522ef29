package lab

import (
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
)

// Parent is another forward proxy, as a handler: it knows CONNECT alone, and
// every name leads to this machine.
type Parent struct {
	User, Password string       // "" for none
	Asked          func(string) // is told of each tunnel; nil tells nobody

	mu    sync.Mutex
	asked []string
}

func (p *Parent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "CONNECT alone", http.StatusMethodNotAllowed)
		return
	}
	if p.User != "" {
		r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
		if user, password, _ := r.BasicAuth(); user != p.User || password != p.Password {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
	}
	p.note(r.Host)
	_, port, _ := net.SplitHostPort(r.Host)
	origin, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer origin.Close()
	client, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		io.Copy(origin, rw)
		origin.Close()
	}()
	io.Copy(client, origin)
}

func (p *Parent) note(authority string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, authority)
	if p.Asked != nil {
		p.Asked(authority)
	}
}

// Tunnels are the authorities that it was asked for, each once, sorted.
func (p *Parent) Tunnels() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Compact(slices.Sorted(slices.Values(p.asked)))
}
