package metrics

import (
	"maps"
	"slices"
	"sync"
)

// Labels take the values listed where they are made, and this one. Texts that a
// client wrote may reach the methods of Metrics; a series for each of them would
// fill our memory, and Prometheus's.
const other = "other"

type label struct {
	name   string
	values []string
	more   func(value string) bool // reports whether a value counts that was not listed; may be nil
}

func (l label) bound(value string) string {
	if slices.Contains(l.values, value) || l.more != nil && l.more(value) {
		return value
	}
	return other
}

// maxNames is how many secrets have series of their own: with them all, and each
// other label at each of its values, a proxy has fewer than 1000 series.
const maxNames = 100

// byName takes the names that are stored now, and those that are stored later.
func byName(stored func() []string) label {
	now := stored()
	known := &names{stored: stored, known: map[string]bool{}}
	for _, name := range now[:min(len(now), maxNames)] {
		known.known[name] = true
	}
	return label{"name", slices.Sorted(maps.Keys(known.known)), known.has}
}

// names remembers what is stored, so that only an unknown name costs a look.
type names struct {
	stored func() []string

	mu    sync.Mutex
	known map[string]bool
}

// has looks without the lock: others count meanwhile, and a look reads a file.
func (n *names) has(name string) bool {
	if n.knows(name) || !slices.Contains(n.stored(), name) {
		return n.knows(name)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.known) < maxNames {
		n.known[name] = true
	}
	return n.known[name]
}

func (n *names) knows(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[name]
}

// vec is an instrument with one label or two.
type vec[T any] struct {
	with   func(values ...string) T
	labels []label
	made   map[[2]string]T // by listed values: to find a series in its vector costs more
}

// of is the series for values, one for each label.
func (v vec[T]) of(values ...string) T {
	var key [2]string
	copy(key[:], values)
	if t, ok := v.made[key]; ok {
		return t
	}
	bounded := make([]string, len(values))
	for i, l := range v.labels {
		bounded[i] = l.bound(values[i])
	}
	return v.with(bounded...)
}

// preset makes the series of every listed value: Prometheus sees no increase in
// a counter whose first reading is not zero.
func (v vec[T]) preset(values ...string) vec[T] {
	if v.made == nil {
		v.made = map[[2]string]T{}
	}
	if len(values) == len(v.labels) {
		var key [2]string
		copy(key[:], values)
		v.made[key] = v.with(values...)
		return v
	}
	for _, value := range v.labels[len(values)].values {
		v.preset(append(slices.Clone(values), value)...)
	}
	return v
}
