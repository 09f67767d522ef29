package mitm

import (
	"testing"
	"unicode/utf8"
)

// Where a text breaks does not depend on how it is cut into parts, and no byte of
// ASCII behind the fault is taken for part of it.
func TestBrokenText(t *testing.T) {
	for text, want := range map[string]int{
		"":                           -1,
		"plain":                      -1,
		"κόσμε 😀":                    -1,
		"κ\xff":                      3,
		"\xffA":                      1,
		"\xe1A":                      1,
		"ab\xce":                     -1, // it may go on
		"κόσμε\xf4\x90\x80\x80edit":  12,
		"\xed\xa0\x80":               2, // half of a pair
		"\xc0\xaf":                   1, // longer than need be
		"\xf0\x9f\x98\x80\xf0\x9fA ": 6,
	} {
		for size := 1; size <= len(text)+1; size++ {
			var u utf8Text
			got := -1
			for at := 0; at < len(text) && got < 0; at += size {
				if n := u.broken([]byte(text[at:min(len(text), at+size)])); n >= 0 {
					got = at + n
				}
			}
			if got != want {
				t.Errorf("%q in parts of %d breaks at %d, want %d", text, size, got, want)
			}
			if got >= 0 && utf8.ValidString(text) {
				t.Errorf("%q is valid", text)
			}
		}
	}
}
