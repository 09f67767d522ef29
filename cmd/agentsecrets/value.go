package main

import (
	"bytes"

	"github.com/agentsecrets/agentsecrets/redact"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// minSought is the least length of what is looked for in what comes back: a
// client could find shorter values by guessing.
const minSought = 8

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
		list = append(list, "is under 8 bytes: it is put in but not looked for in responses; choose a longer one")
	case redact.Weak(b):
		list = append(list, "can be guessed by whoever can send requests: choose a longer one, made by a machine, or bind it to hosts that do not echo it")
	}
	return list
}

// doubts says for whoever looks at what is stored why a value is a weak spot, "" if it
// is none.
func doubts(v resolve.Value) string {
	switch b := v.Reveal(); {
	case len(b) < minSought:
		return "is shorter than 8 bytes: it is not looked for in responses"
	case redact.Weak(b):
		return "is short or easy to guess"
	}
	return ""
}

// guessableJSON are the names of values that deserve such a warning.
type guessableJSON struct {
	Short []string `json:"short"` // not looked for in responses
	Weak  []string `json:"weak"`  // looked for, and can be guessed
}

func guessable(all []given) guessableJSON {
	g := guessableJSON{Short: []string{}, Weak: []string{}}
	for _, one := range all {
		switch b := one.value.Reveal(); {
		case one.value.IsZero():
		case len(b) < minSought:
			g.Short = append(g.Short, one.name)
		case redact.Weak(b):
			g.Weak = append(g.Weak, one.name)
		}
	}
	return g
}
