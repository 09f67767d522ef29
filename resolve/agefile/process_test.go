package agefile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// The tests here need processes: to be killed, and to write at the same time. The test binary is that process when
// childEnv is set. They do little by default, so that `go test` stays quick, and what threats A5 and A6 ask for
// (2,000 kills; 32 processes with 100 changes each, some minutes) when longEnv is 1.
const (
	childEnv = "AGEFILE_TEST_CHILD" // what to do and its arguments, separated by spaces; the directory is the last
	longEnv  = "AGENTSECRETS_LONG"
)

func TestMain(m *testing.M) {
	if task := os.Getenv(childEnv); task != "" {
		if err := child(strings.SplitN(task, " ", 4)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func long() bool { return os.Getenv(longEnv) == "1" }

func child(task []string) error {
	first, err := strconv.Atoi(task[1])
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(task[2])
	if err != nil {
		return err
	}
	fmt.Println("begin")
	if task[0] == "rewrap" {
		return rewrapUp(task[3], first, count)
	}
	s, err := Create(task[3])
	if err != nil {
		return err
	}
	switch task[0] {
	case "count":
		return countUp(s, first, count)
	case "copy":
		return copyAndClean(s, first, count)
	}
	return writeMany(s, first, count)
}

const countedNames = 8

func countedName(n int) string { return fmt.Sprint("KEY_", n%countedNames) }

// countedText is longer than a page at times, so that a write has a middle.
func countedText(n int) string { return fmt.Sprint(n, " ") + strings.Repeat("x", n*977%9000) }

func indexOf(s *Store) *resolve.Index { return resolve.OpenIndex(s.path("names.json")) }

// countUp sets names in turn to higher and higher numbers, and says each when it is acknowledged.
func countUp(s *Store, from, count int) error {
	for n := from; n < from+count; n++ {
		if err := indexOf(s).Set(context.Background(), s, ref(countedName(n)), resolve.New([]byte(countedText(n)))); err != nil {
			return err
		}
		fmt.Println(n)
	}
	return nil
}

// writeMany is several of many writers.
func writeMany(s *Store, writer, count int) error {
	threads := 4
	if long() {
		threads = 1
	}
	failed := make([]error, threads)
	var all sync.WaitGroup
	for thread := range threads {
		all.Go(func() {
			for i := thread; i < count && failed[thread] == nil; i += threads {
				r := ref(fmt.Sprintf("W%d_%d", writer, i))
				failed[thread] = setPatiently(s, r)
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// setPatiently tries again when it was told to: a slow disk makes a long queue.
func setPatiently(s *Store, r resolve.Ref) error {
	for {
		err := indexOf(s).Set(context.Background(), s, r, resolve.New([]byte(r.Name)))
		if locked := (*atomicfile.LockedError)(nil); !errors.As(err, &locked) {
			return err
		}
	}
}

func startChild(t *testing.T, task string, first, count int, dir string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	// Under -race a process sleeps a second before it exits, unless told otherwise.
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0", fmt.Sprintf("%s=%s %d %d %s", childEnv, task, first, count, dir))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(out)
}

// Each child is killed at a random point, and the next goes on where it was. Of what it acknowledged nothing is lost,
// and what it was at is done or not done.
func TestA5KilledWriters(t *testing.T) {
	rounds := 30
	if long() {
		rounds = 2000
	}
	dir := filepath.Join(t.TempDir(), "home")
	held := make(map[string]int) // name to the number that it must have at least
	next, inTheMiddle := 0, 0
	life := 60 * time.Millisecond // at most; it follows how fast this machine is now, so that many die in the middle
	for range rounds {
		acknowledged := killedAfter(t, dir, next, time.Duration(rand.Int64N(int64(life))))
		if life = life * 9 / 10; acknowledged < next {
			life = life * 7 / 5
		}
		for n := next; n <= acknowledged; n++ {
			held[countedName(n)] = n
		}
		next = max(next, acknowledged+1)
		if stored := settled(t, dir, held, next); stored >= next {
			inTheMiddle++
			held[countedName(stored)] = stored
			next = stored + 1
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d changes in %d lives; %d were stored and not yet acknowledged", next, rounds, inTheMiddle)
	if next < rounds/4 {
		t.Errorf("only %d changes in %d lives: the children die too young to show anything", next, rounds)
	}
}

// killedAfter returns the last number that the child acknowledged, from-1 for none.
func killedAfter(t *testing.T, dir string, from int, life time.Duration) int {
	t.Helper()
	cmd, out := startChild(t, "count", from, 1_000_000, dir)
	if line, err := out.ReadString('\n'); line != "begin\n" {
		t.Fatalf("the child said %q, %v", line, err)
	}
	time.Sleep(life)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	lines := strings.Split(string(said), "\n") // the last one is empty or cut
	if len(lines) < 2 {
		return from - 1
	}
	last, err := strconv.Atoi(lines[len(lines)-2])
	if err != nil {
		t.Fatalf("the child said %q: %v", said, err)
	}
	return last
}

// settled opens what a killed child left, and compares it with what it must be. It returns the number that is stored
// beyond the acknowledged ones, if there is one: next, and no other.
func settled(t *testing.T, dir string, held map[string]int, next int) (beyond int) {
	t.Helper()
	beyond = -1
	s, err := Create(dir) // the child may have been killed before it had made one
	if err != nil {
		t.Fatal(err)
	}
	if err := indexOf(s).Reconcile(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	checkBackup(t, s)
	entries, err := indexOf(s).Names("p1", "production")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for _, e := range entries {
		if listed[e.Name] = true; e.Pending {
			t.Errorf("%s is pending", e.Name)
		}
	}
	for i := range countedNames {
		name := countedName(i)
		v, err := s.Resolve(t.Context(), ref(name))
		if listed[name] != (err == nil) {
			t.Errorf("%s: listed %v, stored: %v", name, listed[name], err)
		}
		n := -1
		if err == nil {
			if _, err := fmt.Sscan(string(v.Reveal()), &n); err != nil || string(v.Reveal()) != countedText(n) {
				t.Errorf("%s holds a value that nobody set (%d bytes)", name, len(v.Reveal()))
			}
		}
		must, was := held[name]
		switch {
		case was && n == must, !was && n < 0:
		case n == next && countedName(next) == name:
			beyond = n
		default:
			t.Errorf("%s holds %d, acknowledged was %d, next would be %d", name, n, must, next)
		}
	}
	return beyond
}

func checkBackup(t *testing.T, s *Store) {
	t.Helper()
	sealed, err := os.ReadFile(s.path(backupName))
	if err != nil {
		return // nothing has been changed yet
	}
	identity, err := s.identity()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unseal(s.path(backupName), sealed, identity); err != nil {
		t.Errorf("the backup: %v", err)
	}
}

func TestA6ManyProcessesLoseNothing(t *testing.T) {
	processes, each := 8, 8 // of four threads: 32 writers at a time
	if long() {
		processes, each = 32, 100
	}
	dir := filepath.Join(t.TempDir(), "home")
	var all sync.WaitGroup
	for p := range processes {
		cmd, out := startChild(t, "write", p, each, dir)
		all.Go(func() {
			_, _ = io.Copy(io.Discard, out)
			if err := cmd.Wait(); err != nil {
				t.Errorf("writer %d: %v", p, err)
			}
		})
	}
	all.Wait()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := indexOf(s).Names("p1", "production")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != processes*each {
		t.Errorf("%d names, want %d", len(entries), processes*each)
	}
	stored, _, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	if len(stored) != processes*each {
		t.Errorf("%d values, want %d", len(stored), processes*each)
	}
	for _, e := range entries {
		if got := string(stored[ref(e.Name).String()].Reveal()); e.Pending || got != e.Name {
			t.Errorf("%s: pending %v, holds %q", e.Name, e.Pending, got)
		}
	}
}

// Another process's change is seen through a Resolver at once, whatever it had in its cache.
func TestResolverSeesTheChangesOfOthers(t *testing.T) {
	s := create(t)
	set(t, s, "KEY", "one")
	r, err := resolve.NewResolver(resolve.Config{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := r.Resolve(t.Context(), ref("KEY_3")); !errors.Is(err, resolve.ErrNotFound) {
		t.Fatal(v, err)
	}
	cmd, out := startChild(t, "count", 3, 1, s.dir)
	_, _ = io.Copy(io.Discard, out)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if v, err := r.Resolve(t.Context(), ref("KEY_3")); err != nil || string(v.Reveal()) != countedText(3) {
		t.Errorf("%q, %v", v.Reveal(), err)
	}
}
