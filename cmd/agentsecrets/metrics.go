package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/internal/webpage"
)

// Metrics for Prometheus: on the proxy's own port, and on an address of their
// own where the flag says so, since a run's port is another each time.

// metricsOptions are the flags of that.
type metricsOptions struct {
	addr  string
	names bool
}

const metricsHelp = `--metrics ADDR also answers Prometheus on a loopback address of its own, as
127.0.0.1:9464, at /metrics, /health and /ready. With --metrics-names exchanges are
counted by secret too, and who scrapes needs the token in metrics.token, in the home.`

func (o *metricsOptions) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.addr, "metrics", "", "address on loopback to answer Prometheus on; port 0 takes a free one")
	f.BoolVar(&o.names, "metrics-names", false, "count by secret, for who has the token")
	cmd.Long = strings.TrimSpace(cmd.Long + "\n\n" + metricsHelp)
}

func (o *metricsOptions) any() bool { return o.addr != "" || o.names }

// check refuses addresses that other machines reach. command is the hint's beginning.
func (o *metricsOptions) check(command string) error {
	if o.addr == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(o.addr)
	n, perr := strconv.Atoi(port)
	if err == nil && perr == nil && n >= 0 && n <= 65535 && webpage.IsLoopback(host) {
		return nil
	}
	f := usage("--metrics %q: it is a loopback address with a port", o.addr)
	f.hint = command + " --metrics 127.0.0.1:9464"
	return f
}

// scrapes is the listener for Prometheus.
type scrapes struct {
	l    net.Listener
	srv  *http.Server
	done chan struct{}
}

// openMetrics answers on o's address, with what the proxy's own port answers.
func (h *house) openMetrics(o metricsOptions, command string) error {
	if o.addr == "" {
		return nil
	}
	l, err := net.Listen("tcp", o.addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		host, port, _ := net.SplitHostPort(o.addr)
		n, _ := strconv.Atoi(port)
		return &failure{
			code: exitFailure, hint: command + " --metrics " + net.JoinHostPort(host, strconv.Itoa(n%65535+1)),
			err: fmt.Errorf("%s, where --metrics would answer, is in use by another program", o.addr),
		}
	}
	if err != nil {
		return fmt.Errorf("listen for --metrics: %w", err)
	}
	if to, err := netip.ParseAddrPort(l.Addr().String()); err != nil || !to.Addr().Unmap().IsLoopback() {
		l.Close() // localhost may be a name of anything
		return usage("--metrics %s: it leads to %s, which is not loopback", o.addr, l.Addr())
	}
	h.proxy.NeverDial(l.Addr())
	h.scrapes = &scrapes{l: l, done: make(chan struct{}), srv: &http.Server{
		Handler: h.status, ErrorLog: log.New(io.Discard, "", 0),
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}}
	go h.scrapes.serve()
	return nil
}

func (s *scrapes) serve() {
	defer close(s.done)
	_ = s.srv.Serve(s.l) // until close
}

func (s *scrapes) close(ctx context.Context) {
	if s == nil {
		return
	}
	if s.srv.Shutdown(ctx) != nil {
		_ = s.srv.Close()
	}
	<-s.done
}

// addr is where Prometheus is answered; "" where only the proxy's port does.
func (s *scrapes) addr() string {
	if s == nil {
		return ""
	}
	return s.l.Addr().String()
}

// guardMetrics asks for a token where metrics tell names.
func (h *house) guardMetrics(o metricsOptions) (http.Handler, error) {
	if !o.names {
		return h.metrics.Handler(), nil
	}
	token, err := metricsToken(h.where.home)
	if err != nil {
		return nil, err
	}
	return needToken(token, h.metrics.Handler()), nil
}

const tokenFile = "metrics.token"

// metricsToken is made once: the configuration of Prometheus names its file.
func metricsToken(home string) (string, error) {
	path := filepath.Join(home, tokenFile)
	unlock, err := atomicfile.Lock(path + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	b, err := atomicfile.ReadPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		token := rand.Text()
		return token, atomicfile.Write(path, []byte(token+"\n"), 0o600)
	}
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(b))
	if len(token) < len(rand.Text()) || strings.ContainsAny(token, " \t\r\n") {
		return "", &failure{
			code: exitFailure, hint: "rm " + atomicfile.ShellWord(path),
			err: fmt.Errorf("%s holds no token for --metrics-names", path),
		}
	}
	return token, nil
}

func needToken(token string, next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(given))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="agentsecrets metrics"`)
			writeJSON(w, http.StatusUnauthorized, map[string]string{"error": "unauthorized"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// storedNames are those of the project in every environment: a proxy may be
// switched to another. What cannot be read now is asked for again.
func (h *house) storedNames() []string {
	environments, err := index(h.where.home).Project(h.where.ProjectID)
	if err != nil {
		return nil
	}
	var all []string
	for _, names := range environments {
		all = append(all, names...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
