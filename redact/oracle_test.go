package redact

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
)

// oracleValues are of the kinds that have forms of their own.
var oracleValues = []string{
	"sk-live-Zq3/vN8+xTr7=mK2pW9",
	`p"a'ss \w<o>r&d%41;\u0042`,
	"pässwörd→Zq3vN8xTr7",
	"hunter-2",
}

// holdsWhole reports whether text has a form of value as a whole, as it stands or with its escapes undone.
func holdsWhole(text []byte, patterns []pattern) bool {
	for range 3 {
		for _, p := range patterns {
			if bytes.Contains(text, p.text) {
				return true
			}
		}
		text = undone(text)
	}
	return false
}

// What is less than the whole of a form passes byte for byte: every beginning, end and middle of each of them.
func TestE6EveryPart(t *testing.T) {
	for _, value := range oracleValues {
		s, patterns := setWith(value), patternsOf([]byte(value), NewSet().limits)
		tried, whole := 0, 0
		for _, p := range patterns {
			for from := range p.text {
				for to := from + 1; to <= len(p.text); to++ {
					part := p.text[from:to]
					own := len(part) < len(value) && strings.Contains(value, string(part)) // is never whole, whatever is looked for
					if !own && holdsWhole(part, patterns) {
						whole++
						continue
					}
					tried++
					if out, n := s.Value(part); n != nil || !bytes.Equal(out, part) {
						t.Fatalf("%q, a part of the form %v, came back as %q", part, p.form, out)
					}
				}
			}
		}
		t.Logf("%d parts of %d forms of a value of %d bytes pass; %d more hold a whole form", tried, len(patterns), len(value), whole)
		if tried < 1000 && len(value) > 8 || whole == 0 {
			t.Errorf("%d parts, %d with a whole form", tried, whole)
		}
	}
}

// So do texts of many parts, in streams cut anywhere and in bodies that come whole.
func TestE6TextsOfParts(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	value := oracleValues[0]
	s, patterns := setWith(value), patternsOf([]byte(value), NewSet().limits)
	tried := 0
	for range 5000 {
		var text []byte
		for range 1 + r.IntN(8) {
			p := patterns[r.IntN(len(patterns))].text
			from := r.IntN(len(p))
			text = append(text, p[from:from+r.IntN(len(p)-from)]...)
			text = append(text, []string{"", " ", "\n", `","`, "%", `\`, "=\r\n"}[r.IntN(7)]...)
		}
		if holdsWhole(text, patterns) || holdsWhole(withoutBreaks(text), patterns) {
			continue
		}
		tried++
		for way, src := range map[string]io.Reader{
			"as it comes":  NewReader(bytes.NewReader(text), s),
			"byte by byte": NewReader(iotest.OneByteReader(bytes.NewReader(text)), s),
			"whole":        NewBodyReader(bytes.NewReader(text), s, int64(len(text))),
		} {
			if out, err := io.ReadAll(src); err != nil || !bytes.Equal(out, text) {
				t.Fatalf("%s: %q came back as %q, %v", way, text, out, err)
			}
		}
	}
	if tried < 1000 {
		t.Errorf("%d texts are too few", tried)
	}
}

// withoutBreaks is text as it is when lines that were broken are joined.
func withoutBreaks(text []byte) []byte {
	return []byte(strings.NewReplacer("=\r\n", "", "\n", "", "\r", "").Replace(string(text)))
}

// How much of each chunk is released does not tell a right beginning from a wrong one: not at the cap, not beyond it.
func TestE5AnyChunks(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	value := oracleValues[0]
	s := setWith(value)
	for range 2000 {
		n := 1 + r.IntN(len(value))
		wrong := []byte(value[:n])
		wrong[r.IntN(n)] ^= 1 // stays no space and no control
		before := strings.Repeat("x", r.IntN(9000))
		if r.IntN(2) == 0 {
			before = before[:len(before)/2] + "\n" + before[len(before)/2:]
		}
		cuts := rand.New(rand.NewPCG(r.Uint64(), 0))
		at := cuts.IntN(1 << 20)
		a, b := lets(s, before+value[:n], at), lets(s, before+string(wrong), at)
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("%d bytes ahead: of %q chunk %d releases %d, of %q %d", len(before), value[:n], i, a[i], wrong, b[i])
			}
		}
	}
}

// lets is how much a stream lets go with each chunk of text, cut as seed says.
func lets(s *Set, text string, seed int) []int {
	r, w := rand.New(rand.NewPCG(uint64(seed), 1)), s.Rewriter()
	var all []int
	for b := []byte(text); len(b) > 0; {
		n := min(1+r.IntN(3000), len(b))
		out, _ := w.Feed(nil, b[:n])
		all, b = append(all, len(out)), b[n:]
	}
	return all
}
