package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// The check knows nothing of how values are looked for: it compares what came
// with what was planted, and searches all of the answer for anything that shows
// the value.

// verdict is what came of a cell; both are empty if all is well.
type verdict struct {
	leak   string // what of the value came back
	broken string // what is not as the origin sent it, besides the echo
}

// checker has what was made of each value.
type checker struct {
	forms map[string][]encoded // by kind
}

func newChecker(list []encoded) *checker {
	k := &checker{forms: map[string][]encoded{}}
	for _, e := range list {
		k.forms[e.kind.name] = append(k.forms[e.kind.name], e)
	}
	return k
}

func (k *checker) check(c *cell, a *answer) verdict {
	v := verdict{broken: c.damage(a)}
	values := c.place.seen(a, c)
	switch {
	case len(values) != 1:
		v.broken = fmt.Sprintf("%d values came where one was planted, %d", len(values), a.status)
	case len(values[0]) != len(c.planted()):
		v.broken = fmt.Sprintf("%d bytes came, not %d: %.200q", len(values[0]), len(c.planted()), values[0])
	case !c.sameAround(values[0]):
		v.broken = fmt.Sprintf("the text around the echo is another: %.300q", values[0])
	default:
		v.leak = c.uncovered([]byte(values[0][len(c.before):]))
	}
	if v.leak == "" {
		v.leak = k.found(c, a)
	}
	return v
}

// damage is what is wrong with the answer as a whole.
func (c *cell) damage(a *answer) string {
	want := http.StatusOK
	if c.place.name == "Location" {
		want = http.StatusFound
	}
	switch {
	case a.status != want:
		return fmt.Sprintf("status %d: %.200q", a.status, a.body)
	case c.place.name == "WebSocket":
	case !strings.HasPrefix(strings.Join(a.fields.get("Content-Type"), ","), c.bodyType()):
		return fmt.Sprintf("Content-Type %q", a.fields.get("Content-Type"))
	case !c.place.body && c.place.name != "gRPC" && string(a.body) != filler:
		return fmt.Sprintf("the body is %q", a.body)
	case c.place.name == "gRPC" && strings.Join(a.trailers.get("Grpc-Status"), ",") != "0":
		return "the call has no status"
	}
	return ""
}

// sameAround lets names change their case, which says nothing.
func (c *cell) sameAround(got string) bool {
	before, after := c.before, c.after
	if c.place.named {
		got, before, after = strings.ToLower(got), strings.ToLower(before), strings.ToLower(after)
	}
	return strings.HasPrefix(got, before) && strings.HasSuffix(got, after)
}

// uncovered is what of the secret part came back at its place: a run of piece
// bytes, or of two thirds of a part that is shorter.
func (c *cell) uncovered(got []byte) string {
	text := c.text
	if c.place.named {
		text, got = bytes.ToLower(text), bytes.ToLower(got)
	}
	s := c.secret
	least := min(piece, (2*(s.to-s.from)+2)/3)
	if n := longest(text, got, s); n >= least {
		return fmt.Sprintf("%d bytes in a row of the %d that are secret, of %q", n, s.to-s.from, c.text[s.from:s.to])
	}
	return ""
}

func longest(a, b []byte, s span) (most int) {
	for run, i := 0, s.from; i < s.to; i++ {
		if run++; a[i] != b[i] {
			run = 0
		}
		most = max(most, run)
	}
	return most
}

// found looks in all of the answer for the value in every form that was made of
// it, and for the value itself once encodings have been undone.
func (k *checker) found(c *cell, a *answer) string {
	all := a.everything()
	for _, e := range k.forms[c.kind.name] {
		// The ends may share a character with what is beside them.
		if part := e.text[e.secret.from:e.secret.to]; len(part) >= piece+4 && bytes.Contains(all, part[2:len(part)-2]) {
			return fmt.Sprintf("%s of it stands in the answer", e.name)
		}
	}
	parts := c.kind.parts()
	for _, d := range decodings(all) {
		for _, part := range parts {
			if bytes.Contains(bytes.ToLower(d.text), part) {
				return "the value itself, after " + d.how
			}
		}
	}
	return ""
}

// parts are what of a value is secret, in lower case.
func (k kind) parts() (parts [][]byte) {
	for _, line := range k.secretLines() {
		if len(line) >= piece {
			parts = append(parts, bytes.ToLower(line))
		}
	}
	return parts
}

// secretLines are those of the secret part.
func (k kind) secretLines() [][]byte {
	s := k.secretPart()
	return bytes.FieldsFunc([]byte(k.value[s.from:s.to]), func(r rune) bool { return r == '\n' || r == '\r' })
}
