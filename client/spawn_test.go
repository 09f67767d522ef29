package client_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/client"
)

func TestSpawn(t *testing.T) {
	c := newClient(t)
	r, err := c.SpawnCapture(background, "sh", "-c", `test "$KEY" = `+value+` && echo "got $KEY"; echo oops >&2; exit 3`)
	if err != nil || r.ExitCode != 3 || !strings.HasPrefix(r.Stdout, "got [REDACTED_BY_AGENTSECRETS]") || r.Stderr != "oops\n" {
		t.Errorf("%+v %v", r, err)
	}
	// Of another project, and no value at all: placeholders.
	r, err = c.Project("crm").SpawnCapture(background, "sh", "-c", `echo ${#CRM_KEY} ${#KEY}`)
	if err != nil || r.Stdout != "30 0\n" {
		t.Errorf("%+v %v", r, err)
	}
	r, err = c.SpawnProgram(background, client.Program{Path: "sh", Args: []string{"-c", "echo $KEY"}, Intercept: true, Capture: true})
	if err != nil || r.Stdout != "AS_SECRET_KEY\n" {
		t.Errorf("%+v %v", r, err)
	}
	var out bytes.Buffer
	r, err = c.SpawnProgram(background, client.Program{Path: "cat", Stdin: strings.NewReader("passed on"), Stdout: &out})
	if err != nil || r.ExitCode != 0 || out.String() != "passed on" || r.Stdout != "" {
		t.Errorf("%+v %q %v", r, out.String(), err)
	}
	r, err = c.Spawn(background, "true")
	if err != nil || r.ExitCode != 0 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestSpawnFails(t *testing.T) {
	c := newClient(t)
	r, err := c.SpawnCapture(background, "no-such-program-at-all")
	var e *client.Error
	if !errors.As(err, &e) || e.ExitCode != 127 || r == nil || r.ExitCode != 127 {
		t.Errorf("%+v %v", r, err)
	}
	r, err = c.Project("nope").SpawnCapture(background, "true")
	project := wantError[*client.ProjectNotFoundError](t, err, "project_not_found", "agentsecrets project create nope")
	if project.Project != "nope" || r.ExitCode != 125 {
		t.Errorf("%+v %+v", project, r)
	}
	// Codes that are the program's own are no failure.
	if r, err = c.SpawnCapture(background, "sh", "-c", "echo mine >&2; exit 125"); err != nil || r.ExitCode != 125 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestSpawnAsync(t *testing.T) {
	c := newClient(t)
	dir := t.TempDir()
	p, err := c.SpawnAsync(background, "sh", "-c", "while ! test -e "+dir+"/go; do sleep 0.02; done; exit 4")
	if err != nil || p.PID == 0 {
		t.Fatal(p, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := p.Wait(); err != nil || r.ExitCode != 4 {
		t.Errorf("%+v %v", r, err)
	}
	// With ctx the program ends, too.
	ctx, cancel := context.WithCancel(background)
	if p, err = c.SpawnAsync(ctx, "sh", "-c", "trap 'echo >"+dir+"/ended; exit 0' TERM; echo >"+dir+"/begun; while :; do sleep 0.02; done"); err != nil {
		t.Fatal(err)
	}
	await(t, filepath.Join(dir, "begun"))
	cancel()
	if _, err := p.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	await(t, filepath.Join(dir, "ended"))
}

func await(t *testing.T, path string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
	}
	t.Errorf("%s did not come", path)
}

// Inside a run a client goes through the run's proxy, and stays in its project.
func TestInsideARun(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"run", "--quiet", "--intercept", "--environment", "staging"}, w.flags...)
	cmd := w.command(append(args, "--", exe, w.url("/v1"))...)
	cmd.Env = append(os.Environ(), "CLIENT_TEST_CHILD=call")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := string(out)
	for _, want := range []string{
		"redacted: true body: ", "[REDACTED_BY_AGENTSECRETS]", "forwarded: {", "another project: *client.PermissionDeniedError",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	noValue(t, "what the program got", out)
	if g := w.origin.took(t); g.Header.Get("X-Key") != other {
		t.Errorf("the run's environment is staging: %+v", g)
	}
}
