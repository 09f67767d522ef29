package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const failure = `--- FAIL: TestScripts (0.01s)
    --- FAIL: TestScripts/told (0.21s)
        testscript.go:1: FAIL: stdout: no match for "done"
--- FAIL: TestOther (0.01s)
FAIL
`

func TestJudge(t *testing.T) {
	exit := errors.New("exit status 1")
	for name, c := range map[string]struct {
		out  string
		err  error
		want outcome
	}{
		"pass":       {"PASS\n", nil, outcome{end: passed}},
		"nothing":    {"testing: warning: no tests to run\nPASS\n", nil, outcome{end: untried, why: "no test has that name"}},
		"fail":       {failure, exit, outcome{end: failed, test: "TestScripts/told", why: "TestScripts/told"}},
		"busy":       {"--- FAIL: TestX (5.00s)\n    x_test.go:1: read tcp: i/o timeout\nFAIL\n", exit, outcome{end: failed, test: "TestX", why: "TestX", lack: true}},
		"panic":      {"panic: boom\n\ngoroutine 7 [running]:\n", exit, outcome{end: crashed, why: "a panic"}},
		"race":       {"==================\nWARNING: DATA RACE\n", exit, outcome{end: crashed, why: "a race"}},
		"leak":       {"PASS\ngoleak: Errors on successful test run: found unexpected goroutines:\n", exit, outcome{end: crashed, why: "goroutines that stayed"}},
		"hung":       {"panic: test timed out after 1m0s\n", exit, outcome{end: hung, why: "a test that did not end", lack: true}},
		"stays":      {"PASS\n", exec.ErrWaitDelay, outcome{end: crashed, why: "a process that stayed", lack: true}},
		"killed":     {"", errors.New("signal: terminated"), outcome{end: untried, why: "ended with signal: terminated: "}},
		"no build":   {"build agentsecrets: exit status 1\n# github.com/agentsecrets/agentsecrets/mitm\nx", exit, outcome{end: untried, why: "does not compile: build agentsecrets: exit status 1 | # github.com/agentsecrets/agentsecrets/mitm | x"}},
		"fails with": {"# github.com/agentsecrets/agentsecrets/mitm\nx\n--- FAIL: TestX (1s)\n", exit, outcome{end: untried, test: "TestX", why: "does not compile: # github.com/agentsecrets/agentsecrets/mitm | x | --- FAIL: TestX (1s)"}},
	} {
		if got := judge([]byte(c.out), c.err); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestAlone(t *testing.T) {
	tests := []string{"./p", "-run", "A|B", "-rows", "r", "-skip", "C"}
	want := []string{"./p", "-run", `^TestSDK$/^3\.13$`, "-rows", "r"}
	if got := alone(tests, "TestSDK/3.13"); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := alone(tests, ""); !slices.Equal(got, tests) {
		t.Errorf("%q, want all of %q", got, tests)
	}
}

// small is a module whose test does what stands in a file, so that it is built once.
var small = map[string]string{
	"go.mod":   "module small\ngo 1.26\n",
	"data":     "good\n",
	"small.go": "package small\n\nvar one = 1\n",
	"small_test.go": `package small

import (
	"os"
	"testing"
	"time"
)

func TestData(t *testing.T) {
	text, err := os.ReadFile("data")
	if err != nil || one == 2 {
		t.Fatal(err)
	}
	switch string(text) {
	case "bad\n":
		t.Run("sub", func(t *testing.T) { t.Error("bad") })
	case "panic\n":
		go panic("panic")
		time.Sleep(time.Minute)
	case "hang\n":
		time.Sleep(time.Minute)
	case "exit\n":
		os.Exit(3)
	case "busy\n":
		if _, err := os.Stat("ran"); err != nil {
			os.Mkdir("ran", 0o700)
			t.Fatal(err)
		}
	case "lack\n":
		_, err := os.Stat("never")
		t.Fatal(err)
	}
}

func TestFails(t *testing.T) { t.Fatal("always") }
`,
}

func TestTry(t *testing.T) {
	w := workIn(t.TempDir(), 0, map[string]bool{"hangs as is known": true})
	writeTree(t, w.tree, small)
	inData := []string{".", "-run", "TestData"}
	for _, c := range []struct {
		fault   fault
		verdict verdict
		why     string
	}{
		{fault{"noticed", "data", "good", "bad", inData}, caught, "TestData/sub"},
		{fault{"not noticed", "data", "good", "fine", inData}, missed, ""},
		{fault{"panics", "data", "good", "panic", inData}, caught, "a panic"},
		{fault{"hangs", "data", "good", "hang", inData}, broken, "a test that did not end"},
		{fault{"hangs as is known", "data", "good", "hang", inData}, caught, "a test that did not end"},
		{fault{"ends the tests", "data", "good", "exit", inData}, broken, "ended with exit status 3"},
		{fault{"fails once", "data", "good", "busy", inData}, broken, "failed only once: TestData"},
		{fault{"lacks a file", "data", "good", "lack", inData}, caught, "TestData"},
		{fault{"fails anyway", "data", "good", "bad", []string{".", "-run", "TestFails"}}, broken, "fails without the fault, too: TestFails"},
		{fault{"runs nothing", "data", "good", "bad", []string{".", "-run", "TestNone"}}, broken, "no test has that name"},
		{fault{"does not compile", "small.go", "1", "two", inData}, broken, "does not compile"},
		{fault{"is not there", "small.go", "2", "3", inData}, broken, "the text to replace is there 0 times"},
	} {
		w.limit = time.Minute
		if strings.HasPrefix(c.fault.name, "hangs") {
			w.limit = time.Second
		}
		verdict, why := w.try(t.Context(), c.fault)
		if verdict != c.verdict || !strings.HasPrefix(why, c.why) || c.verdict == missed && why != "" {
			t.Errorf("a fault that %s: %s, %q, want %s, %q", c.fault.name, verdict, why, c.verdict, c.why)
		}
	}
	if text, err := os.ReadFile(filepath.Join(w.tree, "data")); err != nil || string(text) != small["data"] {
		t.Errorf("left %q, %v", text, err)
	}
}

func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// Parts are all of the faults, each once, and what was caught is not tried again.
func TestChosen(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	done := result{fault: all()[0], verdict: caught, why: "TestX", took: time.Second}
	again := result{fault: all()[1], verdict: missed}
	if err := os.WriteFile(log, []byte(done.String()+"\n"+again.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, shard := range []string{"1/3", "2/3", "3/3"} {
		faults, err := options{shard: shard, done: log}.chosen(all())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range faults {
			count[f.name]++
		}
	}
	for i, f := range all() {
		if want := min(i, 1); count[f.name] != want {
			t.Errorf("%s is in %d parts, want %d", f.name, count[f.name], want)
		}
	}
	for _, bad := range []string{"", "1", "0/2", "3/2", "a/2", "1/b"} {
		if _, err := (options{shard: bad}).chosen(all()); err == nil || !strings.Contains(err.Error(), "-shard") {
			t.Errorf("-shard %q: %v", bad, err)
		}
	}
	if _, err := (options{shard: "1/1", only: "no such fault"}).chosen(all()); err == nil {
		t.Error("a name that no fault has is taken")
	}
}

func TestListRunsNothing(t *testing.T) {
	var out bytes.Buffer
	if err := run(context.Background(), options{shard: "1/1", only: "D12: ", list: true}, &out); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(out.Bytes(), []byte("\n")); n != bytes.Count(out.Bytes(), []byte("D12: ")) || n == 0 {
		t.Errorf("%s", &out)
	}
}
