// Package canary makes up values, and shows each in every form in which a redactor
// has to find it.
//
//	for _, v := range canary.Values() {
//		for _, f := range canary.Forms(v) {
//			out := covered(f.Text)             // by the redactor that is on trial
//			if !f.Covered(out) {
//				…                          // it misses f.Name, as f.By writes it
//			}
//		}
//	}
//
// Guarantees: what encodes is the standard library, or is written here; it shares
// nothing with the redactor, so that a fault of the one is not a fault of the other.
// A value is random, and no value that anybody stored.
package canary

import (
	"crypto/rand"
	"strings"
)

// Value makes one up, for all places of a request: in it is what encoders escape, a
// letter beyond ASCII, and what differs in the two alphabets of base64, wherever it begins.
func Value() string { return "c4n" + random(8) + `/+="` + random(4) + `'<é>&\~???` + random(8) }

// Values are made up in the shapes that values have: one that needs escapes, a short
// one, and one of several lines, of which the first is a secret by itself.
func Values() []string { return []string{Value(), random(10), random(24) + "\n" + random(10)} }

// random is n letters and digits of each kind, the first four of which differ in kind,
// so that no form of the text is another one by chance.
func random(n int) string {
	const upper, lower, digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"
	kinds := []string{upper, lower, digits, lower}
	b := make([]byte, n)
	rand.Read(b)
	for i, c := range b {
		from := upper + lower + digits
		if i < len(kinds) {
			from = kinds[i]
		}
		b[i] = from[int(c)%len(from)]
	}
	return string(b)
}

// A Form is a text in which a value is written in one way.
type Form struct {
	Name  string // of the form, as audit and metrics name it
	By    string // who writes it so
	Text  string
	Whole bool // the value is broken over lines: to be found in what is at hand as a whole

	from, to int // where in Text all bytes tell of the value
}

// Covered reports whether out is Text without the value: all that tells of it is
// overwritten, and nothing else is but for characters at its edges that it shares
// with its neighbours.
func (f *Form) Covered(out string) bool {
	const edge = 2
	if len(out) != len(f.Text) {
		return false
	}
	before, after := max(0, f.from-edge), min(len(out), f.to+edge)
	if out[:before] != f.Text[:before] || out[after:] != f.Text[after:] {
		return false
	}
	return strings.Trim(strings.Replace(out[f.from:f.to], "[REDACTED_BY_AGENTSECRETS]", "", 1), "*") == ""
}
