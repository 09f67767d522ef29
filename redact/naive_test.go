package redact

import (
	"bytes"
	"io"
	"testing"
)

// naive covers the union of all occurrences of all patterns, with one marker for
// each group that overlaps: what the package does, said in the plainest way.
func naive(text []byte, patterns []pattern) []byte {
	reach := make([]int, len(text)) // how far a match that begins here goes
	for i := range text {
		for _, p := range patterns {
			if bytes.HasPrefix(text[i:], p.text) {
				reach[i] = max(reach[i], i+len(p.text))
			}
		}
	}
	out := bytes.Clone(text)
	for i := 0; i < len(text); i++ {
		if reach[i] == 0 {
			continue
		}
		end := reach[i]
		for k := i; k < end; k++ {
			end = max(end, reach[k])
		}
		copy(out[i:end], bytes.Repeat([]byte("*"), end-i))
		if end-i >= len(Marker) {
			copy(out[i:], Marker)
		}
		i = end - 1
	}
	return out
}

// through reads text through a Reader whose source gives a few bytes at a time,
// and whole, which must come to the same.
func through(t *testing.T, s *Set, text string) (string, Counts) {
	t.Helper()
	whole := NewReader(bytes.NewReader([]byte(text)), s)
	want, err := io.ReadAll(whole)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(NewReader(&chunks{text: []byte(text), sizes: []byte{0, byte(len(text) / 100)}}, s))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("in chunks: %q\nat once:   %q", got, want)
	}
	return string(want), whole.Counts()
}

func setWith(values ...string) *Set {
	s := NewSet()
	for _, v := range values {
		s.add([]byte(v))
	}
	return s
}
