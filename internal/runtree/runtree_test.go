package runtree

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	switch os.Getenv("RUNTREE_TEST") {
	case "run":
		beRun()
	case "leave":
		leave()
	case "between":
		cmd := program("ask")
		cmd.Stdout = os.Stdout
		if err := cmd.Run(); err != nil {
			panic(err)
		}
	case "ask", "ask below", "ask alone":
		if os.Getenv("RUNTREE_TEST") == "ask alone" {
			io.Copy(io.Discard, os.Stdin)
		}
		inside, err := Inside()
		if os.Getenv("RUNTREE_TEST") == "ask below" {
			inside, err = Below(os.Getppid())
		}
		if err != nil {
			os.Stdout.WriteString(err.Error())
		} else if inside {
			os.Stdout.WriteString("inside")
		} else {
			os.Stdout.WriteString("outside")
		}
	default:
		os.Setenv("GORACE", "atexit_sleep_ms=0") // or every process that we start waits a second at its end
		os.Exit(m.Run())
	}
}

// beRun marks itself and asks: straight, when it is told as what, or else by a
// grandchild. On Windows the one between has gone by then; elsewhere a run is the
// reaper of such orphans, which this one is not.
func beRun() {
	if err := Mark(); err != nil {
		panic(err)
	}
	as := "between"
	if runtime.GOOS == "windows" {
		as = "leave"
	}
	if len(os.Args) > 1 {
		as = os.Args[1]
	}
	var out strings.Builder // Run waits for whoever may write to it
	cmd := program(as)
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		panic(err)
	}
	os.Stdout.WriteString(out.String())
}

// leave starts who asks when we have ended: the pipe that it waits on is ours.
func leave() {
	cmd := program("ask alone")
	cmd.Stdout = os.Stdout
	if _, err := cmd.StdinPipe(); err != nil {
		panic(err)
	}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
}

func program(as string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "RUNTREE_TEST="+as)
	return cmd
}

func ask(t *testing.T, as string, args ...string) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "RUNTREE_TEST="+as)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestL3Inside(t *testing.T) {
	if got := ask(t, "ask"); got != "outside" {
		t.Errorf("a child of the test says %q", got)
	}
	if got := ask(t, "run"); got != "inside" {
		t.Errorf("a grandchild of a marked process says %q", got)
	}
}

// A run asks on its own behalf, from below it nobody may.
func TestBelow(t *testing.T) {
	if got := ask(t, "run", "ask"); got != "inside" {
		t.Errorf("a child of a marked process says %q", got)
	}
	if got := ask(t, "run", "ask below"); got != "outside" {
		t.Errorf("a marked process itself is %q", got)
	}
	if _, err := Below(1 << 30); !errors.Is(err, errGone) {
		t.Errorf("Below of no process: %v", err)
	}
}

func TestWithin(t *testing.T) {
	if inside, err := Within(os.Getpid()); inside || err != nil {
		t.Errorf("Within(self) = %v, %v", inside, err)
	}
	if _, err := Within(1 << 30); !errors.Is(err, errGone) {
		t.Errorf("Within of no process: %v", err)
	}
}

func TestWalk(t *testing.T) {
	tree := map[int]process{9: {parent: 4}, 4: {parent: 3}, 3: {parent: 1, isRun: true}, 1: {}, 7: {parent: 1}, 8: {parent: 8}, 5: {parent: 6}}
	look := func(pid int) (process, error) {
		p, ok := tree[pid]
		if !ok {
			return p, errGone
		}
		return p, nil
	}
	for pid, want := range map[int]bool{9: true, 3: true, 1: false, 7: false} {
		if got, err := walk(pid, look); got != want || err != nil {
			t.Errorf("walk(%d) = %v, %v", pid, got, err)
		}
	}
	if _, err := walk(8, look); err == nil {
		t.Error("a process that is its own parent ended no walk")
	}
	if _, err := walk(5, look); !errors.Is(err, errGone) {
		t.Errorf("a parent that is gone: %v", err)
	}
}

func TestIsRunArgs(t *testing.T) {
	for args, want := range map[string]bool{
		"agentsecrets run --intercept -- curl":           true,
		"agentsecrets --quiet run --intercept=true -- x": true,
		"agentsecrets run -- sh --intercept":             false,
		"agentsecrets proxy start":                       false,
		"":                                               false,
	} {
		words := strings.Fields(args)
		b := binary.NativeEndian.AppendUint32(nil, uint32(len(words)))
		b = append(b, "/usr/local/bin/agentsecrets\x00\x00\x00\x00"...)
		b = append(b, strings.Join(words, "\x00")+"\x00HOME=run\x00"...)
		if got := isRunArgs(b); got != want {
			t.Errorf("%q: %v", args, got)
		}
	}
	if isRunArgs([]byte{1}) || isRunArgs([]byte("\xff\xff\xff\xffsh\x00run\x00--intercept")) {
		t.Error("something else taken for a run")
	}
}
