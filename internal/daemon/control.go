package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/runtree"
)

// Status is how a daemon answers Ask.
type Status struct {
	Running      bool   `json:"running"`
	Port         int    `json:"port"`
	SessionValid bool   `json:"session_valid"`
	Uptime       int    `json:"uptime_seconds"`
	PID          int    `json:"pid"`
	Version      string `json:"version"`
	ProjectID    string `json:"project_id"`
	ProjectName  string `json:"project_name"`
	Environment  string `json:"environment"`
	Metrics      string `json:"metrics"` // address that answers Prometheus beside the port; "" for none
	MetricsNames bool   `json:"metrics_names"`
}

// Control is what a daemon lets others do through its socket.
type Control struct {
	Status func() Status
	Stop   func() // called once at most, concurrently with everything; begins the end
}

// Serve answers on the control socket until Release.
func (s *Seat) Serve(c Control) error {
	path, done, err := socketPath(s.home)
	if err != nil {
		return err
	}
	defer done()
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return fmt.Errorf("open the control socket: %w", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // Release does, by the name that lasts
	s.l = l
	srv := &http.Server{Handler: c.handler(), ReadHeaderTimeout: time.Second, ConnContext: withPeer}
	go srv.Serve(l)
	return nil
}

func (c Control) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(c.Status())
	})
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, r *http.Request) {
		if inside, err := runtree.Within(peerOf(r).pid); inside || err != nil {
			http.Error(w, "refused: asked from inside a run", http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_ = http.NewResponseController(w).Flush() // who asked is to hear of it, even if Stop is the end of us
		c.Stop()
	})
	return onlyUs(mux)
}

type peerKey struct{}

// peer is the process at the other end of a connection.
type peer struct{ uid, pid int }

func withPeer(ctx context.Context, conn net.Conn) context.Context {
	p, err := peerCredentials(conn)
	if err != nil {
		p = peer{uid: -1, pid: -1}
	}
	return context.WithValue(ctx, peerKey{}, p)
}

func peerOf(r *http.Request) peer { return r.Context().Value(peerKey{}).(peer) }

func onlyUs(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if peerOf(r).uid != os.Geteuid() {
			http.Error(w, "refused: another user's process", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Ask asks the daemon of home how it is.
func Ask(ctx context.Context, home string) (Status, error) {
	var st Status
	resp, err := request(ctx, home, http.MethodGet, "/status")
	if err != nil {
		return st, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&st); err != nil {
		return st, fmt.Errorf("read the proxy's status: %w", err)
	}
	return st, nil
}

// RefusedError is the daemon's refusal of a request.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

// Stop tells the daemon of home to finish and waits until it has.
func Stop(ctx context.Context, home string) error {
	resp, err := request(ctx, home, http.MethodPost, "/stop")
	if err != nil {
		return err
	}
	resp.Body.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for taken(home) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the proxy to end: %w", ctx.Err())
		}
	}
	return nil
}

func request(ctx context.Context, home, method, path string) (*http.Response, error) {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, home) },
	}}
	req, err := http.NewRequestWithContext(ctx, method, "http://proxy"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, ErrNotRunning
	}
	if err != nil {
		return nil, fmt.Errorf("ask the proxy: %w", err)
	}
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		reason, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
		return nil, &RefusedError{Reason: "the proxy " + string(reason[:max(0, len(reason)-1)])}
	}
	return resp, nil
}

// dial connects to the control socket and makes sure that it is ours: a socket
// could have been put there by somebody else.
func dial(ctx context.Context, home string) (net.Conn, error) {
	path, done, err := socketPath(home)
	if err != nil {
		return nil, err
	}
	defer done()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	if p, err := peerCredentials(conn); err != nil || p.uid != os.Geteuid() {
		conn.Close()
		return nil, errors.New("the control socket belongs to another user")
	}
	return conn, nil
}

// socketPath names the socket of home. An address holds 108 bytes at most
// (unix(7)), on other systems 104; longer paths go through a descriptor of the
// directory.
func socketPath(home string) (path string, done func(), err error) {
	path = filepath.Join(home, socketFile)
	if len(path) < 104 {
		return path, func() {}, nil
	}
	dir, err := os.Open(home)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), socketFile), func() { dir.Close() }, nil
}
