package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/env"
	"github.com/agentsecrets/agentsecrets/resolve"
)

const crashPassword = "correct horse battery staple"

// newHome makes a home with values in the encrypted file, for commands from here on, and returns it with its password's file.
func newHome(t *testing.T) (home, pw string) {
	t.Helper()
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", nowhere)
	home = filepath.Join(t.TempDir(), "home")
	t.Setenv("AGENTSECRETS_HOME", home)
	t.Chdir(t.TempDir())
	pw = filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(pw, []byte(crashPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, "init", "--store", "file", "--password-file", pw)
	return home, pw
}

// project is the one here.
func project(t *testing.T, home string) (env.Context, *allowlist.Policy) {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	c, err := env.Load(env.Query{Home: home, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	path, err := policyPath(home, c.WorkspaceID)
	if err != nil {
		t.Fatal(err)
	}
	p, err := allowlist.LoadPolicy(path)
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

// secrets set is killed at a random moment. What it had said to keep is there; what it was at is there whole, with its
// binding, or not at all; and every file can be used.
func TestA5KilledSet(t *testing.T) {
	home, _ := newHome(t)
	rounds := 20
	if os.Getenv("AGENTSECRETS_LONG") == "1" {
		rounds = 500
	}
	text := func(n int) string { return fmt.Sprint("value ", n, " ", strings.Repeat("x", n*977%9000)) }
	set := func(n int) *exec.Cmd {
		cmd := exec.Command("agentsecrets", "secrets", "set", fmt.Sprint("KEY_", n), "--stdin", "--host", fmt.Sprintf("h%d.test", n))
		cmd.Stdin = strings.NewReader(text(n))
		return cmd
	}
	began := time.Now()
	if out, err := set(0).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	life := time.Since(began) // it follows how fast this machine is now, so that some die and some do not
	kept, died := map[int]bool{0: true}, 0
	for n := 1; n <= rounds; n++ {
		cmd := set(n)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(life/3 + time.Duration(rand.Int64N(int64(life))))
		_ = cmd.Process.Kill() // it may have ended
		if cmd.Wait() == nil {
			kept[n] = true
			life = life * 9 / 10
		} else {
			died++
			life = life * 10 / 9
		}
		there := settledHome(t, home, text)
		for n := range kept {
			if !there[n] {
				t.Errorf("KEY_%d was kept, and is gone", n)
			}
		}
		kept = there
		if t.Failed() {
			t.Fatalf("in round %d", n)
		}
	}
	t.Logf("%d of %d were killed; %d are kept", died, rounds, len(kept))
	if died == 0 || len(kept) == rounds+1 {
		t.Error("none was killed in time: this shows nothing")
	}
}

// settledHome has the home settled, and returns which numbers are kept.
func settledHome(t *testing.T, home string, text func(int) string) map[int]bool {
	t.Helper()
	command(t, "secrets", "list")
	c, policy := project(t, home)
	s := openTestStore(t, home)
	if err := index(home).Reconcile(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	entries, err := index(home).Names(c.ProjectID, c.Environment)
	if err != nil {
		t.Fatal(err)
	}
	there := map[int]bool{}
	for _, e := range entries {
		n := 0
		if _, err := fmt.Sscanf(e.Name, "KEY_%d", &n); err != nil {
			t.Fatal(err)
		}
		v, err := s.Resolve(t.Context(), resolve.Ref{Project: c.ProjectID, Environment: c.Environment, Name: e.Name})
		if err != nil || string(v.Reveal()) != text(n) {
			t.Errorf("%s holds %d bytes, %v", e.Name, len(v.Reveal()), err)
		}
		if b := policy.Bindings[c.ProjectID][e.Name]; len(b.Hosts) != 1 {
			t.Errorf("%s is kept without its binding: %+v", e.Name, b)
		}
		there[n] = true
	}
	return there
}

// Many commands change values and rules of one home at once; none takes back what another did.
func TestA6ManyCommandsAtOnce(t *testing.T) {
	home, pw := newHome(t)
	processes, each := 8, 2
	if os.Getenv("AGENTSECRETS_LONG") == "1" {
		processes, each = 32, 20
	}
	var all sync.WaitGroup
	for p := range processes {
		all.Go(func() {
			for i := range each {
				id := fmt.Sprintf("%d_%d", p, i)
				err := errors.Join(
					patiently("secrets", "set", "W"+id+"=a-value-of-its-own-"+id, "--host", "api.test"),
					patiently("workspace", "allowlist", "add", strings.ReplaceAll("w"+id+".test", "_", "-"), "--password-file", pw),
				)
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	c, policy := project(t, home)
	entries, err := index(home).Names(c.ProjectID, c.Environment)
	want := processes * each
	if err != nil || len(entries) != want || len(policy.Bindings[c.ProjectID]) != want || len(policy.Rules) != want {
		t.Errorf("%d names, %d bindings, %d rules, %v; want %d", len(entries), len(policy.Bindings[c.ProjectID]), len(policy.Rules), err, want)
	}
	s := openTestStore(t, home)
	for _, e := range entries {
		v, err := s.Resolve(t.Context(), resolve.Ref{Project: c.ProjectID, Environment: c.Environment, Name: e.Name})
		if e.Pending || err != nil || string(v.Reveal()) != "a-value-of-its-own-"+e.Name[1:] {
			t.Errorf("%s: pending %v, %d bytes, %v", e.Name, e.Pending, len(v.Reveal()), err)
		}
	}
	path, err := policyPath(home, c.WorkspaceID)
	if err != nil {
		t.Fatal(err)
	}
	if changes, bad, err := allowlist.Changes(path, 0); len(changes) != 2*want+1 || bad != 0 || err != nil { // and the password
		t.Errorf("%d changes are written down, %d lines are none, %v", len(changes), bad, err)
	}
}

// patiently tries again when it was told to wait for another: a slow machine makes a long queue.
func patiently(args ...string) error {
	for {
		out, err := exec.Command("agentsecrets", args...).CombinedOutput()
		switch {
		case err == nil:
			return nil
		case !strings.Contains(string(out), "is held by"):
			return fmt.Errorf("%s: %w\n%s", strings.Join(args[:2], " "), err, out)
		}
	}
}
