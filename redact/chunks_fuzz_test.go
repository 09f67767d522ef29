package redact

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// verbatimOnly is a set that looks for values in no other form: what fuzzing is
// after is the search, and it needs speed.
func verbatimOnly(values [][]byte) *Set {
	s := newSet(tiny)
	for _, v := range values[:min(len(values), 8)] {
		if len(v) < minPattern || len(v) > 100 || bytes.IndexFunc(v, isControl) >= 0 {
			continue
		}
		s.blanks = s.blanks.and(blanksOf(v))
		s.tables.Store(newTables(cut(s.all(), pattern{text: v}, s.limits), s.blanks))
	}
	return s
}

// The search itself: every value as it is, in any text and any chunks.
func FuzzE10AnyChunking(f *testing.F) {
	f.Add([]byte("hunter2hunter2,sk_live_0123456789"), []byte("a hunter2hunter2\nsk_live_0123456789sk_live_0123456789"), []byte{0}, uint16(5))
	f.Add([]byte("aaaaaaaa,abababababababab"), bytes.Repeat([]byte("ab"), 200), []byte{3, 90}, uint16(700))
	f.Add([]byte("pass word 1,\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8"), []byte("pass word 1 cGFzcyB3b3JkIDE= pass%20word%201"), []byte{}, uint16(0))
	f.Fuzz(func(t *testing.T, values, text, sizes []byte, buffer uint16) {
		s := verbatimOnly(bytes.Split(values, []byte(",")))
		if s.Empty() || len(text) > 500 {
			return
		}
		agree(t, s, text, sizes, 1+int(buffer))
		agree(t, s, slices.Concat(text, s.all()[len(text)%len(s.all())].text, text), sizes, 1+int(buffer))
	})
}

// composed is a text of whole patterns, parts of them, the same escaped and broken
// over lines, and what recipe says besides: two bytes of it are a step.
func composed(recipe []byte, patterns []pattern) []byte {
	var text []byte
	for ; len(recipe) >= 2 && len(text) < 1500; recipe = recipe[2:] {
		how, which := recipe[0], recipe[1]
		p := patterns[int(which)%len(patterns)].text
		r := rand.New(rand.NewPCG(uint64(how), uint64(which)))
		switch how % 8 {
		case 0:
			text = append(text, which)
		case 1:
			text = append(text, p[:r.IntN(len(p))]...)
		case 2:
			text = append(text, p[1+r.IntN(len(p)-1):]...)
		case 3:
			text = append(text, scramble(r, p)...)
		case 4:
			text = append(text, scramble(r, scramble(r, p))...)
		case 5:
			text = append(text, wrap(r, p)...)
		case 6:
			text = append(text, around(r)...)
		default:
			text = append(text, p...)
		}
	}
	return text
}

// Every form of any value, whole and in parts, in any chunks and in whole bodies:
// as naive says, so that what has no whole form in it passes byte for byte.
func FuzzE2AllForms(f *testing.F) {
	f.Add([]byte("p@ss/word+1"), []byte{7, 0, 0, '\n', 3, 1, 4, 2, 5, 3}, []byte{1, 7}, uint16(40))
	f.Add([]byte("%41b\\\"c&amp;d e"), []byte{6, 1, 7, 9, 6, 2, 7, 30, 1, 4, 2, 4}, []byte{0}, uint16(900))
	f.Add([]byte("a pass phrase"), []byte{1, 0, 2, 0, 5, 8, 5, 16, 0, ' ', 7, 7}, []byte{200, 3}, uint16(5))
	f.Add([]byte("k\xc3\xa9y-\xf0\x9f\x94\x91-1234"), []byte{7, 5, 0, '"', 7, 11, 0, 0, 4, 11}, []byte{2}, uint16(64))
	f.Fuzz(func(t *testing.T, value, recipe, sizes []byte, buffer uint16) {
		s := newSet(tiny)
		if len(value) > 40 || bytes.ContainsAny(value, "\n\r") || s.add(value) != nil || len(s.all()) == 0 {
			return
		}
		agree(t, s, composed(recipe[:min(len(recipe), 24)], s.all()), sizes, 1+int(buffer))
	})
}

