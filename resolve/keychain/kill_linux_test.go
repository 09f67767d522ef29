package keychain

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/internal/secretservice"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// What threats A5 and A6 ask for, against the real keyring: `make kill` does all of it, `go test` a part.
const longEnv = "AGENTSECRETS_LONG"

func long() bool { return os.Getenv(longEnv) == "1" }

const countedNames = 4

func countedName(n int) string { return fmt.Sprint("KEY_", n%countedNames) }

func countedText(n int) string { return fmt.Sprint(n, " ") + strings.Repeat("x", n*977%9000) }

// playCounter sets names in turn to higher and higher numbers, and says each when it is acknowledged.
func playCounter(dir, from string, helper []string) error {
	n, err := strconv.Atoi(from)
	if err != nil {
		return err
	}
	s, err := Open(Config{Helper: helper, Dir: dir, Patient: true})
	if err != nil {
		return err
	}
	fmt.Println("begin")
	for ; ; n++ {
		v := resolve.New([]byte(countedText(n)))
		if err := indexIn(dir).Set(context.Background(), s, ref(countedName(n)), v); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// playWriter is one of many.
func playWriter(dir, writer, each string, helper []string) error {
	count, err := strconv.Atoi(each)
	if err != nil {
		return err
	}
	s, err := Open(Config{Helper: helper, Dir: dir, Patient: true})
	if err != nil {
		return err
	}
	for i := range count {
		name := fmt.Sprintf("W%s_%d", writer, i)
		err := setPatiently(dir, s, name)
		if err != nil {
			return err
		}
	}
	return nil
}

// setPatiently tries again when it was told to: a slow machine makes a long queue.
func setPatiently(dir string, s *Store, name string) error {
	for {
		err := indexIn(dir).Set(context.Background(), s, ref(name), resolve.New([]byte(name)))
		if locked := (*atomicfile.LockedError)(nil); !errors.As(err, &locked) {
			return err
		}
	}
}

// Each process is killed at a random point, its helper sometimes too, and the next goes on where it was. Of what it
// acknowledged nothing is lost, what it was at is done or not done, and the index says which.
func TestA5KilledSetters(t *testing.T) {
	t.Parallel()
	rounds := 25
	if long() {
		rounds = 2000
	}
	dir, line := t.TempDir(), helper(newSession(t, secretservice.Unlocked), "helper")
	s := open(t, Config{Helper: line, Dir: dir})
	held := map[string]int{}
	next, inTheMiddle := 0, 0
	for round := range rounds {
		acknowledged := killedAfter(t, dir, line, next, time.Duration(rand.Int64N(int64(120*time.Millisecond))))
		for n := next; n <= acknowledged; n++ {
			held[countedName(n)] = n
		}
		touched := next - 1
		next = max(next, acknowledged+1)
		if round%50 == 0 || round == rounds-1 {
			touched = next - countedNames // and all others
		}
		if settled(t, dir, s, held, touched, next) {
			inTheMiddle++
			held[countedName(next)] = next
			next++
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d changes in %d lives; %d were stored and not yet acknowledged", next, rounds, inTheMiddle)
	if next == 0 {
		t.Error("the processes die too young to show anything")
	}
}

// killedAfter returns the last number that was acknowledged, from-1 for none.
func killedAfter(t *testing.T, dir string, line []string, from int, life time.Duration) int {
	t.Helper()
	cmd := selfCommand("counter", append([]string{dir, strconv.Itoa(from)}, line...)...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	if line, err := out.ReadString('\n'); line != "begin\n" {
		t.Fatalf("said %q, %v", line, err)
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
		t.Fatalf("said %q: %v", said, err)
	}
	return last
}

// settled reconciles what is left and compares it with what it must be. It reports whether next is stored, beyond what
// was acknowledged. Only the names of the numbers from touched on are looked at: each look is a process.
func settled(t *testing.T, dir string, s *Store, held map[string]int, touched, next int) (beyond bool) {
	t.Helper()
	if err := indexIn(dir).Reconcile(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	listed := " " + names(t, dir) + " "
	for i := max(touched, next-countedNames+1, 0); i <= next; i++ {
		name := countedName(i)
		v, err := s.Resolve(t.Context(), ref(name))
		if err != nil && !errors.Is(err, resolve.ErrNotFound) {
			t.Fatal(err)
		}
		if strings.Contains(listed, " "+name+" ") != (err == nil) {
			t.Errorf("%s: lists %q, stored: %v", name, listed, err)
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
			beyond = true
		default:
			t.Errorf("%s holds %d, acknowledged was %d, next would be %d", name, n, must, next)
		}
	}
	return beyond
}

func TestA6ManyWritersLoseNothing(t *testing.T) {
	t.Parallel()
	processes, each := 8, 4
	if long() {
		processes, each = 32, 100
	}
	dir, line := t.TempDir(), helper(newSession(t, secretservice.Unlocked), "helper")
	var all sync.WaitGroup
	for p := range processes {
		writer := startSelf(t, "writer", append([]string{dir, strconv.Itoa(p), strconv.Itoa(each)}, line...)...)
		all.Go(func() {
			if err := writer.Wait(); err != nil {
				t.Errorf("writer %d: %v", p, err)
			}
		})
	}
	all.Wait()
	s := open(t, Config{Helper: line, Dir: dir})
	entries, err := indexIn(dir).Names("p1", "production")
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != processes*each {
		t.Errorf("%d names, want %d", len(entries), processes*each)
	}
	for _, e := range entries {
		if v, err := s.Resolve(t.Context(), ref(e.Name)); e.Pending || err != nil || string(v.Reveal()) != e.Name {
			t.Errorf("%s: pending %v, %v", e.Name, e.Pending, err)
		}
	}
	t.Logf("%d of %d", len(entries), processes*each)
}
