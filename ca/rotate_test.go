package ca_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
)

const day = 24 * time.Hour

// clock is one that is set.
type clock struct{ now time.Time }

func (c *clock) config() ca.Config { return ca.Config{Now: func() time.Time { return c.now }} }

func (c *clock) open(t *testing.T, dir string) *ca.Authority {
	t.Helper()
	a, err := ca.Open(dir, c.config())
	if err != nil {
		t.Fatalf("on %s: %v", c.now.Format(time.DateOnly), err)
	}
	return a
}

// believes reports whether a client with these roots takes a leaf of a.
func believes(t *testing.T, roots []byte, a *ca.Authority, at time.Time) bool {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(roots) {
		t.Fatal("no roots")
	}
	_, err := leaf(t, a, "a.test").Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: "a.test", CurrentTime: at})
	return err == nil
}

func count(pem []byte) int { return bytes.Count(pem, []byte("BEGIN CERTIFICATE")) }

// A new root is in bundles for 30 days before it signs, and the old one until its end: whoever took a bundle within
// that time believes everything that is signed until the end of the root that was the newer one.
func TestL8Rotation(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	c := &clock{time.Now()}
	first := c.open(t, dir)
	end := root(t, first).NotAfter
	var shown []byte // at the beginning of the 60 days
	var second []byte
	for _, step := range []struct {
		left    time.Duration // until the first one's end
		trusted int
		signs   bool // the second one
	}{
		{61 * day, 1, false},
		{59 * day, 2, false},
		{31 * day, 2, false},
		{28 * day, 2, true},
		{time.Hour, 2, true},
		{-time.Hour, 1, true},
		{-300 * day, 1, true},
	} {
		c.now = end.Add(-step.left)
		a := c.open(t, dir)
		if !a.Current() {
			t.Errorf("%s before the end: what was opened just now is out of date", step.left)
		}
		if n := count(a.Trusted()); n != step.trusted {
			t.Errorf("%s before the end: %d roots are trusted, want %d", step.left, n, step.trusted)
		}
		bundle, err := a.Bundle("")
		if err != nil || !bytes.Contains(bundle, bytes.TrimSpace(a.Trusted()[:len(a.PEM())])) {
			t.Errorf("%s before the end: the bundle lacks the root that signs: %v", step.left, err)
		}
		if signs := !bytes.Equal(a.PEM(), first.PEM()); signs != step.signs {
			t.Errorf("%s before the end: the second one signs: %v", step.left, signs)
		}
		if step.trusted == 2 && shown == nil {
			shown, second = bundle, a.Trusted()[len(a.PEM()):]
		}
		if shown != nil && !believes(t, shown, a, c.now) {
			t.Errorf("%s before the end: a bundle of the first day is not enough", step.left)
		}
	}
	if pem, err := os.ReadFile(filepath.Join(dir, "ca.pem")); err != nil || !bytes.Equal(pem, second) {
		t.Errorf("the second one has not taken the first one's place: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "ca-next*")); err != nil || left != nil {
		t.Errorf("%v is left, %v", left, err)
	}
}

// A process that goes on for months is told to look again, by the clock on the wall.
func TestL8NotCurrent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	c := &clock{time.Now()}
	a := c.open(t, dir)
	end := root(t, a).NotAfter
	for _, at := range []struct {
		left    time.Duration
		current bool
	}{{100 * day, true}, {61 * day, true}, {59 * day, false}} {
		if c.now = end.Add(-at.left); a.Current() != at.current {
			t.Errorf("%s before the end: current is %v", at.left, a.Current())
		}
	}
	c.now = end.Add(-59 * day)
	next := c.open(t, dir)
	c.now = end.Add(-28 * day)
	if next.Current() {
		t.Error("the next one should sign")
	}
	second := c.open(t, dir)
	c.now = end.Add(-40 * day) // set back
	if second.Current() {
		t.Error("the first one should sign again")
	}
	if !ephemeralAt(t, c).Current() {
		t.Error("a run's root is followed by another")
	}
}

func ephemeralAt(t *testing.T, c *clock) *ca.Authority { return ephemeral(t, c.config()) }

