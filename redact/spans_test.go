package redact

import "testing"

// A form of a value without one of the signs has none either, alone or with
// another layer of escapes, but for the semicolon of an entity.
func TestSpans(t *testing.T) {
	for _, c := range []struct {
		value string
		want  bool
	}{
		{"sk-live-4eC39HqLyjWDarjtT1zdp7dc", false},
		{`p@ss"word'<&>/+=%\`, false},
		{"user:password", true},
		{"one,two,three", true},
		{"one;two;three", true},
		{"one two three", true},
	} {
		s := NewSet()
		s.add([]byte(c.value))
		if s.Spans() != c.want {
			t.Errorf("Spans() with %q is %t", c.value, !c.want)
		}
		for _, p := range patternsOf([]byte(c.value), s.limits) {
			for i, b := range p.text {
				if !c.want && (b == ':' || b == ',' || b == ' ' || b == ';' && i+1 < len(p.text) && p.text[i+1] == ' ') {
					t.Errorf("%s of %q has a sign that may stand between parts of a head: %q", p.form, c.value, p.text)
				}
			}
		}
	}
}
