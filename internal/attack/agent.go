//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// hello is what the program in a run knows of its proxy.
type hello struct {
	Proxy string `json:"proxy"`
	CA    string `json:"ca"` // PEM
	PID   int    `json:"pid"`
}

// order is a command that the program in a run is told to start.
type order struct {
	Args  []string `json:"args"`
	Env   []string `json:"env"` // beside its own
	Dir   string   `json:"dir"`
	Stdin string   `json:"stdin"`
}

// result is how a command ended.
type result struct {
	Stdout []byte `json:"stdout"`
	Stderr []byte `json:"stderr"`
	Code   int    `json:"code"`
}

// carryOut runs an order, with the environment that it came to.
func carryOut(ctx context.Context, o order, environ []string) result {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, o.Args[0], o.Args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = o.Dir, append(environ, o.Env...), strings.NewReader(o.Stdin)
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		stderr.WriteString(err.Error())
	}
	return result{stdout.Bytes(), stderr.Bytes(), cmd.ProcessState.ExitCode()}
}

// agentMain is the hostile program inside a run: it says what it knows, and does
// what it is told.
func agentMain(_ []string, stdin io.Reader, stdout io.Writer) error {
	pem, err := os.ReadFile(os.Getenv("SSL_CERT_FILE"))
	if err != nil {
		return fmt.Errorf("read the run's certificates: %w", err)
	}
	answer := json.NewEncoder(stdout)
	if err := answer.Encode(hello{os.Getenv("HTTPS_PROXY"), string(pem), os.Getpid()}); err != nil {
		return err
	}
	for orders := json.NewDecoder(stdin); ; {
		var o order
		if err := orders.Decode(&o); err != nil {
			return nil // told to end
		}
		if err := answer.Encode(carryOut(context.Background(), o, os.Environ())); err != nil {
			return err
		}
	}
}

// agent is that program, seen from outside.
type agent struct {
	hello
	cmd   *exec.Cmd // the run
	stdin io.WriteCloser
	tell  *json.Encoder
	heard *json.Decoder
}

// startAgent starts a run with flags.
func (w *world) startAgent(ctx context.Context, flags ...string) (*agent, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := append(append([]string{"run", "--intercept"}, flags...), "--", self, "agent")
	a := &agent{cmd: w.command(ctx, args...)}
	a.cmd.Stderr = &w.errors
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var out io.Reader
	if a.stdin, err = a.cmd.StdinPipe(); err == nil {
		out, err = a.cmd.StdoutPipe()
	}
	if err == nil {
		err = a.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start a run: %w", err)
	}
	a.tell, a.heard = json.NewEncoder(a.stdin), json.NewDecoder(out)
	if err := a.heard.Decode(&a.hello); err != nil {
		a.stop()
		return nil, fmt.Errorf("start a run: %w: %s", err, w.errors.bytes())
	}
	return a, nil
}

// order has the program in the run start a command.
func (a *agent) order(o order) (result, error) {
	var r result
	if err := a.tell.Encode(o); err != nil {
		return r, fmt.Errorf("tell the program in the run: %w", err)
	}
	if err := a.heard.Decode(&r); err != nil {
		return r, fmt.Errorf("hear from the program in the run: %w", err)
	}
	return r, nil
}

func (a *agent) stop() {
	a.stdin.Close()
	kill := time.AfterFunc(5*time.Second, func() { a.cmd.Process.Kill() })
	defer kill.Stop()
	_ = a.cmd.Wait()
}

// answer is r as the attacker sees it: the last line that the command said.
func (r result) answer() answer {
	a := answer{outcome: "done", text: append(append([]byte{}, r.Stdout...), r.Stderr...)}
	if r.Code != 0 {
		a.outcome = "refused"
	}
	said := strings.TrimSpace(string(r.Stderr))
	if said == "" {
		said = strings.TrimSpace(string(r.Stdout))
	}
	first, _, _ := strings.Cut(said, "\n")
	a.said = fmt.Sprintf("exit %d: %s", r.Code, shorten(first))
	return a
}

// shorten makes a line of at most some hundred bytes.
func shorten(s string) string {
	if len(s) > 110 {
		s = s[:110] + "…"
	}
	return s
}
