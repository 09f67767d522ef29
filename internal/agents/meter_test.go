package agents

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

func TestRate(t *testing.T) {
	m := Meter{Dir: filepath.Join(t.TempDir(), "agents")}
	spend := func(rate int, at time.Time) time.Duration {
		t.Helper()
		wait, err := m.Spend("bot", rate, at)
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	for i := range 3 {
		if wait := spend(3, now.Add(time.Duration(i)*time.Second)); wait != 0 {
			t.Errorf("%d: wait %v", i, wait)
		}
	}
	if wait := spend(3, now.Add(10*time.Second)); wait != 50*time.Second {
		t.Errorf("the fourth waits %v", wait)
	}
	if wait := spend(3, now.Add(time.Minute)); wait != 0 {
		t.Errorf("a minute later the fourth waits %v", wait)
	}
	if wait := spend(3, now.Add(time.Minute)); wait != time.Second {
		t.Errorf("the fifth waits %v", wait)
	}
	if wait := spend(1, now.Add(time.Minute)); wait != 0 {
		t.Errorf("another rate waits %v", wait)
	}
	for range 5 {
		if wait := spend(0, now); wait != 0 {
			t.Errorf("no rate waits %v", wait)
		}
	}
}

// All processes count together; each takes the lock anew as another would.
func TestRateIsOneForAll(t *testing.T) {
	m := Meter{Dir: filepath.Join(t.TempDir(), "agents")}
	var passed atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if wait, err := m.Spend("bot", 200, now); err == nil && wait == 0 {
					passed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n := passed.Load(); n != 200 {
		t.Errorf("%d passed of a rate of 200", n)
	}
}

// Who counts waits for whoever does.
func TestRateWaitsForItsLock(t *testing.T) {
	m := Meter{Dir: filepath.Join(t.TempDir(), "agents")}
	if _, err := m.Spend("bot", 1, now); err != nil {
		t.Fatal(err)
	}
	unlock, err := atomicfile.Lock(filepath.Join(m.Dir, "bot.rate-1.lock"))
	if err != nil {
		t.Fatal(err)
	}
	counted := make(chan error, 1)
	go func() {
		_, err := m.Spend("bot", 1, now)
		counted <- err
	}()
	select {
	case <-counted:
		t.Error("counted while another did")
		unlock()
	case <-time.After(500 * time.Millisecond):
		unlock()
		if err := <-counted; err != nil {
			t.Error(err)
		}
	}
}

func TestUsed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agents", "used.json")
	note := func(id string, at time.Time) string {
		u := OpenUsed(path, func(err error) { t.Error(err) })
		u.Note(id, at)
		u.Wait()
		all, err := u.All()
		if err != nil {
			t.Fatal(err)
		}
		return all[id].Format(time.TimeOnly)
	}
	for _, c := range []struct {
		id    string
		after time.Duration
		want  string
	}{
		{"tok_1", 0, "03:04:05"}, {"tok_1", 30 * time.Second, "03:04:05"}, {"tok_2", 30 * time.Second, "03:04:35"}, {"tok_1", time.Minute, "03:05:05"},
		{"tok_1", 0, "03:05:05"},
	} {
		if got := note(c.id, now.Add(c.after)); got != c.want {
			t.Errorf("%s after %v: %s, want %s", c.id, c.after, got, c.want)
		}
	}
}

// A thousand uses in a minute are one write.
func TestUsedIsSeldomWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agents", "used.json")
	u := OpenUsed(path, func(err error) { t.Error(err) })
	u.Note("tok_1", now)
	u.Wait()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		u.Note("tok_1", now.Add(time.Duration(i)*10*time.Millisecond))
	}
	u.Wait()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("written again: %v", err)
	}
}

func TestUsedIsNotOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "agents", "used.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"{", `{"version":2,"used":{}}`, "null", ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		warned := ""
		u := OpenUsed(path, func(err error) { warned = err.Error() })
		u.Note("tok_1", now)
		u.Wait()
		if b, err := os.ReadFile(path); err != nil || string(b) != text || !strings.Contains(warned, "cannot be told") {
			t.Errorf("%q: %q, %v, warned %q", text, b, err, warned)
		}
	}
}
