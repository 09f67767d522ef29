package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/held"
)

// two rounds of two peers: ours takes twice what nginx takes, but for one round
// in which something else ran.
func measured() *bench {
	s := func(peer string, ops int64, cpu time.Duration) sample {
		return sample{Workload: "get", Peer: peer, Ops: ops, CPU: cpu, Wall: time.Second, P50: cpu / time.Duration(ops)}
	}
	return &bench{
		options: options{only: []string{"get"}, rounds: 3, binary: usualBinary, nginx: "nginx"},
		samples: []sample{
			s(nginx, 1000, time.Second), s(ours, 500, time.Second), s(ours, 10, time.Second), s(nginx, 100, 100*time.Millisecond),
			s(nginx, 1000, time.Second), s(ours, 100, 200*time.Millisecond),
		},
	}
}

func TestReport(t *testing.T) {
	r := measured().report()
	var out strings.Builder
	if err := r.write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"CPU per GET, against nginx              | 1.2  | 1       | 2000 us to 1000 us | 2.00  | not ",
		"CPU per GET, against goproxy's own MITM | 0.55 | 0.5     | -                  | -     | not measured",
		"Again: make build && go run ./internal/bench -only get -rounds 3\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "POST") {
		t.Error("there is a row that was not asked for")
	}
}

// One failure is enough: its goal is not judged, and the run fails.
func TestFailures(t *testing.T) {
	b := measured()
	if err := b.failures(); err != nil {
		t.Errorf("a run without a failure: %v", err)
	}
	b.samples[1].Failed, b.samples[1].First = 1, errWrong.Error()
	if err := b.failures(); err == nil || !strings.Contains(err.Error(), "get of agentsecrets: 1 failed") {
		t.Errorf("error %v", err)
	}
	r := b.report()
	if g := r.Goals[0]; !r.Failed || g.Verdict != missing {
		t.Errorf("failed %v, verdict %q", r.Failed, g.Verdict)
	}
	b = measured()
	b.samples[1].Ops = 0
	if b.failures() == nil {
		t.Error("nothing done counts as success")
	}
}

func TestJudge(t *testing.T) {
	g := goal{Goal: 1.2, Stretch: 1}
	for figure, want := range map[float64]string{0.9: "reached, stretch too", 1: "reached, stretch too", 1.1: "reached", 1.2: "reached", 1.21: "not"} {
		if got := g.judge(figure, "").Verdict; got != want {
			t.Errorf("%v: %q, not %q", figure, got, want)
		}
	}
	if got := g.judge(math.Inf(1), ""); got.Verdict != missing || got.Figure != 0 {
		t.Errorf("a clock that did not tick: %+v", got)
	}
}

func TestParseStat(t *testing.T) {
	u, err := parseStat([]byte("12 (a) b) S 1 2 3 4 5 6 7 8 9 10 250 30 11 12 13 14 15 16 17 18 2 20\n"))
	if err != nil || u.cpu != 2800*time.Millisecond || u.resident <= 0 {
		t.Errorf("%+v %v", u, err)
	}
	if _, err := parseStat([]byte("12 (a) S 1")); err == nil {
		t.Error("a short line was read")
	}
	if peak, err := peakIn([]byte("Name:\tx\nVmHWM:\t   43088 kB\n")); err != nil || peak != 43088<<10 {
		t.Errorf("%d %v", peak, err)
	}
	if _, err := peakIn(nil); err == nil {
		t.Error("no peak was read")
	}
}

// CPU time that this process uses is seen, and that of what it starts.
func TestUsage(t *testing.T) {
	const script = "while read x; do :; done; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo {}; sleep 60"
	p, err := held.Start(t.Context(), held.Program{Dir: t.TempDir(), Args: []string{"/bin/sh", "-c", script}, Greets: true})
	if err != nil {
		t.Fatal(err)
	}
	p.Deaf = true
	defer p.Stop()
	before, err := used(p)
	if err != nil {
		t.Fatal(err)
	}
	p.Stdin.Close()
	if err := p.Greet(&hello{}); err != nil {
		t.Fatal(err)
	}
	after, err := used(p)
	if err != nil || after.cpu <= before.cpu || after.peak == 0 || after.resident == 0 {
		t.Errorf("before %+v, after %+v: %v", before, after, err)
	}
}
