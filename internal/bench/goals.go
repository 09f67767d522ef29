package main

import (
	"fmt"
	"math"
	"runtime/debug"
	"strconv"
)

// goal is one line of the table of targets. Ratios are between figures of the
// same run.
type goal struct {
	What     string  `json:"what"`
	Goal     float64 `json:"goal"`    // measured by Unit, at most
	Stretch  float64 `json:"stretch"` // 0 with no Stretch: as Goal
	Unit     string  `json:"unit"`    // "x": a ratio, "%": what is added to 100 %
	Figure   float64 `json:"figure"`  // in Unit
	Measured string  `json:"measured"`
	Verdict  string  `json:"verdict"`
}

// judge sets figure and verdict. Where so little was done that the clock did not
// tick there is none.
func (g goal) judge(figure float64, measured string) goal {
	if math.IsInf(figure, 0) || math.IsNaN(figure) {
		g.Verdict = missing
		return g
	}
	g.Figure, g.Measured = figure, measured
	switch {
	case figure <= g.Stretch:
		g.Verdict = "reached, stretch too"
	case figure <= g.Goal:
		g.Verdict = "reached"
	default:
		g.Verdict = "not"
	}
	return g
}

// missing is the verdict where a figure could not be had.
const missing = "not measured"

func (r report) of(workload, peer string) (sample, bool) {
	for _, m := range r.Medians {
		if m.Workload == workload && m.Peer == peer {
			return m, m.Ops > 0 && m.Failed == 0
		}
	}
	return sample{}, false
}

// goals compares what was asked for with what it has to be.
func (r report) goals() []goal {
	var all []goal
	for _, c := range comparisons() {
		a, okA := r.of(c.workload, c.peer)
		b, okB := r.of(c.workload, c.against)
		if c.against == "" {
			okB = true
		}
		g := c.goal
		switch {
		case a.Workload == "" && b.Workload == "":
			continue // not asked for
		case !okA || !okB:
			g.Verdict = missing
		default:
			g = g.judge(c.figure(a, b))
		}
		all = append(all, g)
	}
	return all
}

// comparison is how the figure of a goal comes about.
type comparison struct {
	goal
	workload, peer, against string
	figure                  func(a, b sample) (float64, string)
}

func comparisons() []comparison {
	return []comparison{
		{goal{What: "CPU per GET, against nginx", Goal: 1.2, Stretch: 1, Unit: "x"}, "get", ours, nginx, cpuRatio},
		{goal{What: "CPU per POST of 1 KiB, against nginx", Goal: 1.2, Stretch: 1, Unit: "x"}, "post", ours, nginx, cpuRatio},
		{goal{What: "CPU per GET over HTTP/2, against nginx", Goal: 1.2, Stretch: 1, Unit: "x"}, "h2", ours, nginx, cpuRatio},
		{goal{What: "CPU per GET, against goproxy's own MITM", Goal: 0.55, Stretch: 0.5, Unit: "x"}, "get", ours, goproxys, cpuRatio},
		{goal{What: "CPU per POST of 1 KiB, against goproxy's own MITM", Goal: 0.55, Stretch: 0.5, Unit: "x"}, "post", ours, goproxys, cpuRatio},
		{goal{What: "p50 at one connection, against direct", Goal: 2.5, Stretch: 2.3, Unit: "x"}, "one", ours, direct, p50Ratio},
		{goal{What: "new connection, CPU against nginx", Goal: 0.95, Stretch: 0.87, Unit: "x"}, "connect", ours, nginx, cpuRatio},
		{goal{What: "event stream, added p50 per event", Goal: 0.15, Stretch: 0.1, Unit: "ms"}, "events", ours, direct, addedP50},
		{goal{What: "bytes held at the end of an event", Unit: "bytes"}, "held", ours, "", heldBytes},
		{goal{What: "redaction, CPU per byte: 100 values", Goal: 15, Stretch: 10, Unit: "%"}, "redact", ours, plain, addedCPU},
		{goal{What: "redaction, CPU per byte: 10,000 patterns", Goal: 35, Stretch: 20, Unit: "%"}, "redact", patterns, plain, addedCPU},
		{goal{What: "redaction, CPU per byte: 10,000 values", Goal: 35, Stretch: 20, Unit: "%"}, "redact", values, plain, addedCPU},
		{goal{What: "memory per idle intercepted connection", Goal: 60, Stretch: 40, Unit: "KiB"}, "idle", ours, nginx, perConn},
		{goal{What: "memory while a body of 1 GiB passes, in all", Goal: 64, Stretch: 64, Unit: "MiB"}, "big", ours, "", peakMemory},
		{goal{What: "run --intercept -- true, start to end", Goal: 60, Stretch: 30, Unit: "ms"}, "start", ours, "", wholeRun},
	}
}

func cpuRatio(a, b sample) (float64, string) {
	return a.perOp() / b.perOp(), micros(a.perOp()) + " to " + micros(b.perOp())
}

func p50Ratio(a, b sample) (float64, string) {
	return float64(a.P50) / float64(b.P50), micros(float64(a.P50)) + " to " + micros(float64(b.P50))
}

func addedP50(a, b sample) (float64, string) {
	return float64(a.P50-b.P50) / 1e6, micros(float64(a.P50)) + " to " + micros(float64(b.P50))
}

func heldBytes(a, _ sample) (float64, string) { return float64(a.Bytes), fmt.Sprint(a.Bytes) }

func addedCPU(a, b sample) (float64, string) {
	return 100 * (a.perOp()/b.perOp() - 1), showCPU(a) + " to " + showCPU(b)
}

func perConn(a, b sample) (float64, string) {
	kib := func(s sample) float64 { return float64(s.Bytes) / (1 << 10) }
	return kib(a), fmt.Sprintf("%.0f KiB, nginx %.0f", kib(a), kib(b))
}

func peakMemory(a, _ sample) (float64, string) {
	mib := float64(a.Bytes) / (1 << 20)
	return mib, fmt.Sprintf("%.0f MiB", mib)
}

func wholeRun(a, _ sample) (float64, string) {
	return float64(a.P50) / 1e6, fmt.Sprintf("%.0f ms", float64(a.P50)/1e6)
}

func (r report) goalRows() [][]string {
	var rows [][]string
	for _, g := range r.Goals {
		measured, ratio := g.Measured, "-"
		switch {
		case g.Verdict == missing:
			measured = "-"
		case g.Unit == "x":
			ratio = fmt.Sprintf("%.2f", g.Figure)
		case g.Unit == "%":
			ratio = fmt.Sprintf("%.2f", 1+g.Figure/100)
		}
		rows = append(rows, []string{g.What, g.limit(g.Goal), g.limit(g.Stretch), measured, ratio, g.Verdict})
	}
	return rows
}

// limit shows one of the limits in its unit.
func (g goal) limit(v float64) string {
	text := strconv.FormatFloat(v, 'f', -1, 64)
	switch g.Unit {
	case "x":
		return text
	case "%":
		return "+" + text + " %"
	}
	return text + " " + g.Unit
}

// moduleVersion is that of a library in this program.
func moduleVersion(path string) string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}
