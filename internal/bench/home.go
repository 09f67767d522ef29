package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/held"
	"github.com/agentsecrets/agentsecrets/placeholder"
	"github.com/agentsecrets/agentsecrets/redact"
)

// home is a workspace of ours with secrets in it, in a directory that goes with
// the bench. Its values mean nothing to anybody.
type home struct {
	b       *bench
	dir     string
	names   []string
	values  []string // of names, in order
	environ []string
}

// newHome keeps secrets of lines lines each: every line is a value to look for.
func (b *bench) newHome(ctx context.Context, name string, secrets, lines int) (*home, error) {
	h := &home{b: b, dir: filepath.Join(b.dir, name)}
	for _, dir := range []string{h.dir, h.path("project"), h.path("tmp")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make a home: %w", err)
		}
	}
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AGENTSECRETS_") && !strings.HasPrefix(kv, "TMPDIR=") {
			h.environ = append(h.environ, kv)
		}
	}
	h.environ = append(h.environ, "AGENTSECRETS_HOME="+h.path("home"), "TMPDIR="+h.path("tmp"))
	for i := range secrets {
		value := make([]string, lines)
		for j := range value {
			value[j] = "sk-bench-" + rand.Text()
		}
		h.names = append(h.names, fmt.Sprintf("KEY_%d", i))
		h.values = append(h.values, strings.Join(value, "\n"))
	}
	return h, h.setUp(ctx)
}

func (h *home) path(name string) string { return filepath.Join(h.dir, name) }

// setUp is what a user does once.
func (h *home) setUp(ctx context.Context) error {
	password := h.path("password")
	if err := os.WriteFile(password, []byte(rand.Text()+"\n"), 0o600); err != nil {
		return fmt.Errorf("set a home up: %w", err)
	}
	if err := h.do(ctx, "", "init", "--workspace", "bench", "--project", "bench", "--store", "file", "--password-file", password, "--no-input"); err != nil {
		return err
	}
	if err := h.do(ctx, "", "workspace", "allowlist", "add", h.b.authority(), "--password-file", password); err != nil {
		return err
	}
	return h.keep(ctx)
}

// keep gives one-line values in one command, since it takes as long as one of
// them alone.
func (h *home) keep(ctx context.Context) error {
	args := []string{"secrets", "set"}
	for i, name := range h.names {
		if !strings.Contains(h.values[i], "\n") {
			args = append(args, name+"="+h.values[i])
		} else if err := h.do(ctx, h.values[i], "secrets", "set", name, "--stdin"); err != nil {
			return err
		}
	}
	if len(args) == 2 {
		return nil
	}
	return h.do(ctx, "", args...)
}

func (h *home) do(ctx context.Context, stdin string, args ...string) error {
	cmd := exec.CommandContext(ctx, h.b.program, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = h.path("project"), h.environ, strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("agentsecrets %s %s: %w: %s", args[0], args[1], err, out)
	}
	return nil
}

// command is an intercepted run of a program.
func (h *home) command(args ...string) []string {
	_, port, _ := strings.Cut(h.b.originAddr, ":")
	return append([]string{
		h.b.program, "run", "--quiet", "--intercept", "--origin-ca", h.b.originCA,
		"--resolve", host + ":" + port + ":127.0.0.1:" + port, "--",
	}, args...)
}

// start opens a run and tells how its proxy is reached.
func (h *home) start(ctx context.Context) (*held.Process, hello, error) {
	return start(ctx, h.path("project"), h.environ, h.command(h.b.self, "hold")...)
}

// release has every value go to the origin once, as whole values of JSON bodies.
func (h *home) release(ctx context.Context, p *peer) error {
	c, err := p.dial.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	for names := range slices.Chunk(h.names, atATime) {
		var fields []string
		for _, name := range names {
			fields = append(fields, fmt.Sprintf("%q:%q", strings.ToLower(name), placeholder.For(name)))
		}
		req := h.b.request("POST", "/keep", "", "{"+strings.Join(fields, ",")+"}")
		if err := c.exchange(req, nil, nil); err != nil {
			return fmt.Errorf("release the values: %w", err)
		}
	}
	return nil
}

// atATime is how many values a request asks for: together they may have 256 KiB,
// and each of the largest has some 50.
const atATime = 4

// redacted is what an echo of value becomes.
func redacted(value string) string {
	return redact.Marker + strings.Repeat("*", len(value)-len(redact.Marker))
}

// originURL splits what the origin said of itself.
func originURL(h hello) (addr string, err error) {
	u, err := url.Parse(h.URL)
	if err != nil || u.Host == "" {
		return "", errors.New("the origin does not say where it is")
	}
	return u.Host, nil
}
