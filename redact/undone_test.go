package redact

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// awkward are values that begin and end with what escapes are made of, and others.
func awkward(r *rand.Rand) string {
	const signs = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
	switch r.IntN(5) {
	case 0:
		return secret(r, r.IntN(6))
	case 1:
		return randomText(r, "0123456789abcdefABCDEFnrtuUxX", 1+r.IntN(3)) + randomText(r, alphanumeric+signs, 8+r.IntN(20)) + randomText(r, signs, r.IntN(3))
	case 2:
		return randomText(r, signs, 1+r.IntN(3)) + randomText(r, alphanumeric+signs+signs, 8+r.IntN(20))
	case 3:
		return randomText(r, "ampltgquot#x;&41u00\\%", 8+r.IntN(12))
	}
	return randomText(r, alphanumeric, 4) + " é🔑" + randomText(r, signs, 3) + randomText(r, alphanumeric+" ", 6+r.IntN(9))
}

// around is text whose end an escape may begin with, or whose start may end one.
func around(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(6) {
		b.WriteString([]string{`\`, `\\`, `%`, `&`, `%5`, `%5c`, `%25`, `u00`, `\u0`, `\u{`, `\x`, `\U0000`, `\1`, `&#`, `&#x`, `&am`, `&amp;`, `p;`, `;`, `41`, `4`, `}`, `"`, `n`, `a`, `%u`, `\ud83d`, ".", "&#x5c;", "&amp"}[r.IntN(30)])
	}
	return b.String()
}

// Forms that have no pattern of their own are found, whatever stands around them
// and wherever a stream is cut.
func TestFormsWithoutPatterns(t *testing.T) {
	r := seeded(t)
	dropped, tried := 0, 0
	for range 25 {
		v := awkward(r)
		s := setWith(v)
		has := map[string]bool{}
		for _, p := range s.all() {
			has[string(p.text)] = true
		}
		for _, p := range formsOf([]byte(v), s.blanks, limits{}) {
			if len(p.text) > s.limits.piece || !s.blanks.isRun(p.text) {
				continue
			}
			tried++
			if has[string(p.text)] {
				continue
			}
			dropped++
			for range 4 {
				missesNothing(t, r, s, v, p)
			}
		}
	}
	t.Logf("%d of %d forms have no pattern of their own", dropped, tried)
	if dropped < tried/8 {
		t.Errorf("only %d of %d forms have no pattern of their own", dropped, tried)
	}
}

func missesNothing(t *testing.T, r *rand.Rand, s *Set, v string, p pattern) {
	t.Helper()
	before, behind := around(r), around(r)
	switch r.IntN(8) {
	case 0: // a run longer than what is held of it, cut anywhere
		before = strings.Repeat(around(r)+"x", 1+r.IntN(800))[r.IntN(2):] + before
	case 1:
		before = strings.Repeat(`\`, r.IntN(9000))
	}
	text := []byte(before + string(p.text) + behind)
	at, end := len(before), len(before)+len(p.text)
	value, _ := s.Value(text)
	out := sized(t, NewReader(&chunks{text: bytes.Clone(text), sizes: []byte{byte(r.IntN(1 << r.IntN(9))), byte(r.IntN(1 << r.IntN(9)))}}, s), 1+r.IntN(9000))
	wrapped := wrap(r, p.text)
	body := sized(t, NewBodyReader(bytes.NewReader(fmt.Appendf(nil, "%s\n", wrapped)), s, int64(len(wrapped)+1)), 100)
	if n := shown(text, value, at, end); n > 0 {
		t.Errorf("%s of %q: %d bytes of %q in %.60q and %q pass: %q", p.form, v, n, p.text, before, behind, value)
	}
	if n := shown(text, out, at, end); n > 0 {
		t.Errorf("%s of %q: %d bytes of %q in %.60q and %q pass a stream", p.form, v, n, p.text, before, behind)
	}
	joined := breakRE.ReplaceAll(wrapped, nil) // a blank at a break goes, too
	if bytes.Equal(joined, p.text) && bytes.Contains(body, p.text[len(p.text)-3:]) {
		t.Errorf("%s of %q: %q passes: %q", p.form, v, wrapped, body)
	}
}

// shown counts the bytes of text[at:end] that are the same in out, but for those
// that a marker has, too.
func shown(text, out []byte, at, end int) int {
	n := 0
	for i := at; i < end; i++ {
		if out[i] == text[i] && !strings.Contains(Marker+"*", string(text[i:i+1])) {
			n++
		}
	}
	return n
}

// What is said to be plain has the same patterns as if each form were looked at.
func TestPlainValues(t *testing.T) {
	r := seeded(t)
	for range 300 {
		v := []byte(randomText(r, []string{alphanumeric + "-_", alphanumeric, "0123456789abcdef-"}[r.IntN(3)], 8+r.IntN(40)))
		l := NewSet().limits
		d := distinct{longest: l.piece, seen: map[string]struct{}{}, gone: map[string]struct{}{}}
		for _, p := range formsOf(v, blanks{}, l) {
			d.add(p.form, p.text)
		}
		n := len(d.list)
		d.unless(inPercent, percentForms(v)...)
		d.unless(inJSON, jsonForms(v)...)
		d.unless(inHTML, htmlForms(v)...)
		if len(d.list) != n {
			t.Errorf("%s: %d patterns, %d when each form is looked at: %s", v, n, len(d.list), d.list[n].text)
		}
	}
}

// A form whose last sign begins an escape with what comes behind it is found by a
// pattern of its own: behind the undone text there is no value any more.
func TestFormsThatEndWithASign(t *testing.T) {
	for _, c := range []struct{ value, form, behind string }{
		{`k"9fK2mQ7xT4vB8nL1cZ%`, `k\"9fK2mQ7xT4vB8nL1cZ%`, "41"},
		{`k"9fK2mQ7xT4vB8nL1c%4`, `k\"9fK2mQ7xT4vB8nL1c%4`, "1"},
		{`k"9fK2mQ7xT4vB8nL1cZ&`, `k\"9fK2mQ7xT4vB8nL1cZ&`, "amp;"},
	} {
		text := []byte("x " + c.form + c.behind + " x")
		out, _ := setWith(c.value).Value(text)
		if n := shown(text, out, 2, 2+len(c.form)); n > 0 {
			t.Errorf("%d bytes of %q pass before %q: %q", n, c.form, c.behind, out)
		}
	}
}
