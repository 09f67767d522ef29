package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// chained leaves a log of n lines in dir, closed, and returns its path.
func chained(t *testing.T, dir string, n int) string {
	t.Helper()
	l := open(t, dir, nil)
	for i := range n {
		write(t, l, Event{ID: fmt.Sprint(i), Event: Done, Status: OK})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Path()
}

func verify(t *testing.T, dir string) []Checked {
	t.Helper()
	list, err := Verify(dir, testKey)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// whole fails unless all files in dir are, and they hold so many lines.
func whole(t *testing.T, dir string, lines int) {
	t.Helper()
	for _, c := range verify(t, dir) {
		if lines -= c.Lines; c.State != Whole {
			t.Errorf("%+v", c)
		}
	}
	if lines != 0 {
		t.Errorf("%d lines are missing", lines)
	}
}

func edit(t *testing.T, path string, change func(lines [][]byte) [][]byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := change(bytes.SplitAfter(b, []byte("\n")))
	if err := os.WriteFile(path, bytes.Join(lines, nil), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What can be done to a log of ten lines without the key, and which line tells.
func TestA2TamperingIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		line   int
		change func(lines [][]byte) [][]byte
	}{
		"edited":       {5, func(l [][]byte) [][]byte { l[4] = bytes.Replace(l[4], []byte(`"OK"`), []byte(`"NO"`), 1); return l }},
		"link edited":  {5, func(l [][]byte) [][]byte { l[4] = bytes.Replace(l[4], linkOf(l[4]), linkOf(l[3]), 1); return l }},
		"first edited": {1, func(l [][]byte) [][]byte { l[0] = bytes.Replace(l[0], []byte(`"OK"`), []byte(`"NO"`), 1); return l }},
		"last edited":  {10, func(l [][]byte) [][]byte { l[9] = bytes.Replace(l[9], []byte(`"OK"`), []byte(`"NO"`), 1); return l }},
		"taken out":    {5, func(l [][]byte) [][]byte { return slices.Delete(l, 4, 5) }},
		"first gone":   {1, func(l [][]byte) [][]byte { return l[1:] }},
		"last gone":    {10, func(l [][]byte) [][]byte { return l[:9] }},
		"half cut off": {6, func(l [][]byte) [][]byte { return l[:5] }},
		"last torn":    {10, func(l [][]byte) [][]byte { l[9] = l[9][:20]; return l }},
		"all gone":     {1, func(l [][]byte) [][]byte { return nil }},
		"swapped":      {5, func(l [][]byte) [][]byte { l[4], l[5] = l[5], l[4]; return l }},
		"repeated":     {6, func(l [][]byte) [][]byte { return slices.Insert(l, 5, l[4]) }},
		"put in":       {5, func(l [][]byte) [][]byte { return slices.Insert(l, 4, []byte("{\"id\":\"x\"}\n")) }},
		"added": {11, func(l [][]byte) [][]byte {
			return append(l[:10], bytes.Replace(l[9], []byte(`"9"`), []byte(`"10"`), 1))
		}},
		"chain off": {1, func(l [][]byte) [][]byte {
			for i := range l[:10] {
				l[i] = bytes.Replace(l[i], linkOf(l[i]), nil, 1)
			}
			return l
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := chained(t, dir, 10)
			whole(t, dir, 10)
			edit(t, path, test.change)
			list := verify(t, dir)
			if len(list) != 1 || list[0].State != Bad || list[0].Line != test.line || list[0].Reason == "" {
				t.Errorf("%+v, want line %d", list, test.line)
			}
			if one, err := VerifyFile(path, testKey); err != nil || one != list[0] {
				t.Errorf("alone: %+v, %v", one, err)
			}
		})
	}
}

func linkOf(line []byte) []byte {
	_, l, _ := split(line)
	b, _ := l.MarshalText()
	return b
}

func TestA2FilesThatAreGone(t *testing.T) {
	for name, test := range map[string]struct {
		remove func(path string) error
		state  string
	}{
		"the log":      {os.Remove, Bad},
		"its head":     {func(path string) error { return os.Remove(headPath(path)) }, Bad},
		"head edited":  {func(path string) error { return flip(headPath(path)) }, Bad},
		"head of zero": {func(path string) error { return os.Truncate(headPath(path), 0) }, Bad},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := chained(t, dir, 3)
			if err := test.remove(path); err != nil {
				t.Fatal(err)
			}
			if list := verify(t, dir); len(list) != 1 || list[0].State != test.state || list[0].Path != path {
				t.Errorf("%+v", list)
			}
		})
	}
}

