//go:build linux

package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/agentsecrets/agentsecrets/internal/trace"
)

// Where values are after a probe.

// stderr collects what programs say on standard error.
type stderr struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *stderr) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *stderr) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.text.Bytes())
}

// mark is how far every record had come.
type mark map[*record]at

func (w *world) mark() mark {
	m := mark{}
	for _, o := range w.origins {
		for _, r := range o.records() {
			m[r] = r.now()
		}
	}
	return m
}

// since looks at what one origin got after m.
func (w *world) since(m mark, o *origin) (forms []string, requests, dialled int) {
	return m.search(o, w.trace)
}

func (m mark) search(o *origin, tr trace.Trace) (forms []string, requests, dialled int) {
	for _, r := range o.records() {
		from, known := m[r]
		f, n := r.since(from, tr)
		forms, requests = append(forms, f...), requests+n
		if !known {
			dialled++
		}
	}
	return forms, requests, dialled
}

// arrived reports whether host got a value after m.
func (w *world) arrived(m mark, host string) bool {
	if host == "" {
		return false
	}
	forms, _, _ := w.since(m, w.origin(host))
	return len(forms) > 0
}

// arrivedOf reports whether host got the value of one secret after m.
func (w *world) arrivedOf(m mark, host, name string) bool {
	forms, _, _ := m.search(w.origin(host), w.traces[name])
	return len(forms) > 0
}

// asked lists the origins that got a request after m, or were dialled, less the
// one that may.
func (w *world) asked(m mark, may string) (faults []string) {
	for _, o := range w.origins {
		if _, requests, dialled := w.since(m, o); requests+dialled > 0 && o.host != may {
			faults = append(faults, fmt.Sprintf("%s got %d requests on %d new connections", o.host, requests, dialled))
		}
	}
	return faults
}

// leaks lists where values are after m that only may may have.
func (w *world) leaks(m mark, may string, got []byte) (faults []string) {
	for _, o := range w.origins {
		if forms, _, _ := w.since(m, o); o.host != may && forms != nil {
			faults = append(faults, fmt.Sprintf("%s got the value: %s", o.host, once(forms)))
		}
	}
	for what, text := range map[string][]byte{"what came back": got, "standard error": w.errors.bytes()} {
		if forms := w.trace.Forms(text); forms != nil {
			faults = append(faults, fmt.Sprintf("%s holds the value: %s", what, once(forms)))
		}
	}
	return append(faults, w.files.search(w.dir, w.trace)...)
}

// once is a sorted list without repetitions.
func once(all []string) []string {
	set := map[string]bool{}
	for _, s := range all {
		set[s] = true
	}
	return slices.Sorted(maps.Keys(set))
}
