package main

import (
	"bytes"
	"math"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// What makes a value worth a warning. Shorter ones are not looked for in what
// comes back, since a client could find them by guessing.
const (
	minSought  = 8
	minComfort = 16
	minBits    = 60
)

// checkValue returns what is to be kept of b, or why it cannot be.
func (a *app) checkValue(name string, b []byte) ([]byte, error) {
	trimmed := trimNewline(b)
	if len(trimmed) < len(b) {
		a.say("note: the newline at the end is not part of %s", name)
	}
	if len(trimmed) == 0 {
		f := usage("%s: %w", name, errEmpty)
		f.hint = "agentsecrets secrets set " + name
		return nil, f
	}
	if len(trimmed) > resolve.MaxValue {
		return nil, usage("%s: %w", name, errTooBig)
	}
	for _, text := range concerns(trimmed) {
		a.warn("%s %s", name, text)
	}
	return trimmed, nil
}

// checkExact is checkValue for what was read from a file of names and values: it
// is kept byte for byte.
func (a *app) checkExact(name string, v resolve.Value) error {
	b := v.Reveal()
	if len(b) > resolve.MaxValue {
		return usage("%s: %w", name, errTooBig)
	}
	for _, text := range concerns(b) {
		a.warn("%s %s", name, text)
	}
	return nil
}

// trimNewline takes one newline away, which is how files and echo end; in files
// from Windows it has two bytes.
func trimNewline(b []byte) []byte {
	if b, cut := bytes.CutSuffix(b, []byte("\r\n")); cut {
		return b
	}
	return bytes.TrimSuffix(b, []byte("\n"))
}

// concerns says what may go wrong with a value later. It names properties, no
// byte of it.
func concerns(b []byte) []string {
	var list []string
	if bytes.ContainsAny(b, "\r\n\x00") {
		list = append(list, "holds a line break or NUL: it can stand in bodies, not in headers")
	}
	switch {
	case len(b) < minSought:
		list = append(list, "is shorter than 8 bytes: it is not looked for in responses")
	case len(b) < minComfort || bits(b) < minBits:
		list = append(list, "is short or easy to guess: who can guess it needs no proxy")
	}
	return list
}

// doubts says for whoever looks at what is stored why a value is a weak spot, "" if it
// is none.
func doubts(v resolve.Value) string {
	switch b := v.Reveal(); {
	case len(b) < minSought:
		return "is shorter than 8 bytes: it is not looked for in responses"
	case len(b) < minComfort || bits(b) < minBits:
		return "is short or easy to guess"
	}
	return ""
}

// bits estimates how hard b is to guess: Shannon's entropy of its bytes.
func bits(b []byte) float64 {
	var counts [256]int
	for _, c := range b {
		counts[c]++
	}
	sum, n := 0.0, float64(len(b))
	for _, c := range counts {
		if c > 0 {
			sum -= float64(c) * math.Log2(float64(c)/n)
		}
	}
	return sum
}
