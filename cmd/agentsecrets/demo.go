package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/internal/demo"
	"github.com/agentsecrets/agentsecrets/placeholder"
)

// The demo does the main job on this machine with nothing set up: the commands
// are started as a user would, in a home of their own; the origin is a process
// of its own; the client is whatever is installed.

const (
	demoName = "OPENAI_API_KEY"
	demoHost = "api.openai.test"
	demoTime = 60 * time.Second

	placeholderText = placeholder.Prefix + demoName
)

func (a *app) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the whole job on this machine, with nothing to set up",
		Args:  takes(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return whole(cmd.Context(), a.demo) },
	}
}

// stage is where one demo plays.
type stage struct {
	app    *app
	exe    string
	dir    string // holds all that follows, and goes at the end
	value  string
	origin *demoOrigin
	report
}

func (a *app) demo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, demoTime)
	defer cancel()
	defer a.during("showing the whole job")()
	s, err := a.newStage()
	if err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	if s.origin, err = s.startOrigin(ctx); err != nil {
		return err
	}
	defer s.origin.stop()
	if err := s.setUp(ctx); err != nil {
		return err
	}
	clients := s.clients(ctx)
	if len(clients) == 1 {
		return &failure{code: exitFailure, err: errors.New("the demo needs a client: curl, or Python with the openai package"), hint: "install curl"}
	}
	for _, c := range clients {
		if err := s.play(ctx, c); err != nil {
			return err
		}
	}
	if err := s.searchAfter(ctx); err != nil {
		return err
	}
	return s.report.print(a)
}

func (a *app) newStage() (*stage, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find our own program: %w", err)
	}
	dir, err := os.MkdirTemp("", "agentsecrets-demo-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for the demo: %w", err)
	}
	s := &stage{app: a, exe: exe, dir: dir, value: "sk-demo-" + rand.Text()}
	for _, sub := range []string{"home", "project", "tmp"} {
		if err := os.Mkdir(s.path(sub), 0o700); err != nil {
			os.RemoveAll(dir)
			return nil, fmt.Errorf("make a directory for the demo: %w", err)
		}
	}
	return s, nil
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// ourselves is a command of ours in the demo's own home and project.
func (s *stage) ourselves(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.exe, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Second
	cmd.Dir = s.path("project")
	for _, kv := range s.app.environ {
		if !strings.HasPrefix(kv, "AGENTSECRETS_") && !strings.HasPrefix(kv, demoName+"=") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "AGENTSECRETS_HOME="+s.path("home"), "TMPDIR="+s.path("tmp"))
	return cmd
}

// setUp takes the three steps that a user takes.
func (s *stage) setUp(ctx context.Context) error {
	pw := s.path("password")
	if err := os.WriteFile(pw, []byte(rand.Text()+"\n"), 0o600); err != nil {
		return fmt.Errorf("set the demo up: %w", err)
	}
	for _, step := range []struct {
		args  []string
		stdin string
	}{
		{args: []string{"init", "--workspace", "demo", "--project", "demo", "--store", "file", "--password-file", pw, "--no-input"}},
		{args: []string{"secrets", "set", demoName, "--stdin", "--host", s.origin.authority()}, stdin: s.value},
		{args: []string{"workspace", "allowlist", "add", s.origin.authority(), "--password-file", pw}},
	} {
		cmd := s.ourselves(ctx, step.args...)
		cmd.Stdin = strings.NewReader(step.stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("agentsecrets %s: %w: %s", step.args[0], err, out)
		}
	}
	return os.Remove(pw)
}

// searchAfter looks at what is left when everything has ended.
func (s *stage) searchAfter(ctx context.Context) error {
	for _, place := range []string{"home", "tmp", "project"} {
		found, err := demo.SearchTree(s.path(place), []byte(s.value))
		if err != nil {
			return err
		}
		s.absent("files below "+place, found)
	}
	left, err := os.ReadDir(s.path("tmp"))
	if err != nil {
		return fmt.Errorf("look at what is left: %w", err)
	}
	s.check("no file of a run is left", len(left) == 0, fmt.Sprint(left))
	logs, err := s.ourselves(ctx, "proxy", "logs").Output()
	if err != nil {
		return fmt.Errorf("agentsecrets proxy logs: %w", err)
	}
	s.absent("the audit log", demo.Seen(logs, []byte(s.value)))
	ok := strings.Count(string(logs), `"status":"OK"`)
	s.check(fmt.Sprintf("the audit log has each of the %d requests", s.requests), ok == s.requests, fmt.Sprintf("it has %d", ok))
	return nil
}

// demoOrigin is the origin's process.
type demoOrigin struct {
	cmd  *exec.Cmd
	port int
	ca   string
	got  *json.Decoder
	end  func() error
}

func (o *demoOrigin) authority() string { return fmt.Sprintf("%s:%d", demoHost, o.port) }

func (o *demoOrigin) stop() {
	_ = o.end()
	_ = o.cmd.Wait()
}

// next is what the origin was sent next. A request that was refused on its way
// never comes.
func (o *demoOrigin) next() (got demo.Got, err error) {
	come := make(chan error, 1)
	go func() { come <- o.got.Decode(&got) }()
	select {
	case err = <-come:
	case <-time.After(15 * time.Second):
		o.stop() // ends Decode
		err = errors.Join(errors.New("nothing in 15 s"), <-come)
	}
	if err != nil {
		return got, fmt.Errorf("the origin was not sent the request: %w", err)
	}
	return got, nil
}

func (s *stage) startOrigin(ctx context.Context) (*demoOrigin, error) {
	o := &demoOrigin{cmd: s.ourselves(ctx, "demo-origin", s.path("origin-ca.pem")), ca: s.path("origin-ca.pem")}
	in, errIn := o.cmd.StdinPipe()
	out, errOut := o.cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut); err != nil {
		return nil, fmt.Errorf("start the demo's origin: %w", err)
	}
	if err := o.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the demo's origin: %w", err)
	}
	o.got, o.end = json.NewDecoder(out), in.Close
	if err := o.got.Decode(&o.port); err != nil {
		o.stop()
		return nil, fmt.Errorf("start the demo's origin: %w", err)
	}
	return o, nil
}
