//go:build linux

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// probe is one attempt.
type probe struct {
	name  string
	tried string
	has   bool     // it gets one whatever the outcome is
	may   string   // host of the one origin that may get a value; "" for none
	not   []string // secrets whose values it may not get either
	asks  string   // host of an origin that may be asked something before the refusal
	// want lists the outcomes that are right, separated by |: a status, or
	//   sent     a good answer, and the origin that may have it got the value
	//   text     a good answer, and no value went anywhere
	//   alert    TLS was refused
	//   reset    the stream or connection ended without an answer
	//   refused  a command failed;  done: it did not
	//   any      whatever it was, if nothing leaked
	want string
	do   func(ctx context.Context, w *world) (answer, error)
}

// answer is what an attacker got for it.
type answer struct {
	outcome string // as in probe.want, but for a status in place of sent and text
	said    string // shown beside it
	text    []byte // everything that came back
}

// verdict is how a probe ended.
type verdict struct {
	area, name, tried string
	faults            []string // empty: it held
	seen              string
}

// judge makes the attempt and looks for what it should not have had.
func (p probe) judge(ctx context.Context, area string, w *world) verdict {
	v := verdict{area: area, name: p.name, tried: p.tried}
	before := w.mark()
	a, err := p.do(ctx, w)
	if err != nil {
		v.faults = []string{"could not be tried: " + err.Error()}
		return v
	}
	outcome, arrived := a.outcome, w.arrived(before, p.may)
	good := outcome == "done" || strings.HasPrefix(outcome, "2")
	if good && arrived {
		outcome = "sent"
	} else if strings.HasPrefix(outcome, "2") {
		outcome = "text"
	}
	v.seen = strings.TrimSpace(outcome + " " + a.said)
	if want := strings.Split(p.want, "|"); p.want != "any" && !slices.Contains(want, outcome) {
		v.faults = append(v.faults, fmt.Sprintf("want %s", strings.ReplaceAll(p.want, "|", " or ")))
	}
	if arrived && outcome != "sent" && p.want != "any" && !p.has {
		v.faults = append(v.faults, "the value reached "+p.may+" all the same")
	}
	for _, name := range p.not {
		if w.arrivedOf(before, p.may, name) {
			v.faults = append(v.faults, p.may+" got the value of "+name)
		}
	}
	if strings.HasPrefix(outcome, "4") && p.want != "any" {
		v.faults = append(v.faults, w.asked(before, p.asks)...)
	}
	v.faults = append(v.faults, w.leaks(before, p.may, a.text)...)
	return v
}

// area is a table of probes.
type area struct {
	name   string
	probes func(w *world) []probe
}

func areas() []area {
	return []area{
		{"authority", authorityProbes},
		{"place", placeProbes},
		{"flags", flagProbes},
		{"names", nameProbes},
		{"local", localProbes},
		{"origin", originProbes},
	}
}

func areaNames() []string {
	var names []string
	for _, a := range areas() {
		names = append(names, a.name)
	}
	return names
}
