package metrics

import "slices"

// Labels take the values listed where they are made, and this one. Texts that a
// client wrote may reach the methods of Metrics; a series for each of them would
// fill our memory, and Prometheus's.
const other = "other"

type label struct {
	name   string
	values []string
}

func (l label) bound(value string) string {
	if slices.Contains(l.values, value) {
		return value
	}
	return other
}

// vec is an instrument with labels.
type vec[T any] struct {
	with   func(values ...string) T
	labels []label
}

// of is the series for values, one for each label.
func (v vec[T]) of(values ...string) T {
	bounded := make([]string, len(values))
	for i, l := range v.labels {
		bounded[i] = l.bound(values[i])
	}
	return v.with(bounded...)
}

// preset makes the series of every listed value: Prometheus sees no increase in
// a counter whose first reading is not zero.
func (v vec[T]) preset(values ...string) vec[T] {
	if len(values) == len(v.labels) {
		v.with(values...)
		return v
	}
	for _, value := range v.labels[len(values)].values {
		v.preset(append(slices.Clone(values), value)...)
	}
	return v
}