// A clock that is wrong for a while leaves the same two roots.
func TestL8ClockThatWasWrong(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	c := &clock{time.Now()}
	first := c.open(t, dir)
	begin := c.now
	end := root(t, first).NotAfter
	c.now = end.Add(-20 * day) // nobody looked: there is no next one yet
	second := c.open(t, dir)
	if !bytes.Equal(second.PEM(), first.PEM()) || count(second.Trusted()) != 2 {
		t.Fatal("a root that was made just now signs")
	}
	c.now = begin.Add(day)
	if again := c.open(t, dir); !bytes.Equal(again.PEM(), first.PEM()) {
		t.Error("another root signs after the clock was set right")
	}
	c.now = end.Add(-time.Hour)
	last := c.open(t, dir)
	if bytes.Equal(last.PEM(), first.PEM()) || !bytes.Contains(second.Trusted(), last.PEM()) {
		t.Error("in the last day of the first one, the next one does not sign")
	}
}

// Nobody looked until all was over: a person has to know.
func TestL8NobodyLooked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	c := &clock{time.Now()}
	end := root(t, c.open(t, dir)).NotAfter
	refusedAndKept(t, "expired", dir, ca.Config{Now: func() time.Time { return end.Add(time.Hour) }})
}

// However far the change of the roots got, the next Open ends it.
func TestL8CutShort(t *testing.T) {
	for name, cut := range map[string]func(dir string) error{
		"before it":      func(string) error { return nil },
		"without ca.pem": func(dir string) error { return os.Remove(filepath.Join(dir, "ca.pem")) },
		"with the new key": func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "ca.pem")), copyFile(dir, "ca-next-key.pem", "ca-key.pem"))
		},
		"with both new files": func(dir string) error {
			return errors.Join(copyFile(dir, "ca-next.pem", "ca.pem"), copyFile(dir, "ca-next-key.pem", "ca-key.pem"))
		},
		"with one file left to take": func(dir string) error {
			return errors.Join(copyFile(dir, "ca-next.pem", "ca.pem"), copyFile(dir, "ca-next-key.pem", "ca-key.pem"), os.Remove(filepath.Join(dir, "ca-next.pem")))
		},
		"just made, without its file": func(dir string) error { return os.Remove(filepath.Join(dir, "ca-next.pem")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "home")
			c := &clock{time.Now()}
			end := root(t, c.open(t, dir)).NotAfter
			c.now = end.Add(-59 * day)
			want := c.open(t, dir).Trusted()
			if err := cut(dir); err != nil {
				t.Fatal(err)
			}
			c.now = end.Add(time.Hour)
			if got := c.open(t, dir).PEM(); !bytes.HasSuffix(want, got) {
				t.Error("another root")
			}
			roots, err := ca.Roots(dir)
			if err != nil || len(roots) != 1 || !bytes.HasSuffix(want, roots[0].PEM) {
				t.Errorf("%d roots, %v", len(roots), err)
			}
		})
	}
}

// A next root that cannot be used is moved away by the command of its hint, and the one that clients have stays.
func TestL8HintLeavesTheOther(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	c := &clock{time.Now()}
	want := c.open(t, dir).PEM()
	if err := copyFile(dir, "ca.pem", "ca-next.pem"); err != nil { // a certificate whose key is not there
		t.Fatal(err)
	}
	_, err := ca.Open(dir, c.config())
	var corrupt *ca.CorruptError
	if !errors.As(err, &corrupt) {
		t.Fatal(err)
	}
	_, command, _ := strings.Cut(corrupt.Hint(), "is made: ")
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v, %s", command, err, out)
	}
	if got := c.open(t, dir).PEM(); !bytes.Equal(got, want) {
		t.Error("another root")
	}
}

func copyFile(dir, from, to string) error {
	data, err := os.ReadFile(filepath.Join(dir, from))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, to), data, 0o600)
}

// Many that look at once make one next root.
func TestL8OneNext(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	c := &clock{time.Now().Add(-680 * day)}
	c.open(t, dir)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "CA_TEST_OPEN="+dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v %s", err, out)
			}
		})
	}
	all.Wait()
	a := open(t, dir)
	roots, err := ca.Roots(dir)
	if err != nil || len(roots) != 2 || !bytes.Equal(a.Trusted(), append(bytes.Clone(roots[0].PEM), roots[1].PEM...)) {
		t.Fatalf("%d roots, %v", len(roots), err)
	}
	if now := time.Now(); !roots[0].Until.Equal(roots[1].From) || roots[1].From.Sub(now) < 19*day || roots[1].From.Sub(now) > 31*day {
		t.Errorf("%+v", roots)
	}
}
