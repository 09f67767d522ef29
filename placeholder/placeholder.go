// Package placeholder holds the syntax of placeholders, and nothing of what they
// stand for.
//
//	text := placeholder.For("STRIPE_KEY") // "AS_SECRET_STRIPE_KEY"
//	for _, f := range placeholder.Find(body) { fmt.Println(f.Name, f.Start, f.End) }
//	head, err := placeholder.Expand(nil, head, values)       // every occurrence
//	query, err = placeholder.ExpandEncoded(nil, query, placeholder.InQuery, values, escape) // %5F and base64 too
//	src := placeholder.NewReader(src, values)                // Expand for a stream
//	src = stream.NewReader(src, placeholder.NewJSON(fields)) // whole string values
//	src = stream.NewReader(src, placeholder.NewForm(fields)) // whole form values; NewMultipart is the same
//
// What comes out does not depend on how the input was cut into chunks. Values are
// put in once and never searched for placeholders. All that is not expanded
// passes byte for byte. An error of a callback is returned as it is; until then
// came out what stood before that placeholder.
package placeholder

import (
	"bytes"
	"errors"
)

// Prefix is what every placeholder begins with; the name follows.
const Prefix = "AS_SECRET_"

// MaxName is the length of the longest name.
const MaxName = 128

// ErrNotAllowed means that a value cannot stand in this place.
var ErrNotAllowed = errors.New("the value cannot stand in this place")

// For is the placeholder of name.
func For(name string) string { return Prefix + name }

// Valid reports whether name is a capital letter and then at most 127 capital
// letters, digits and underscores.
func Valid(name string) bool {
	for i := range len(name) {
		if !nameFits(i, name[i]) {
			return false
		}
	}
	return name != ""
}

// Found is where in a text the placeholder of Name stands.
type Found struct {
	Name       string
	Start, End int
}

// Find lists the placeholders in b. A placeholder takes in every letter, digit
// and underscore that follows the prefix, so that AS_SECRET_KEY is not found in
// AS_SECRET_KEY_2 nor in AS_SECRET_KEYring. What stands before the prefix does not
// matter: the 0 of %20AS_SECRET_KEY is not part of a word.
func Find(b []byte) []Found {
	var all []Found
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte(Prefix))
		if i < 0 {
			return all
		}
		start := at + i
		name := start + len(Prefix)
		at = name + wordLen(b[name:])
		if at-name <= MaxName && Valid(string(b[name:at])) {
			all = append(all, Found{string(b[name:at]), start, at})
		}
	}
}

// fits reports whether a placeholder that begins with held may go on with c.
func fits(held []byte, c byte) bool {
	if n := len(held); n < len(Prefix) {
		return c == Prefix[n]
	}
	return nameFits(len(held)-len(Prefix), c)
}

// whole reports whether held, of which each byte did fit, is a placeholder.
func whole(held []byte) bool { return len(held) > len(Prefix) }

// nameFits reports whether c may be byte i of a name.
func nameFits(i int, c byte) bool {
	upper := 'A' <= c && c <= 'Z'
	return i < MaxName && (upper || i > 0 && (c == '_' || '0' <= c && c <= '9'))
}

// wordLen is how many bytes at the start of b belong to a word.
func wordLen(b []byte) int {
	for i, c := range b {
		if !wordByte(c) {
			return i
		}
	}
	return len(b)
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
