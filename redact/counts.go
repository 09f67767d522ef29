package redact

import "sync/atomic"

// Counts tells how many echoes were covered, by the form they were in: verbatim,
// base64, hex, percent, json, html, utf-16, quoted-printable, quotes, wrapped
// or mixed.
// Forms that overlap are one echo.
type Counts map[string]int

// Total is the number of echoes in all forms.
func (c Counts) Total() int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}

// Add adds o to c.
func (c Counts) Add(o Counts) {
	for form, n := range o {
		c[form] += n
	}
}

// tally counts while others may be reading.
type tally [numForms]atomic.Int64

func (t *tally) counts() Counts {
	c := Counts{}
	for f := range t {
		if n := t[f].Load(); n > 0 {
			c[form(f).String()] = int(n)
		}
	}
	return c
}
