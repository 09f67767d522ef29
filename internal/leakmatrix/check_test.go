package main

import (
	"encoding/base64"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
)

// checked is a cell as a proxy might hand it on, and what is to be said of it.
type checked struct {
	name         string
	change       func(c *cell, echo string) string // of the echo
	around       func(planted string) string       // of all that came; nil: nothing
	elsewhere    string                            // in another field
	leak, broken string                            // parts of the verdict; "": none
}

const checkedValue = "sk-live_0123456789abcdefghijklmnopqrstuv"

func stars(n int) string { return strings.Repeat("*", n) }

func TestCheck(t *testing.T) {
	all := []checked{
		{name: "covered", change: func(_ *cell, s string) string { return stars(len(s)) }},
		{name: "as it was", change: func(_ *cell, s string) string { return s }, leak: "in a row"},
		{name: "the first half covered", change: func(_ *cell, s string) string { return stars(len(s)/2) + s[len(s)/2:] }, leak: "in a row"},
		{name: "12 bytes in the middle", change: func(_ *cell, s string) string { return stars(14) + s[14:26] + stars(len(s)-26) }, leak: "12 bytes in a row"},
		{name: "11 bytes in the middle", change: func(_ *cell, s string) string { return stars(14) + s[14:25] + stars(len(s)-25) }},
		{name: "shorter", change: func(_ *cell, s string) string { return stars(len(s) - 1) }, broken: "bytes came"},
		{name: "what is before", change: func(_ *cell, s string) string { return stars(len(s)) }, around: func(s string) string { return "*" + s[1:] }, broken: "around"},
		{name: "what is behind", change: func(_ *cell, s string) string { return stars(len(s)) }, around: func(s string) string { return s[:len(s)-1] + "*" }, broken: "around"},
		{name: "another length, and the value", change: func(_ *cell, s string) string { return s + "+" }, leak: "verbatim", broken: "bytes came"},
		{name: "in another place", change: func(_ *cell, s string) string { return stars(len(s)) }, elsewhere: checkedValue, leak: "verbatim"},
		{name: "in a form that no encoder made", change: func(_ *cell, s string) string { return stars(len(s)) }, elsewhere: url.PathEscape(base64.StdEncoding.EncodeToString([]byte("a:" + checkedValue + ":b"))), leak: "base64"},
		{name: "in the other case", change: func(_ *cell, s string) string { return stars(len(s)) }, elsewhere: strings.ToUpper(checkedValue), leak: "nothing"},
	}
	r := rand.New(rand.NewPCG(1, 2))
	k := foreign(r, checkedValue)[0]
	value := encoded{kind: k, name: "verbatim", text: []byte(checkedValue)}
	for _, twin := range k.twins {
		value.secret = secretIn(value.text, [][]byte{[]byte(twin)})
	}
	for _, x := range all {
		c := &cell{encoded: value, place: places()[1], protocol: http1}
		c.place.around(r, c)
		came := c.before + x.change(c, checkedValue) + c.after
		if x.around != nil {
			came = x.around(came)
		}
		a := &answer{status: 200, body: []byte(filler), fields: fields{{"Content-Type", "text/plain"}, {echoField, came}, {"X-Other", x.elsewhere}}}
		v := newChecker([]encoded{value}).check(c, a)
		if !strings.Contains(v.leak, x.leak) || (x.leak == "") != (v.leak == "") || !strings.Contains(v.broken, x.broken) || (x.broken == "") != (v.broken == "") {
			t.Errorf("%s: leak %q, broken %q", x.name, v.leak, v.broken)
		}
	}
}

// The parts that are secret are found by what changes with the value.
func TestSecretIn(t *testing.T) {
	for _, x := range []struct{ text, twin, secret string }{
		{`{"k":"abcd"}`, `{"k":"wxyz"}`, "abcd"},
		{"Basic dTphYmNk", "Basic dTp3eHl6", "hYmNk"},
		{"-----BEGIN-----\nAB\nCD\n-----END-----", "-----BEGIN-----\nXY\nZW\n-----END-----", "AB\nCD"},
		{"[a\\/b]", "[wxy]", "a\\/b"}, // of another length
		{"same", "same", ""},
	} {
		s := secretIn([]byte(x.text), [][]byte{[]byte(x.twin)})
		if got := x.text[s.from:s.to]; got != x.secret {
			t.Errorf("of %q %q is secret, not %q", x.text, got, x.secret)
		}
	}
}

// A cell that fails makes the run fail, and says what repeats it; one that is
// published does not, unless it comes back no more.
func TestReport(t *testing.T) {
	counts, known := &cell{place: place{name: "body"}}, &cell{place: place{name: "body"}, known: "rot13"}
	for _, x := range []struct {
		results []result
		says    string
	}{
		{[]result{{cell: counts}}, ""},
		{[]result{{counts, verdict{leak: "all of it"}}}, "1 cells leak"},
		{[]result{{counts, verdict{broken: "cut"}}}, "1 cells are broken"},
		{[]result{{cell: counts}, {known, verdict{leak: "all of it"}}}, ""},
		{[]result{{cell: counts}, {known, verdict{broken: "cut"}}}, "1 cells are broken"},
		{[]result{{cell: counts}, {cell: known}}, "found: rot13"},
		{[]result{{known, verdict{leak: "all of it"}}}, "no cell ran that counts"},
	} {
		r := &report{seed: 7, results: x.results, shown: 10}
		err := r.err()
		if (err == nil) != (x.says == "") || err != nil && !strings.Contains(err.Error(), x.says) {
			t.Errorf("%q, not %q", err, x.says)
		}
		var b strings.Builder
		if err := r.write(&b); err != nil {
			t.Fatal(err)
		}
		if failed := len(r.failed()) > 0; strings.Contains(b.String(), "-seed 7 -only") != (failed || len(r.broken()) > 0) {
			t.Errorf("%s", b.String())
		}
	}
}
