package engine

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/roundtrip"
)

// forward is the least that a proxy's handler does, on our two sides.
type forward struct {
	t      *Transport
	origin string
}

func newForward(origin string) *forward {
	return &forward{origin: origin, t: &Transport{
		MaxIdle: 8, IdleTimeout: time.Minute, ContinueWait: time.Minute,
		Dial: func(ctx context.Context, _, addr string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		},
	}}
}

var hop = []string{"Connection", "Keep-Alive", "Te", "Upgrade"}

func (f *forward) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = "http", f.origin, ""
	for _, name := range hop {
		out.Header.Del(name)
	}
	out.Trailer = r.Trailer
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		if code != 100 {
			for k, vs := range h {
				w.Header()[k] = vs
			}
			w.WriteHeader(code)
			clear(w.Header())
		}
		return nil
	}}
	resp, err := f.t.RoundTrip(out.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	for k, vs := range resp.Header {
		w.Header()[k] = vs
	}
	for _, name := range hop {
		w.Header().Del(name)
	}
	for k := range resp.Trailer {
		w.Header().Add("Trailer", k)
	}
	Keep(w, FieldsOf(resp))
	w.WriteHeader(resp.StatusCode)
	http.NewResponseController(w).Flush()
	for buf := make([]byte, 32<<10); ; {
		n, err := resp.Body.Read(buf)
		w.Write(buf[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if n < len(buf) {
			http.NewResponseController(w).Flush()
		}
	}
	for k, vs := range resp.Trailer {
		w.Header()[k] = vs
	}
}

// serveAll runs s on a listener, and returns its address.
func serveAll(t *testing.T, s *Server) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- s.Accept(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.Shutdown(ctx)
		if err := <-over; err != http.ErrServerClosed {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

func TestRoundTrip(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(roundtrip.Origin))
	defer srv.Close()
	origin := srv.Listener.Addr().String()
	through := serveAll(t, &Server{Handler: newForward(origin), HeadTimeout: time.Minute, IdleTimeout: time.Minute})
	play := roundtrip.Play{Paths: []string{"/sized", "/chunks", "/204", "/304", "/early", "/abort"}, Continue: true, Pooled: true}
	play.Compare(t, origin, through)
}
