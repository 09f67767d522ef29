package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/grid"
)

// machine is what figures depend on.
type machine struct {
	OS      string  `json:"os"`
	Arch    string  `json:"arch"`
	Cores   int     `json:"cores"`
	Go      string  `json:"go"`
	Nginx   string  `json:"nginx,omitempty"`
	Goproxy string  `json:"goproxy,omitempty"`
	Load    float64 `json:"load_average"` // of the last minute before the run
}

func thisMachine() machine {
	m := machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version(), Goproxy: moduleVersion("github.com/elazarl/goproxy")}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		text, _, _ := strings.Cut(string(b), " ")
		m.Load, _ = strconv.ParseFloat(text, 64)
	}
	return m
}

// report is what a run prints.
type report struct {
	Command string    `json:"command"`
	Time    time.Time `json:"time"`
	Rounds  int       `json:"rounds"`
	Machine machine   `json:"machine"`
	Absent  []string  `json:"absent"` // peers that were not measured, and why
	Goals   []goal    `json:"goals"`
	Medians []sample  `json:"medians"`
	Failed  bool      `json:"failed"` // some response was not what it has to be
}

func (b *bench) report() report {
	r := report{
		Command: command(b.options), Time: time.Now().UTC().Truncate(time.Second), Rounds: b.rounds, Machine: b.machine,
		Absent: append([]string{}, b.absent...), Medians: b.medians(), Failed: b.failures() != nil,
	}
	r.Goals = r.goals()
	return r
}

// command repeats the run.
func command(o options) string {
	if len(o.only) == len(names()) && o.rounds == usualRounds && o.binary == usualBinary && o.nginx == "nginx" {
		return "make bench-quick"
	}
	args := []string{"make build && go run ./internal/bench"}
	if len(o.only) < len(names()) {
		args = append(args, "-only", strings.Join(o.only, ","))
	}
	args = append(args, "-rounds", strconv.Itoa(o.rounds))
	if o.binary != usualBinary {
		args = append(args, "-binary", o.binary)
	}
	if o.nginx != "nginx" {
		args = append(args, "-nginx", o.nginx)
	}
	return strings.Join(args, " ")
}

// medians has one sample for each workload and peer, with the median of each
// figure over the rounds. What failed is added up.
func (b *bench) medians() []sample {
	var all []sample
	for _, w := range b.workloads() {
		for _, peer := range w.peers {
			var of []sample
			for _, s := range b.samples {
				if s.Workload == w.name && s.Peer == peer {
					of = append(of, s)
				}
			}
			if len(of) > 0 {
				all = append(all, medianOf(of))
			}
		}
	}
	return all
}

func medianOf(of []sample) sample {
	m := sample{Workload: of[0].Workload, Peer: of[0].Peer}
	var perOp, wall, p50, bytes []float64
	for _, s := range of {
		m.Ops += s.Ops
		m.Failed += s.Failed
		if m.First == "" {
			m.First = s.First
		}
		perOp = append(perOp, s.perOp())
		wall, p50, bytes = append(wall, float64(s.Wall)/float64(max(1, s.Ops))), append(p50, float64(s.P50)), append(bytes, float64(s.Bytes))
	}
	m.CPU, m.Wall = time.Duration(median(perOp)*float64(m.Ops)), time.Duration(median(wall)*float64(m.Ops))
	m.P50, m.Bytes = time.Duration(median(p50)), int64(median(bytes))
	return m
}

// perOp is the CPU time of one operation in nanoseconds.
func (s sample) perOp() float64 { return float64(s.CPU) / float64(max(1, s.Ops)) }

func (r report) write(out io.Writer) error {
	var s strings.Builder
	m := r.Machine
	fmt.Fprintf(&s, "%s on %s/%s, %d cores, %s, nginx %s, goproxy %s, %d rounds.\n",
		r.Time.Format("2006-01-02"), m.OS, m.Arch, m.Cores, m.Go, orNone(m.Nginx), orNone(m.Goproxy), r.Rounds)
	if m.Load > float64(m.Cores)/2 {
		fmt.Fprintf(&s, "The load average was %.1f before the run: other programs share the cores, so trust ratios alone.\n", m.Load)
	}
	for _, a := range r.Absent {
		fmt.Fprintf(&s, "NOT MEASURED: %s\n", a)
	}
	s.WriteString("\n")
	grid.Write(&s, append([][]string{{"What", "Goal", "Stretch", "Measured", "Ratio", "Verdict"}}, r.goalRows()...))
	s.WriteString("\n")
	grid.Write(&s, append([][]string{{"Workload", "Peer", "CPU per operation", "p50", "Operations/s", "Operations", "Failed", "Memory"}}, r.medianRows()...))
	fmt.Fprintf(&s, "\nAgain: %s\n", r.Command)
	_, err := io.WriteString(out, s.String())
	return err
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (r report) medianRows() [][]string {
	var rows [][]string
	for _, m := range r.Medians {
		cpu, p50, rate, memory := "-", "-", "-", "-"
		if m.CPU > 0 {
			cpu = showCPU(m)
		}
		if m.P50 > 0 {
			p50 = micros(float64(m.P50))
		}
		if m.Wall > 0 {
			rate = fmt.Sprintf("%.0f", float64(m.Ops)/m.Wall.Seconds())
		}
		if m.Bytes > 0 {
			memory = fmt.Sprintf("%d KiB", m.Bytes>>10)
		}
		rows = append(rows, []string{m.Workload, m.Peer, cpu, p50, rate, strconv.FormatInt(m.Ops, 10), strconv.FormatInt(m.Failed, 10), memory})
	}
	return rows
}

func showCPU(m sample) string {
	if per := m.perOp(); per < 100 {
		return fmt.Sprintf("%.2f ns", per)
	}
	return micros(m.perOp())
}

func micros(ns float64) string { return fmt.Sprintf("%.0f us", ns/1e3) }
