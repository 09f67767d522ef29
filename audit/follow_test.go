package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// following runs follow in the background. ids gives each exchange as it comes.
func following(t *testing.T, dir string, f Filter, blind bool) (ids <-chan string, stop func() (bad int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var notify *fsnotify.Watcher
	if !blind {
		var err error
		if notify, err = fsnotify.NewWatcher(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { notify.Close() })
	}
	found, begun, done := make(chan string, 10_000), make(chan struct{}), make(chan error, 1)
	first, lines := true, 0
	go func() {
		done <- follow(ctx, dir, f, notify, func(events []Event, bad *BadLinesError) error {
			for _, e := range events {
				found <- e.ID
			}
			if bad != nil {
				lines += bad.Lines
			}
			if first {
				first = false
				close(begun)
			}
			return nil
		})
	}()
	select {
	case <-begun:
	case err := <-done:
		t.Fatal("it ended at once: ", err)
	}
	return found, func() int {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		return lines
	}
}

// expect waits for these exchanges, in any order, and no other.
func expect(t *testing.T, ids <-chan string, want ...string) {
	t.Helper()
	slices.Sort(want)
	var got []string
	for late := time.After(20 * time.Second); len(got) < len(want); {
		select {
		case id := <-ids:
			got = append(got, id)
		case <-late:
			slices.Sort(got)
			t.Fatalf("%d of %d came: %q", len(got), len(want), got)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("came %q, want %q", got, want)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func lineOf(t *testing.T, id, event string) string {
	t.Helper()
	return string(mustMarshal(t, Event{ID: id, Event: event, Timestamp: time.Now(), Status: OK, SecretKeys: []string{"A"}, Environment: "dev"})) + "\n"
}

func TestFollow(t *testing.T) {
	for _, blind := range []bool{false, true} {
		t.Run(fmt.Sprintf("blind %v", blind), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "audit")
			ids, stop := following(t, dir, Filter{Last: 2, Secret: "A"}, blind) // the directory comes later
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			one, two := filepath.Join(dir, "1.jsonl"), filepath.Join(dir, "2.jsonl")
			appendTo(t, one, lineOf(t, "a", Decided)+lineOf(t, "a", Done))
			expect(t, ids, "a")
			appendTo(t, two, lineOf(t, "b", Decided)+lineOf(t, "b", Done)) // a log that appears
			appendTo(t, one, lineOf(t, "c", Decided))                      // not ended
			expect(t, ids, "b")
			whole := lineOf(t, "d", Done)
			appendTo(t, one, whole[:20]) // torn, for now
			appendTo(t, two, strings.ReplaceAll(lineOf(t, "e", Done), `"A"`, `"B"`)+lineOf(t, "f", Done))
			expect(t, ids, "f")
			appendTo(t, one, whole[20:]+lineOf(t, "c", Done))
			expect(t, ids, "c", "d")

			// Set aside, with what nobody has read yet, and begun anew.
			appendTo(t, one, lineOf(t, "g", Done))
			if err := os.Rename(one, filepath.Join(dir, "1-aside.jsonl")); err != nil {
				t.Fatal(err)
			}
			appendTo(t, one, lineOf(t, "h", Done))
			expect(t, ids, "g", "h")
			// Removed, and another file in its place.
			if err := os.Remove(two); err != nil {
				t.Fatal(err)
			}
			appendTo(t, two, "no event\n"+lineOf(t, "i", Done))
			expect(t, ids, "i")
			if bad := stop(); bad != 1 {
				t.Errorf("%d bad lines", bad)
			}
		})
	}
}

// What was there is told once, and each exchange once, while a log is written
// and set aside.
func TestFollowALiveLog(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l, err := newLog(filepath.Join(dir, "live.jsonl"), config(dir, time.Now))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.file.limit = 20_000
	var want []string
	write := func(id string) {
		for _, event := range []string{Decided, Done} {
			if err := l.Write(Event{ID: id, Event: event, Status: OK}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 30 {
		write(fmt.Sprint("old-", i))
	}
	ids, stop := following(t, dir, Filter{Last: 3}, false)
	expect(t, ids, "old-27", "old-28", "old-29")
	for i := range 120 {
		want = append(want, fmt.Sprint("new-", i))
		write(want[i])
	}
	expect(t, ids, want...)
	aside, err := filepath.Glob(filepath.Join(dir, "live.*.jsonl"))
	if err != nil || len(aside) < 2 {
		t.Errorf("set aside were %q, %v: this shows nothing", aside, err)
	}
	stop()
	if len(ids) > 0 {
		t.Errorf("%d came twice", len(ids))
	}
}

func TestFollowEnds(t *testing.T) {
	full := errors.New("the pipe is gone")
	err := Follow(t.Context(), t.TempDir(), Filter{}, func([]Event, *BadLinesError) error { return full })
	if !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Follow(ctx, t.TempDir(), Filter{}, func([]Event, *BadLinesError) error { return nil }); err != nil {
		t.Errorf("%v", err)
	}
}

// Of gigabytes only the end is read.
func TestReadsTheEndOnly(t *testing.T) {
	dir := t.TempDir()
	for i := range 40 { // and each of many small ones once
		appendTo(t, filepath.Join(dir, fmt.Sprintf("small-%d.jsonl", i)), lineOf(t, fmt.Sprint("s", i), Done))
	}
	path := filepath.Join(dir, "large.jsonl")
	appendTo(t, path, lineOf(t, "first", Done))
	if err := os.Truncate(path, 8<<30); err != nil { // a hole: a line of eight gigabytes, to whom reads it
		t.Fatal(err)
	}
	appendTo(t, path, "\n")
	for i := range 60 {
		id := fmt.Sprint("x", i)
		appendTo(t, path, lineOf(t, id, Decided)+lineOf(t, id, Done))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	events, err := Read(dir, Filter{Last: 50})
	runtime.ReadMemStats(&after)
	if err != nil || len(events) != 50 || events[49].ID != "x59" || events[0].ID != "x10" {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 8<<20 {
		t.Errorf("it took %d MiB of memory", took>>20)
	}
}

// Lines longer than any chunk, across chunks, in files of every length.
func TestTailReadsWhatIsThere(t *testing.T) {
	for _, lengths := range [][]int{{}, {0}, {1, 0, 2}, {firstChunk - 1}, {firstChunk}, {5 * firstChunk, 3, 0, firstChunk, 70}, {1, 100_000, 2, 100_000, 3}} {
		for _, torn := range []int{0, 1, firstChunk, 3 * firstChunk} {
			var want []string
			var text strings.Builder
			for i, n := range lengths {
				want = append(want, strings.Repeat(string(rune('a'+i)), n)+"\n")
				text.WriteString(want[i])
			}
			end := int64(text.Len())
			text.WriteString(strings.Repeat("t", torn))
			path := filepath.Join(t.TempDir(), "x.jsonl")
			appendTo(t, path, text.String())
			tl, err := openTail(path)
			if err != nil {
				t.Fatal(err)
			}
			if tl.end != end {
				t.Errorf("%v and %d torn: it ends at %d, want %d", lengths, torn, tl.end, end)
			}
			var got []string
			for {
				line, err := tl.line()
				if err != nil {
					t.Fatal(err)
				}
				if line == nil {
					break
				}
				got = append(got, string(line))
			}
			slices.Reverse(got)
			if !slices.Equal(got, want) || tl.file != nil {
				t.Errorf("%v and %d torn: %d lines, open %v", lengths, torn, len(got), tl.file != nil)
			}
		}
	}
}

// A log is set aside between the look at the names and the look at the files: under its new name it is no new one.
func TestFollowAFileThatLosesItsName(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, nil)
	for _, id := range []string{"1", "2", "3"} {
		write(t, l, Event{ID: id, Event: Done})
	}
	all, err := openTails(dir)
	if err != nil {
		t.Fatal(err)
	}
	w := watch{dir: dir, marks: marksOf(all)}
	if err := l.file.setAside(); err != nil {
		t.Fatal(err)
	}
	write(t, l, Event{ID: "4", Event: Done})
	var bad BadLinesError
	name := filepath.Base(l.Path())
	m, events, err := w.readLog(name, &bad) // all that the names led to
	if err != nil || len(events) != 1 {
		t.Fatalf("%v, %v", events, err)
	}
	w.marks = w.carried(map[string]*mark{name: m})
	write(t, l, Event{ID: "5", Event: Done})
	events, err = w.read(Filter{}, &bad)
	if err != nil || len(events) != 1 || events[0].ID != "5" {
		t.Errorf("%d events, %v; want the one that is new", len(events), err)
	}
	for range 10 {
		if _, err := w.read(Filter{}, &bad); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.marks) != 2 {
		t.Errorf("%d marks of two files", len(w.marks))
	}
}
