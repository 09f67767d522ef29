package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agentsecrets/agentsecrets/internal/built"
)

func TestMain(m *testing.M) {
	if part, ok := partOf(os.Args); ok {
		exit(part(os.Stdin, os.Stdout))
	}
	goleak.VerifyTestMain(m)
}

// program builds what is measured.
func program(t *testing.T) string {
	t.Helper()
	path, err := built.Agentsecrets(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// measure runs a bench in a directory of its own, and sees that it leaves
// neither files nor processes.
func measure(t *testing.T, o options) report {
	t.Helper()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	o.json = true
	var out strings.Builder
	if err := run(t.Context(), o, &out); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) > 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
	if left := children(os.Getpid()); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	var r report
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRun(t *testing.T) {
	r := measure(t, options{
		binary: program(t), nginx: "nginx", only: []string{"get", "post", "h2", "one", "connect", "held"}, rounds: 1, loadTime: 100 * time.Millisecond,
	})
	if r.Failed || r.Machine.Cores == 0 || r.Machine.Go == "" {
		t.Errorf("the report says %+v", r)
	}
	for _, m := range r.Medians {
		if m.Ops == 0 || m.Failed > 0 || m.Workload == "one" && m.P50 == 0 {
			t.Errorf("%+v", m)
		}
	}
	// nginx need not be here; everything else has to be.
	noNginx := slices.ContainsFunc(r.Absent, func(s string) bool { return strings.HasPrefix(s, nginx+": ") })
	if len(r.Absent) > 1 || len(r.Absent) == 1 && !noNginx {
		t.Errorf("absent: %q", r.Absent)
	}
	if len(r.Goals) != 8 {
		t.Errorf("%d goals, not 8", len(r.Goals))
	}
	judgedUnless(t, r, noNginx)
}

// A peer that cannot be had is said, and what hangs on it is not judged.
func TestAbsentPeer(t *testing.T) {
	r := measure(t, options{
		binary: program(t), nginx: "no-such-nginx", only: []string{"get"}, rounds: 1, loadTime: 50 * time.Millisecond,
	})
	if len(r.Absent) != 1 || !strings.Contains(r.Absent[0], "no-such-nginx") || !strings.Contains(r.Absent[0], "nginx-light") {
		t.Errorf("absent: %q", r.Absent)
	}
	judgedUnless(t, r, true)
}

// judgedUnless sees that goals have a verdict, but where nginx is missing. On a
// machine that is busy enough a process gets no tick of CPU time in so short a run.
func judgedUnless(t *testing.T, r report, noNginx bool) {
	t.Helper()
	idle := slices.ContainsFunc(r.Medians, func(m sample) bool { return m.CPU == 0 })
	for _, g := range r.Goals {
		cannot := noNginx && strings.Contains(g.What, "nginx")
		if cannot && g.Verdict != missing || !cannot && g.Verdict == missing && !idle {
			t.Errorf("%s: %s", g.What, g.Verdict)
		}
	}
}

func TestOptions(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, "-only get,post": true, "-rounds 5": true, "-json": true,
		"-only get,nothing": false, "-rounds 0": false, "more": false, "-x": false,
	} {
		if _, err := parse(strings.Fields(text)); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCommandRepeats(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "make bench-quick",
		"-only get -rounds 5": "make build && go run ./internal/bench -only get -rounds 5",
		"-nginx n":            "make build && go run ./internal/bench -rounds 3 -nginx n",
		"-binary b":           "make build && go run ./internal/bench -rounds 3 -binary b",
	} {
		o, err := parse(strings.Fields(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := command(o); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
}
