package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A redactor that misses one form, or all, is noticed before anything is started or
// sent: here is a binary in which one line is patched.
func TestCanaryNotices(t *testing.T) {
	for _, fault := range []struct{ name, file, old, new, missed string }{
		{"one form is not looked for", "redact/forms.go", "	d.add(inUTF16, utf16Forms(text)...)\n", "", "utf-16 (little-endian)"},
		{"streams pass as they are", "redact/stream.go", "	w.cover(b, n)\n", "", "verbatim (as it is)"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			c := newRefused(t, patched(t, fault.file, fault.old, fault.new), fault.missed)
			c.refuses(125, "run", "--intercept", "--", "touch", c.mark)
			c.refuses(125, "run", "--", "touch", c.mark)
			c.refuses(1, "proxy", "start", "--foreground", "--port", "0")
			c.refuses(1, "call", "--url", "https://api.acme.test:"+c.port, "--resolve", "api.acme.test:"+c.port+":127.0.0.1", "--bearer", "KEY")
			c.nothingSent()
		})
	}
}

// refused is a place in which a binary refuses to start.
type refused struct {
	t         *testing.T
	exe, dir  string
	mark      string // a file that a program would make
	port      string // of an origin
	missed    string // a form
	connected chan net.Conn
}

func newRefused(t *testing.T, exe, missed string) *refused {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	c := &refused{t: t, exe: exe, dir: dir, mark: filepath.Join(dir, "ran"), port: port, missed: missed, connected: make(chan net.Conn, 1)}
	go func() {
		if conn, err := l.Accept(); err == nil {
			c.connected <- conn
		}
	}()
	for _, args := range [][]string{{"init", "--workspace", "acme", "--project", "pay", "--store", "file", "--no-input"}, {"secrets", "set", "KEY", "--stdin"}} {
		if out, err := c.command(t.Context(), args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args[0], err, out)
		}
	}
	return c
}

func (c *refused) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.exe, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "AGENTSECRETS_HOME="+filepath.Join(c.dir, "home"))
	cmd.Stdin = strings.NewReader("sk-canary-0123456789abcdef")
	return cmd
}

func (c *refused) refuses(code int, args ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second) // what starts all the same would stay
	defer cancel()
	cmd := c.command(ctx, args...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run()
	if got := cmd.ProcessState.ExitCode(); got != code || stdout.Len() > 0 || !strings.Contains(stderr.String(), "redaction_broken: ") ||
		!strings.Contains(stderr.String(), c.missed) || !strings.Contains(stderr.String(), "hint: agentsecrets doctor\n") {
		c.t.Errorf("%q ends with %d: %s%s", args, got, stdout.String(), stderr.String())
	}
}

func (c *refused) nothingSent() {
	c.t.Helper()
	if _, err := os.Lstat(c.mark); err == nil {
		c.t.Error("the program ran")
	}
	select {
	case conn := <-c.connected:
		conn.Close()
		c.t.Error("the origin was asked")
	default:
	}
}
