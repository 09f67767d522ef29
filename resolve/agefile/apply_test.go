package agefile

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// copied is how many secrets the tests here copy at once.
const copied = 6

func copiedName(i int) string { return fmt.Sprint("KEY_", i) }

// copyAndClean deletes all of staging and copies all of production there, of which it replaces the last one, again and
// again. Each time the values in production are new.
func copyAndClean(s *Store, from, count int) error {
	ctx, x := context.Background(), indexOf(s)
	for n := from; n < from+count; n++ {
		var items []resolve.Item
		for i := range copied {
			items = append(items, resolve.Item{Name: copiedName(i), Value: resolve.New([]byte(countedText(n)))})
		}
		err := errors.Join(
			x.Apply(ctx, s, "p1", func(names map[string][]string) ([]resolve.Step, error) {
				return allTo("staging", "", names["staging"]), nil
			}),
			x.SetAll(ctx, s, "p1", "production", items),
			x.SetAll(ctx, s, "p1", "staging", items[copied-1:]),
			x.Apply(ctx, s, "p1", func(names map[string][]string) ([]resolve.Step, error) {
				return allTo("staging", "production", names["production"]), nil
			}),
		)
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
	return nil
}

func allTo(environment, from string, names []string) []resolve.Step {
	var steps []resolve.Step
	for _, name := range names {
		steps = append(steps, resolve.Step{Name: name, Environment: environment, From: from})
	}
	return steps
}

// Whenever the copier is killed, the next command finds all of a copy or nothing of it, and all or nothing deleted.
func TestA5KilledCopiers(t *testing.T) {
	rounds := 25
	if long() {
		rounds = 1000
	}
	dir := filepath.Join(t.TempDir(), "home")
	finished, next := 0, 0
	for range rounds {
		cmd, out := startChild(t, "copy", next, 1_000_000, dir)
		if line, err := out.ReadString('\n'); line != "begin\n" {
			t.Fatalf("the child said %q, %v", line, err)
		}
		time.Sleep(time.Duration(rand.Int64N(int64(100 * time.Millisecond))))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		next++
		s, err := Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		x := indexOf(s)
		if unsettled, err := x.Unsettled(); err != nil {
			t.Fatal(err)
		} else if unsettled {
			finished++
		}
		if err := x.Reconcile(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		wholeOrNot(t, s, x)
		if t.Failed() {
			return
		}
	}
	t.Logf("of %d that were killed, %d left something to finish", rounds, finished)
	if finished == 0 {
		t.Error("none was killed in the middle: this shows nothing")
	}
}

func wholeOrNot(t *testing.T, s *Store, x *resolve.Index) {
	t.Helper()
	all, _, err := s.load()
	if err != nil {
		t.Fatal(err)
	}
	names, err := x.Project("p1")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(names["staging"]) + len(names["production"]); n != len(all) {
		t.Errorf("%d names, %d values", n, len(all))
	}
	switch len(names["staging"]) {
	case 0:
	case 1:
		if names["staging"][0] != copiedName(copied-1) {
			t.Errorf("staging holds a part of the copy: %q", names["staging"])
		}
	case copied:
		if !slices.Equal(names["staging"], names["production"]) {
			t.Errorf("staging holds %q, production %q", names["staging"], names["production"])
		}
		for _, name := range names["staging"] {
			at := func(environment string) string {
				return string(all[resolve.Ref{Project: "p1", Environment: environment, Name: name}.String()].Reveal())
			}
			if at("staging") != at("production") {
				t.Errorf("%s is not the same", name)
			}
		}
	default:
		t.Errorf("staging holds a part of the copy: %q", names["staging"])
	}
}