// Parts of forms pass byte for byte, in any chunks: to cover them would tell how
// much of a guess is right.
func FuzzE6PartsPass(f *testing.F) {
	f.Add([]byte("sk_live_4eC39HqLyjWDarjtT1zdp7dc"), []byte{5, 1, 30, 40, 2, 9}, []byte{0}, uint16(9))
	f.Add([]byte("p@ss/word+1%"), []byte{200, 100, 31, 7, 3, 3, 3, 8}, []byte{4, 90}, uint16(300))
	f.Fuzz(func(t *testing.T, value, cuts, sizes []byte, buffer uint16) {
		s := newSet(tiny)
		if len(value) > 40 || bytes.ContainsAny(value, "\n\r") || s.add(value) != nil || len(s.all()) == 0 {
			return
		}
		var text []byte
		for ; len(cuts) >= 2 && len(text) < 1000; cuts = cuts[2:] {
			p := s.all()[int(cuts[0])%len(s.all())].text
			at := 1 + int(cuts[1])%(len(p)-1)
			text = append(append(append(append(text, p[:at]...), "\n"...), p[at:]...), "\x00\n"...)
		}
		if !bytes.Equal(naive(text, s.all(), 0, false), text) {
			return // forms may hold one another
		}
		if got := sized(t, NewReader(&chunks{text: text, sizes: sizes}, s), 1+int(buffer)); !bytes.Equal(got, text) {
			t.Fatalf("%q became %q", text, got)
		}
		if value, n := s.Value(text); !bytes.Equal(value, text) || n != nil {
			t.Fatalf("%q became %q, %v", text, value, n)
		}
	})
}

// A value that is added while a stream runs is covered wherever it begins in what
// was not released by then; others are covered before and after, and nothing else.
func FuzzE10AddedMeanwhile(f *testing.F) {
	f.Add("hunter2hunter2", "abcabcabcabc", "x hunter2hunter2 abcabcabcabc abcabcabcabc hunter2hunter2", []byte{3}, uint16(20))
	f.Add("aaaaaaaa", "aaaaaaaab", strings.Repeat("a", 300)+"b aaaaaaaab", []byte{0, 40}, uint16(9))
	f.Add("abababab", "babababa", strings.Repeat("ab", 300), []byte{250}, uint16(301))
	f.Fuzz(func(t *testing.T, first, second, text string, sizes []byte, when uint16) {
		// The marker has no letter of these: what is covered can be told.
		if strings.ContainsFunc(first+second+text, func(r rune) bool { return !isLower(byte(r)) && !isDigit(byte(r)) && r != ' ' && r != '\n' || r > 0x7f }) ||
			strings.ContainsAny(first+second, " \n") || len(first) > 100 || len(second) > 100 || len(text) > 2000 {
			return
		}
		s := verbatimOnly([][]byte{[]byte(first)})
		w, added, out := s.Rewriter(), -1, []byte(nil)
		for src := (&chunks{text: []byte(text), sizes: sizes}); len(src.text) > 0; {
			if len(text)-len(src.text) >= int(when) && added < 0 {
				added = len(out)
				s.tables.Store(verbatimOnly([][]byte{[]byte(first), []byte(second)}).tables.Load())
			}
			chunk := make([]byte, 300)
			n, _ := src.Read(chunk)
			out, _ = w.Feed(out, chunk[:n])
		}
		out, _ = w.Flush(out)
		want := make([]bool, len(text))
		mark := func(value string, from int) {
			for i := from; from >= 0 && len(value) >= minPattern && i+len(value) <= len(text); i++ {
				if text[i:i+len(value)] == value {
					for k := range value {
						want[i+k] = true
					}
				}
			}
		}
		for _, p := range verbatimOnly([][]byte{[]byte(first)}).all() {
			mark(string(p.text), 0)
		}
		for _, p := range verbatimOnly([][]byte{[]byte(second)}).all() {
			mark(string(p.text), added)
		}
		for i := range text {
			if covered := out[i] != text[i]; covered != want[i] {
				t.Fatalf("byte %d of %q, %q added at %d: covered is %v\n%q", i, text, second, added, covered, out)
			}
		}
	})
}

// What fuzzing found to be of interest is kept, and each go test runs it.
func TestCorpus(t *testing.T) {
	for _, name := range []string{"FuzzE10AnyChunking", "FuzzE2AllForms", "FuzzE6PartsPass", "FuzzE10AddedMeanwhile"} {
		kept, err := filepath.Glob("testdata/fuzz/" + name + "/*")
		if err != nil || len(kept) < 5 {
			t.Errorf("%s has %d inputs, %v", name, len(kept), err)
		}
	}
}
