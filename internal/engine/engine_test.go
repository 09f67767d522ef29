package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"
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

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Method", r.Method)
	w.Header().Set("X-Trailer", r.Trailer.Get("X-Sum"))
	w.Header().Set("X-Chunked", fmt.Sprint(len(r.TransferEncoding) > 0))
	rc := http.NewResponseController(w)
	switch r.URL.Path {
	case "/sized":
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.Write(body)
	case "/chunks":
		w.Header().Set("Trailer", "X-End")
		for part := range bytes.SplitSeq(body, []byte("\n")) {
			w.Write(append(part, '\n'))
			rc.Flush()
		}
		w.Header().Set("X-End", "true")
	case "/204":
		w.WriteHeader(204)
	case "/304":
		w.Header().Set("Etag", `"x"`)
		w.WriteHeader(304)
	case "/early":
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(103)
		w.Write(body)
	case "/abort":
		w.Header().Set("Content-Length", fmt.Sprint(len(body)+10))
		w.Write(body)
		rc.Flush()
		panic(http.ErrAbortHandler)
	}
}

func TestRoundTrip(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(echo))
	defer srv.Close()
	origin := srv.Listener.Addr().String()
	ways := map[string]string{"direct": origin, "through": serveAll(t, &Server{Handler: newForward(origin), HeadTimeout: time.Minute, IdleTimeout: time.Minute})}
	text := strings.Repeat("a line of text\n", 3000)
	for _, path := range []string{"/sized", "/chunks", "/204", "/304", "/early", "/abort"} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT"} {
			if path == "/abort" && method == "HEAD" {
				continue // it is whole, and whether the next request meets the origin's end is chance
			}
			for _, body := range []string{"", "hello", text} {
				for _, chunked := range []bool{false, true} {
					if chunked && method != "POST" && method != "PUT" {
						continue
					}
					got := map[string]string{}
					for way, addr := range ways {
						got[way] = ask(t, addr, method, path, body, chunked)
					}
					if got["direct"] != got["through"] {
						t.Errorf("%s %s, %d bytes, chunked %v:\n%.600s\nwhere without us it is\n%.600s", method, path, len(body), chunked, got["through"], got["direct"])
					}
				}
			}
		}
	}
}

func ask(t *testing.T, addr, method, path, body string, chunked bool) string {
	tr := &http.Transport{ExpectContinueTimeout: 10 * time.Second}
	defer tr.CloseIdleConnections()
	var told strings.Builder
	for i := range 3 {
		var src io.Reader
		if method == "POST" || method == "PUT" {
			src = strings.NewReader(body)
		}
		if chunked {
			src = io.MultiReader(src)
		}
		req, err := http.NewRequest(method, "http://"+addr+path, src)
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 && src != nil {
			req.Header.Set("Expect", "100-continue")
		}
		if chunked {
			req.Trailer = http.Header{"X-Sum": {"12"}}
		}
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			fmt.Fprintln(&told, "early", code, h)
			return nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		resp, err := tr.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, trace)))
		if err != nil {
			fmt.Fprintln(&told, "failed", errors.Is(err, context.DeadlineExceeded))
			cancel()
			continue
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		cancel()
		resp.Header.Del("Date")
		if path == "/abort" {
			got = nil // how much came before the end is chance
		}
		fmt.Fprintln(&told, resp.Status, resp.Header, resp.ContentLength, resp.TransferEncoding, resp.Close, resp.Trailer, err != nil, string(got))
	}
	return told.String()
}
