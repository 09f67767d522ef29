package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// runs leaves n logs of ended runs, the first of them the oldest, an hour apart.
func runs(t *testing.T, dir string, n int, last time.Time) (paths []string) {
	t.Helper()
	for i := range n {
		at := last.Add(time.Duration(i+1-n) * time.Hour)
		l := open(t, dir, func() time.Time { return at })
		l.file.limit = 2 << 10 // some are of several files
		for range 5 {
			write(t, l, Event{ID: fmt.Sprint(i)})
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{l.Path(), headPath(l.Path())} {
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
		paths = append(paths, l.Path())
	}
	return paths
}

func TestPrune(t *testing.T) {
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for name, test := range map[string]struct {
		age        time.Duration
		logs, left int
	}{
		"by age":       {150 * time.Minute, 100, 3},
		"by number":    {100 * time.Hour, 2, 2},
		"nothing":      {100 * time.Hour, 100, 6},
		"all":          {0, 0, 0},
		"just all":     {100 * time.Hour, 6, 6},
		"age and some": {210 * time.Minute, 3, 3},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			paths := runs(t, dir, 6, now)
			shared, err := OpenShared(config(dir, func() time.Time { return now.AddDate(-9, 0, 0) }))
			if err != nil {
				t.Fatal(err)
			}
			write(t, shared, Event{ID: "call"})
			running := open(t, dir, func() time.Time { return now.AddDate(-9, 0, 0) })
			write(t, running, Event{ID: "running"})
			if err := os.Chtimes(headPath(running.Path()), time.Unix(0, 0), time.Unix(0, 0)); err != nil {
				t.Fatal(err)
			}
			p := Pruning{Dir: dir, Key: testKey, Age: test.age, Logs: test.logs, Now: func() time.Time { return now.Add(time.Second) }, Record: shared.Write}
			n, err := Prune(p)
			if err != nil || n != 6-test.left {
				t.Fatalf("%d pruned, %v", n, err)
			}
			for i, path := range paths {
				if left := len(numbers(path)) > 0 || exists(path) || exists(headPath(path)); left != (i >= n) {
					t.Errorf("log %d is there: %v", i, left)
				}
			}
			events, err := Read(dir, Filter{})
			record := 0
			for _, e := range events {
				if e.Method == "PRUNE" {
					record++
				}
			}
			if err != nil || record != min(1, n) || len(events) != test.left+2+record {
				t.Errorf("%d events, %d records, %v", len(events), record, err)
			}
			for _, c := range verify(t, dir) {
				if c.State != Whole {
					t.Errorf("%+v", c)
				}
			}
		})
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestPruneRecordsFirst(t *testing.T) {
	dir := t.TempDir()
	paths := runs(t, dir, 2, time.Now())
	full := errors.New("disk full")
	n, err := Prune(Pruning{Dir: dir, Key: testKey, Now: time.Now, Record: func(Event) error { return full }})
	if n != 0 || !errors.Is(err, full) || !exists(paths[0]) || !exists(paths[1]) {
		t.Errorf("%d pruned without a record, %v", n, err)
	}
}

// A prune that was cut short leaves nothing that verify calls bad.
func TestPruneCutShort(t *testing.T) {
	dir := t.TempDir()
	path := runs(t, dir, 1, time.Now())[0]
	k := newKeys(testKey)
	h, err := k.readHead(path)
	if err != nil {
		t.Fatal(err)
	}
	h.Pruned = true
	f, err := k.openHead(path, h)
	if err != nil || k.writeHead(f, path, h) != nil {
		t.Fatal(err)
	}
	f.Close()
	if err := os.Remove(numbered(path, 1)); err != nil {
		t.Fatal(err)
	}
	if list := verify(t, dir); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

// Logs of earlier versions have no head; they go unless their process lives.
func TestPruneOldVersions(t *testing.T) {
	dir := t.TempDir()
	ours := fmt.Sprintf("20250102T030405.000000Z-%d.jsonl", os.Getpid())
	put(t, dir, ours, "1:a:done:OK:A:dev", "")
	put(t, dir, "20250102T030405.000000Z-999999999.jsonl", "1:b:done:OK:A:dev", "")
	put(t, dir, "20250102T030405.000000Z-999999999-2025-01-02T03-04-05.000.jsonl", "1:c:done:OK:A:dev", "")
	n, err := Prune(Pruning{Dir: dir, Key: testKey, Now: time.Now, Record: func(Event) error { return nil }})
	if left := mustGlob(t, dir, "*"); n != 1 || err != nil || len(left) != 1 || filepath.Base(left[0]) != ours {
		t.Errorf("%d pruned, %v, left %v", n, err, left)
	}
}
