package engine

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/roundtrip"
)

// Who took a connection away tells how it ends; Shutdown does not wait for it.
func TestConnStateTaken(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	told, goOn := make(chan http.ConnState, 20), make(chan bool)
	s := &Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, _, _ := http.NewResponseController(w).Hijack()
			defer c.Close()
			select {
			case <-goOn:
			case <-ctx.Done(): // a Shutdown that waited for it all the same would never return
			}
		}),
		ConnState: func(_ net.Conn, s http.ConnState) { told <- s },
	}
	c, _ := dial(t, serveAll(t, s))
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	for _, state := range []http.ConnState{http.StateNew, http.StateActive, http.StateHijacked} {
		if got := soon(t, told); got != state {
			t.Errorf("%v, want %v", got, state)
		}
	}
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	close(goOn)
	io.ReadAll(c) // its handler has returned
	select {
	case got := <-told:
		t.Errorf("%v after it was taken", got)
	default:
	}
}

// A client learns with the response that its connection ends.
func TestShutdownSays(t *testing.T) {
	began, goOn := make(chan bool), make(chan bool)
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began <- true
		<-goOn
	})}
	c, br := dial(t, serveAll(t, s))
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-began
	over := make(chan error)
	go func() { over <- s.Shutdown(t.Context()) }()
	for !s.isEnding() {
		time.Sleep(time.Millisecond)
	}
	close(goOn)
	if got := answer(t, br, "GET"); got != `200 "" false` {
		t.Error(got)
	}
	<-over
}

// full is a listener that is out of files at first.
type full struct {
	net.Listener
	left atomic.Int32
}

func (l *full) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// Where no more files can be open, the listener waits for some to close.
func TestAcceptGoesOn(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &full{Listener: ln}
	l.left.Store(3)
	s := &Server{Handler: http.HandlerFunc(roundtrip.Origin)}
	over := make(chan error, 1)
	go func() { over <- s.Accept(l) }()
	c, br := dial(t, ln.Addr().String())
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if got := answer(t, br, "GET"); !strings.HasPrefix(got, "200 ") {
		t.Error(got)
	}
	s.Shutdown(t.Context())
	if err := <-over; err != http.ErrServerClosed {
		t.Error(err)
	}
	if err := s.Accept(l); err != http.ErrServerClosed {
		t.Errorf("after Shutdown: %v", err)
	}
}

// A fault of ours outside of the handler ends its connection alone.
func TestFaultEndsOne(t *testing.T) {
	var faults atomic.Int32
	s := &Server{
		Handler: http.HandlerFunc(roundtrip.Origin),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			if faults.Load() == 0 {
				panic("a fault")
			}
			return ctx
		},
		Panicked: func(v any) { faults.Add(1) },
	}
	addr := serveAll(t, s)
	first, _ := dial(t, addr)
	if b, err := io.ReadAll(first); len(b) > 0 || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	second, br := dial(t, addr)
	io.WriteString(second, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if got := answer(t, br, "GET"); !strings.HasPrefix(got, "200 ") || faults.Load() != 1 {
		t.Errorf("%s, %d faults", got, faults.Load())
	}
}

// A client that seems to have ended its side alone is looked at again soon: TLS
// says its end before the connection does.
func TestClientAboutToLeave(t *testing.T) {
	var looks atomic.Int32
	over := make(chan time.Time)
	addr := serveAll(t, &Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			over <- time.Now()
		}),
		Waits: func(net.Conn) bool { return looks.Add(1)%2 == 1 },
	})
	var all []time.Duration
	for range 10 { // a busy machine takes longer, but not always
		c, _ := dial(t, addr)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		left := time.Now()
		c.Close()
		if all = append(all, (<-over).Sub(left)); all[len(all)-1] < waitsAgain/2 {
			return
		}
	}
	t.Errorf("noticed after %v", all)
}