// A head of another time, or of another log, says nothing about this one.
func TestA2HeadsAreBound(t *testing.T) {
	dir := t.TempDir()
	first := chained(t, dir, 3)
	second := chained(t, dir, 3)
	b, err := os.ReadFile(headPath(second))
	if err != nil || os.WriteFile(headPath(first), b, 0o600) != nil {
		t.Fatal(err)
	}
	if c, err := VerifyFile(first, testKey); err != nil || c.State != Bad {
		t.Errorf("%+v, %v", c, err)
	}
	if list, err := Verify(dir, []byte("another key")); err != nil || len(list) != 2 || list[0].State != Bad || list[1].State != Bad {
		t.Errorf("under another key: %+v, %v", list, err)
	}
	if list, err := Verify(dir, nil); err != nil || !strings.Contains(list[0].Reason, "the key is gone") {
		t.Errorf("without a key: %+v, %v", list, err)
	}
}

// A log that was given another name, with its head, is not the log of that name.
func TestA2RenamedLog(t *testing.T) {
	dir := t.TempDir()
	path := chained(t, dir, 3)
	other := filepath.Join(dir, sharedName)
	if err := errors.Join(os.Rename(path, other), os.Rename(headPath(path), headPath(other))); err != nil {
		t.Fatal(err)
	}
	if list := verify(t, dir); len(list) != 1 || list[0].State != Bad {
		t.Errorf("%+v", list)
	}
}

func flip(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	b[20] ^= 1
	return os.WriteFile(path, b, 0o600)
}

// Whoever goes on with a log whose end was cut off does not heal it.
func TestA2CutStaysToBeSeen(t *testing.T) {
	dir := t.TempDir()
	call := func(id string) *Log {
		l, err := OpenShared(config(dir, nil))
		if err != nil {
			t.Fatal(err)
		}
		write(t, l, Event{ID: id})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return l
	}
	var path string
	for i := range 5 {
		path = call(fmt.Sprint(i)).Path()
	}
	whole(t, dir, 5)
	edit(t, path, func(l [][]byte) [][]byte { return l[:3] })
	call("later")
	call("and later")
	list := verify(t, dir)
	if len(list) != 1 || list[0].State != Bad || list[0].Line != 4 || list[0].Lines != 5 {
		t.Errorf("%+v", list)
	}
}

func TestChainGoesOnWhenSetAside(t *testing.T) {
	for _, shared := range []bool{false, true} {
		dir := t.TempDir()
		l := open(t, dir, nil)
		if shared {
			l.file.path = filepath.Join(dir, sharedName)
			l.share()
		}
		l.file.limit, l.file.keep = 4<<10, 3
		for i := range 60 {
			write(t, l, Event{ID: fmt.Sprint(i), Domain: strings.Repeat("d", 300)})
		}
		list := verify(t, dir)
		if len(list) != 4 {
			t.Fatalf("%+v", list)
		}
		for _, c := range list {
			if c.State != Whole {
				t.Errorf("%+v", c)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		// A file from the middle, and the oldest, are missed.
		for i, at := range []int{1, 0} {
			if err := os.Remove(numbered(l.Path(), numbers(l.Path())[at])); err != nil {
				t.Fatal(err)
			}
			if n := len(slices.DeleteFunc(verify(t, dir), func(c Checked) bool { return !isBad(c) })); n != 2+i {
				t.Errorf("%d: %d bad files, want the missing ones and the next: %+v", i, n, verify(t, dir))
			}
		}
	}
}

// A process may die between the steps of setting a file aside, and of thinning.
func TestSettingAsideIsTakenUpAgain(t *testing.T) {
	dir := t.TempDir()
	l, err := OpenShared(config(dir, nil))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		write(t, l, Event{ID: fmt.Sprint(i)})
	}
	if err := os.Rename(l.Path(), numbered(l.Path(), 1)); err != nil {
		t.Fatal(err)
	}
	whole(t, dir, 3)
	write(t, l, Event{ID: "3"})
	whole(t, dir, 4)

	h := l.file.head
	h.Begin, h.First = mustLink(t, numbered(l.Path(), 1)), 2
	f, err := l.file.keys.openHead(l.Path(), h)
	if err != nil || l.file.keys.writeHead(f, l.Path(), h) != nil {
		t.Fatal(err)
	}
	f.Close()
	whole(t, dir, 1) // what the head says to be gone is no fault while it is there
	write(t, l, Event{ID: "4"})
	whole(t, dir, 2)
}

func mustLink(t *testing.T, path string) link {
	t.Helper()
	l, ok := lastLink(path)
	if !ok {
		t.Fatalf("%s has no last link", path)
	}
	return l
}

// Files of earlier versions are told as what they are, and not gone on with.
func TestFilesWithoutAChain(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "20250102T030405.000000Z-7.jsonl", "1:a:done:OK:A:dev", "")
	put(t, dir, sharedName, "1:b:done:OK:A:dev 2:c:done:OK:A:dev", "")
	put(t, dir, "call-2025-01-02T03-04-05.000.jsonl", "1:d:done:OK:A:dev", "")
	// As they were written: without a field for a link.
	for _, path := range mustGlob(t, dir, "*.jsonl") {
		edit(t, path, func(l [][]byte) [][]byte {
			for i := range l {
				l[i] = bytes.Replace(l[i], []byte(`,"chain":""`), nil, 1)
			}
			return l
		})
	}
	l, err := OpenShared(config(dir, nil))
	if err != nil {
		t.Fatal(err)
	}
	write(t, l, Event{ID: "e"})
	var got []string
	for _, c := range verify(t, dir) {
		got = append(got, fmt.Sprintf("%s %s %d", filepath.Base(c.Path), c.State, c.Lines))
	}
	want := []string{
		"20250102T030405.000000Z-7.jsonl not chained 1", "call-2025-01-02T03-04-05.000.jsonl not chained 1",
		"call.1.jsonl not chained 2", "call.jsonl ok 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	checkIDs(t, dir, 5, "")
}

func mustGlob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%v, %v", paths, err)
	}
	return paths
}

