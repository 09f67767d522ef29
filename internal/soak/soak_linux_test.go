package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"go.uber.org/goleak"

	"github.com/agentsecrets/agentsecrets/internal/built"
)

// Sizes of the test: those of make soak take minutes.
var (
	bodyFlag    = flag.Int64("body", 64<<20, "bytes of a body")
	idleFlag    = flag.Int("idle", 300, "connections that are idle")
	streamsFlag = flag.Int("streams", 100, "event streams")
)

// program is what carries it.
var program string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "soak-")
	if err != nil {
		panic(err)
	}
	code := 1
	if program, err = built.Agentsecrets(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// carry does one part of what make soak does, in sizes for machines that do much
// else. A process that carries little grows by more than what it carries.
func carry(t *testing.T, part string) {
	t.Helper()
	s, tmp := usual(), t.TempDir()
	s.binary, s.only = program, part
	s.body, s.idle, s.streams, s.events, s.gap = *bodyFlag, *idleFlag, *streamsFlag, 5, 300*time.Millisecond
	s.late, s.slower, s.spare, s.renews = 5*time.Second, 2*time.Second, 24<<20, true
	t.Setenv("TMPDIR", tmp)
	var out strings.Builder
	err := run(t.Context(), s, &out)
	t.Logf("\n%s", &out)
	if err != nil {
		t.Error(err)
	}
	if strings.Count(out.String(), "| held ") < 4 {
		t.Error("next to nothing was held")
	}
	if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
}

// Bodies too large to hold are not held, up or down.
func TestS9LongBodies(t *testing.T) { carry(t, "bodies") }

// Connections that are idle cost little, do not slow others, and are answered again.
func TestIdleConnections(t *testing.T) { carry(t, "idle") }

// Of many streams none waits for another, nor an event for the next.
func TestEventStreams(t *testing.T) { carry(t, "streams") }

// A bound that is broken is an error, and a figure without a bound is none.
func TestBroken(t *testing.T) {
	var k soak
	k.note("idle", "a figure", "1")
	k.hold("idle", "a bound", "1", "1", true)
	if err := broken(k.rows); err != nil {
		t.Error(err)
	}
	k.hold("idle", "another", "2", "1", false)
	if err := broken(k.rows); err == nil || !strings.Contains(err.Error(), "another: 2") || !strings.Contains(table(usual(), k.rows), "BROKEN") {
		t.Errorf("error %v, table\n%s", err, table(usual(), k.rows))
	}
}

// An event that is missing, or none, ends what is counted.
func TestFlowOutOfTurn(t *testing.T) {
	var f flow
	for text, want := range map[string]int{
		"data: 0 1\n\ndata: 1 1\n\n": 2,
		"data: 0 1\n\ndata: 2 1\n\n": 1,
		"data: 0 soon\n\n":           0,
	} {
		f.begin(sizes{streams: 1, events: 3})
		if got := f.read(0, strings.NewReader(text)); len(got) != want {
			t.Errorf("%q: %d events, not %d", text, len(got), want)
		}
	}
}

func TestText(t *testing.T) {
	for _, n := range []int64{lineLen, 64 << 10, 1 << 20, 1<<20 + lineLen} {
		b, err := io.ReadAll(newText(n))
		if err != nil || int64(len(b)) != n {
			t.Fatalf("%d bytes, not %d: %v", len(b), n, err)
		}
		var lines []string
		if err := json.Unmarshal(b, &lines); err != nil || int64(len(lines)) != n/lineLen {
			t.Errorf("%d lines of %d: %v", len(lines), n/lineLen, err)
		}
		if err := iotest.TestReader(newText(n), b); err != nil {
			t.Error(err)
		}
	}
	one, _ := io.ReadAll(newText(128 << 10))
	if bytes.Equal(one[:64<<10], one[64<<10:]) {
		t.Error("two blocks are alike")
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{
		{"-only", "all"}, {"-body", "100"}, {"-body", "1048577"}, {"-idle", "0"}, {"-gap", "0s"}, {"x"},
	} {
		if _, err := parse(args); err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%q: %v", args, err)
		}
	}
	s, err := parse([]string{"-only", "idle", "-idle", "9000"})
	if want := "-idle 9000"; err != nil || !strings.Contains(s.command(), want) || !strings.Contains(s.command(), "-only idle") {
		t.Errorf("%s, %v", s.command(), err)
	}
	if s, err := parse(nil); err != nil || s.command() != "make soak" {
		t.Errorf("%s, %v", s.command(), err)
	}
	if got := hexOnly(make([]byte, 2*sha256.Size)); len(got) != 2*sha256.Size || !strings.Contains(hexOnly([]byte("no")), "no digest") {
		t.Errorf("%q", got)
	}
}
