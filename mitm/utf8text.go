package mitm

import "unicode/utf8"

// utf8Text follows a text that comes in parts.
type utf8Text struct{ rest []byte } // the start of a character

// broken looks at the next part. If it has bytes that no UTF-8 has, it returns where
// the first of them end, else -1. An end is never behind a byte that is ASCII unless
// that stood before the fault: what begins there is looked at with what follows.
func (u *utf8Text) broken(b []byte) int {
	if len(u.rest) == 0 && utf8.Valid(b) {
		return -1
	}
	for i, c := range b {
		if len(u.rest) == 0 && c < utf8.RuneSelf {
			continue
		}
		u.rest = append(u.rest, c)
		if !utf8.FullRune(u.rest) {
			continue
		}
		r, n := utf8.DecodeRune(u.rest)
		bad := r == utf8.RuneError && n < 2
		u.rest = u.rest[:0]
		if bad && c < utf8.RuneSelf {
			return i
		} else if bad {
			return i + 1
		}
	}
	return -1
}
