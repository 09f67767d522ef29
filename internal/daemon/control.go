package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/runtree"
)

// Project is one that a daemon serves, and what it gives its programs.
type Project struct {
	WorkspaceID   string `json:"workspace_id"`
	WorkspaceName string `json:"workspace_name"`
	ProjectID     string `json:"project_id"`
	ProjectName   string `json:"project_name"`
	Environment   string `json:"environment"`
	Pinned        bool   `json:"pinned"` // to the environment, whatever its file says
}

// Flags are those that a daemon was started with and that decide where values go.
type Flags struct {
	OriginCA     []string `json:"origin_ca"`
	Resolve      []string `json:"resolve"`
	AllowPrivate bool     `json:"allow_private"`
	Parent       string   `json:"parent"` // its address without a credential, env, or empty
	Egress       string   `json:"egress"`
	Tunnel       []string `json:"tunnel"`
}

// Finding is what kept a client from working through the proxy.
type Finding struct {
	ID      string    `json:"id"` // of its audit event
	At      time.Time `json:"timestamp"`
	Reason  string    `json:"reason"`
	Client  string    `json:"client"` // the program, "" where it was not told
	Host    string    `json:"host"`
	Count   int       `json:"count"`   // of connections
	Text    string    `json:"text"`    // all that in words
	Explain string    `json:"explain"` // the command that tells more
}

// Status is how a daemon answers Ask. The project is that where it was started,
// if it was in one.
type Status struct {
	Running      bool      `json:"running"`
	Port         int       `json:"port"`
	SessionValid bool      `json:"session_valid"`
	Uptime       int       `json:"uptime_seconds"`
	PID          int       `json:"pid"`
	Version      string    `json:"version"`
	ProjectID    string    `json:"project_id"`
	ProjectName  string    `json:"project_name"`
	Environment  string    `json:"environment"`
	Projects     []Project `json:"projects"`
	Flags        Flags     `json:"flags"`
	Metrics      string    `json:"metrics"` // address that answers Prometheus beside the port; "" for none
	MetricsNames bool      `json:"metrics_names"`
	Findings     []Finding `json:"findings"`           // of this daemon, the latest first, and not all
	Listener     uint32    `json:"listener,omitempty"` // the socket at the port, by the kernel's number; 0 where it does not tell
}

// Wanted says for which project a credential is wanted, as env.Query does.
type Wanted struct {
	Dir         string `json:"dir"`
	Workspace   string `json:"workspace"`
	Project     string `json:"project"`
	Environment string `json:"environment"`
	Token       string `json:"token,omitempty"` // of an agent, or the name of a saved one
}

// Access is the way through a daemon for one project.
type Access struct {
	Agent string `json:"agent,omitempty"` // whose token was shown
	Project
	URL string `json:"url"` // of the proxy, with the credential
}

// Control is what a daemon lets others do through its socket. All funcs are
// called concurrently.
type Control struct {
	Status func() Status
	Stop   func(drain time.Duration) // begins the end; drain < 0 means as long as usual
	Open   func(Wanted) (Access, error)
	Reload func() error
}

func (c Control) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, c.Status()) })
	mux.Handle("POST /stop", outsideRuns(func(w http.ResponseWriter, r *http.Request) {
		drain, err := time.ParseDuration(r.URL.Query().Get("drain"))
		if err != nil {
			drain = -1
		}
		answer(w, http.StatusAccepted, stopping{os.Getpid()})
		_ = http.NewResponseController(w).Flush() // who asked is to hear of it, even if Stop is the end of us
		c.Stop(drain)
	}))
	mux.Handle("POST /access", outsideRuns(func(w http.ResponseWriter, r *http.Request) {
		var wanted Wanted
		if err := json.NewDecoder(io.LimitReader(r.Body, maxRequest)).Decode(&wanted); err != nil {
			refuse(w, errors.New("refused: the request cannot be read"))
			return
		}
		if access, err := c.Open(wanted); err != nil {
			refuse(w, err)
		} else {
			answer(w, http.StatusOK, access)
		}
	}))
	mux.Handle("POST /reload", outsideRuns(func(w http.ResponseWriter, _ *http.Request) {
		if err := c.Reload(); err != nil {
			refuse(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	return onlyUs(mux)
}

const maxRequest = 64 << 10

type stopping struct {
	PID int `json:"pid"`
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, err error) {
	r := RefusedError{Reason: err.Error()}
	var known *RefusedError
	var h interface{ Hint() string }
	if errors.As(err, &known) {
		r = *known
	} else if errors.As(err, &h) {
		r.Way = h.Hint()
	}
	answer(w, http.StatusForbidden, r)
}

type peerKey struct{}

// peer is the process at the other end of a connection: whether it is our user's, and its number.
type peer struct {
	own bool
	pid int
}

func withPeer(ctx context.Context, conn net.Conn) context.Context {
	p, err := peerCredentials(conn)
	if err != nil {
		p = peer{pid: -1}
	}
	return context.WithValue(ctx, peerKey{}, p)
}

func peerOf(r *http.Request) peer { return r.Context().Value(peerKey{}).(peer) }

func onlyUs(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !peerOf(r).own {
			refuse(w, errors.New("refused: another user's process"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// outsideRuns refuses what changes something, or gives something away, to
// programs of a run.
func outsideRuns(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if inside, err := runtree.Within(peerOf(r).pid); inside || err != nil {
			refuse(w, errors.New("refused: asked from inside a run"))
			return
		}
		next(w, r)
	})
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
	quiet := log.New(io.Discard, "", 0) // net/http logs what a panic says
	srv := &http.Server{Handler: c.handler(), ReadHeaderTimeout: time.Second, ConnContext: withPeer, ErrorLog: quiet}
	// Who asks is told by a number, which another process has once the first has
	// ended: a connection must not outlast its question.
	srv.SetKeepAlivesEnabled(false)
	go srv.Serve(l)
	return nil
}
