package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/held"
)

const (
	secretName  = "SOAK_KEY"
	placeholder = "AS_SECRET_" + secretName
)

// fewFiles is the soft limit of open files that the proxy is started with: it has
// to raise it itself.
const fewFiles = 128

// home is a workspace with one secret, which may go to the origin.
type home struct {
	soak    *soak
	value   string // means nothing to anybody
	environ []string
}

func (h *home) path(name string) string { return filepath.Join(h.soak.dir, name) }

func newHome(ctx context.Context, k *soak) (*home, error) {
	h := &home{soak: k, value: "sk-soak-" + rand.Text()}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AGENTSECRETS_") && !strings.HasPrefix(kv, "GO") { // as a user has it: no GOGC
			h.environ = append(h.environ, kv)
		}
	}
	h.environ = append(h.environ, "AGENTSECRETS_HOME="+h.path("home"))
	password := h.path("password")
	if err := errors.Join(os.Mkdir(h.path("project"), 0o700), os.WriteFile(password, []byte(rand.Text()+"\n"), 0o600)); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"init", "--workspace", "soak", "--project", "soak", "--store", "file", "--password-file", password, "--no-input"},
		{"workspace", "allowlist", "add", k.origin.authority(http1), "--password-file", password},
		{"workspace", "allowlist", "add", k.origin.authority(http2), "--password-file", password},
		{"secrets", "set", secretName + "=" + h.value},
	} {
		if _, err := h.do(ctx, args...); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *home) do(ctx context.Context, args ...string) (stdout []byte, err error) {
	cmd := exec.CommandContext(ctx, h.soak.binary, args...)
	var stderr strings.Builder
	cmd.Dir, cmd.Env, cmd.Stderr = h.path("project"), h.environ, &stderr
	stdout, err = cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("agentsecrets %s %s: %w: %s", args[0], args[1], err, stderr.String())
	}
	return stdout, nil
}

// proxy is the program while it serves.
type proxy struct {
	process *held.Process
	url     *url.URL // with its credential
	roots   *x509.CertPool
}

// start has more connections allowed than a daemon allows one project.
func (h *home) start(ctx context.Context) (*proxy, error) {
	room := strconv.Itoa(2*max(h.soak.idle, h.soak.streams) + 64)
	args := []string{"/bin/sh", "-c", fmt.Sprintf(`ulimit -Sn %d && exec "$@"`, fewFiles), "sh",
		h.soak.binary, "proxy", "start", "--foreground", "--no-input", "--port", "0", "--origin-ca", h.soak.origin.rootFile(h.soak.dir),
		"--max-run-connections", room,
	}
	for _, name := range []string{http1, http2} {
		args = append(args, "--resolve", fmt.Sprintf("%s:%d:127.0.0.1:%d", name, h.soak.origin.port(), h.soak.origin.port()))
	}
	process, err := held.Start(ctx, held.Program{Dir: h.path("project"), Env: h.environ, Args: args})
	if err != nil {
		return nil, err
	}
	p := &proxy{process: process}
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		out, err := h.do(ctx, "proxy", "env", "--output", "json")
		if err == nil {
			err = p.read(out)
		}
		if err == nil {
			return p, nil
		}
		if ctx.Err() != nil || time.Now().After(end) {
			process.Stop()
			return nil, fmt.Errorf("the proxy does not answer: %w: %s", err, process.Stderr.String())
		}
	}
}

// read takes what a shell would be told.
func (p *proxy) read(told []byte) error {
	var vars struct{ Set map[string]string }
	if err := json.Unmarshal(told, &vars); err != nil {
		return err
	}
	pem, err := os.ReadFile(vars.Set["SSL_CERT_FILE"])
	if err != nil {
		return err
	}
	p.roots = x509.NewCertPool()
	p.roots.AppendCertsFromPEM(pem)
	p.url, err = url.Parse(vars.Set["HTTPS_PROXY"])
	return err
}

func (p *proxy) stop() { p.process.Stop() }

// reading is what the process has.
type reading struct {
	resident   int64 // bytes now
	peak       int64 // most bytes since it was started
	files      int
	most       int // that it may have open
	goroutines int
}

// look asks the proxy itself, but for the peak: the kernel hides from others what
// a process that wants to be left alone has open.
func (p *proxy) look(ctx context.Context) (reading, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.url.Host+"/metrics", nil)
	if err != nil {
		return reading{}, err
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return reading{}, fmt.Errorf("ask for metrics: %w", err)
	}
	defer resp.Body.Close()
	gauges := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if name, text, ok := strings.Cut(lines.Text(), " "); ok && name != "#" {
			gauges[name], _ = strconv.ParseFloat(text, 64)
		}
	}
	r := reading{
		resident: int64(gauges["process_resident_memory_bytes"]), files: int(gauges["process_open_fds"]),
		most: int(gauges["process_max_fds"]), goroutines: int(gauges["go_goroutines"]),
	}
	if min(r.resident, int64(r.files), int64(r.most), int64(r.goroutines)) < 1 {
		return r, errors.New("the proxy's metrics tell nothing of its process")
	}
	r.peak, err = p.peak()
	return r, err
}

func (p *proxy) peak() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.process.Cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, text, _ := strings.Cut(string(status), "\nVmHWM:")
	text, _, _ = strings.Cut(text, " kB")
	kib, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return kib << 10, err
}

// settled is a reading that stays for a moment.
func (p *proxy) settled(ctx context.Context) (reading, error) {
	last, same := reading{}, 0
	for end := time.Now().Add(patience / 3); ; time.Sleep(200 * time.Millisecond) {
		r, err := p.look(ctx)
		if err != nil {
			return r, err
		}
		if same++; r.files != last.files || r.goroutines != last.goroutines {
			same = 0
		}
		if same == 5 {
			return r, nil
		}
		if time.Now().After(end) {
			return r, fmt.Errorf("the proxy does not come to rest: %d open files, %d goroutines", r.files, r.goroutines)
		}
		last = r
	}
}

// back waits until all that base did not have is given back.
func (k *soak) back(ctx context.Context, part string, base reading) error {
	within := 3 * patience
	if k.renews {
		within = patience / 6
		if err := k.renew(ctx); err != nil {
			return err
		}
	}
	var r reading
	for end := time.Now().Add(within); ; time.Sleep(200 * time.Millisecond) {
		var err error
		if r, err = k.proxy.look(ctx); err != nil {
			return err
		}
		if r.files <= base.files && r.goroutines <= base.goroutines || time.Now().After(end) {
			break
		}
	}
	k.hold(part, "descriptors afterwards", strconv.Itoa(r.files), fmt.Sprintf("%d, as before", base.files), r.files <= base.files)
	k.hold(part, "goroutines afterwards", strconv.Itoa(r.goroutines), fmt.Sprintf("%d, as before", base.goroutines), r.goroutines <= base.goroutines)
	return nil
}