// Verify runs beside a writer that sets its file aside again and again.
func TestVerifyWhileWriting(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, nil)
	l.file.limit, l.file.keep = 8<<10, 2
	write(t, l, Event{ID: "0"})
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 1; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := l.Write(Event{ID: fmt.Sprint(i), Domain: strings.Repeat("d", 500)}); err != nil {
				t.Error(err)
				return
			}
			time.Sleep(200 * time.Microsecond)
		}
	}()
	for range 100 {
		for _, c := range verify(t, dir) {
			if c.State != Whole {
				t.Errorf("%+v", c)
			}
		}
	}
	close(stop)
	<-ended
}

// A killed process leaves lines that its head does not know, and half a line.
func TestTornEndIsNoFault(t *testing.T) {
	dir := t.TempDir()
	l, err := OpenShared(config(dir, nil))
	if err != nil {
		t.Fatal(err)
	}
	write(t, l, Event{ID: "1"})
	line, end := l.file.keys.seal(l.file.head.Last, mustMarshal(t, Event{ID: "2"}))
	next, _ := l.file.keys.seal(end, mustMarshal(t, Event{ID: "3"}))
	edit(t, l.Path(), func(l [][]byte) [][]byte { return append(l, line, next[:len(next)/2]) })
	whole(t, dir, 2)
	write(t, l, Event{ID: "4"})
	whole(t, dir, 3)
	checkIDs(t, dir, 3, "3")
}

func TestNoKeyNoLine(t *testing.T) {
	c := config(t.TempDir(), nil)
	broken := errors.New("no key today")
	c.Key = func() ([]byte, error) { return testKey, broken }
	l, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Write(Event{ID: "1"}); !errors.Is(err, broken) {
		t.Errorf("written without a key: %v", err)
	}
	if err := l.Check(); !errors.Is(err, broken) {
		t.Errorf("checked without a key: %v", err)
	}
	broken = nil
	write(t, l, Event{ID: "2"})
	checkIDs(t, c.Dir, 1, "1")
	c.Key = nil
	if _, err := Open(c); err == nil {
		t.Error("opened without anything to make a chain with")
	}
}

// The head follows within a second, and a killed process leaves one.
func TestHeadFollowsWithinASecond(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		l := open(t, dir, nil)
		for i := range 3 {
			write(t, l, Event{ID: fmt.Sprint(i)})
		}
		time.Sleep(time.Second)
		synctest.Wait()
		h, err := l.file.keys.readHead(l.Path())
		if err != nil || h.Last != mustLink(t, l.Path()) {
			t.Errorf("head %+v, %v", h, err)
		}
		write(t, l, Event{ID: "after"})
		edit(t, l.Path(), func(l [][]byte) [][]byte { return l[:2] }) // as if while nobody wrote
		if list := verify(t, dir); len(list) != 1 || list[0].State != Bad || list[0].Line != 3 {
			t.Errorf("%+v", list)
		}
	})
}
