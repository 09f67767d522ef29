package redact

import (
	"bytes"
	"strings"
)

// What a line must have to be looked for by itself: less would be met by chance.
const (
	minLine     = 16 // bytes
	minLineBits = 60
)

// lines lists the parts of a value of several lines that are secrets by
// themselves. Armour, public blocks and fields that anybody may know are none:
// they stand in texts that have nothing to do with the value. A line break may
// also be written \n, as in a JSON file that holds a PEM key.
func lines(value []byte) [][]byte {
	var out [][]byte
	var in armour
	for _, line := range splitLines(value) {
		line = bytes.TrimSpace(line)
		if in.skips(line) {
			continue
		}
		if line = fieldText(line); len(line) >= minLine && strength(line) >= minLineBits {
			out = append(out, line)
		}
	}
	return out
}

// splitLines returns nil when value is one line.
func splitLines(value []byte) [][]byte {
	plain := bytes.FieldsFunc(value, isControl)
	var out [][]byte
	for _, line := range plain {
		line = bytes.ReplaceAll(line, []byte(`\r`), []byte(`\n`))
		out = append(out, bytes.Split(line, []byte(`\n`))...)
	}
	if len(out) == 1 && len(out[0]) == len(value) {
		return nil
	}
	return out
}

// armour follows the blocks of RFC 7468 and their relatives.
type armour struct {
	public bool // a certificate or a public key
	head   bool // fields may come before the block's text (RFC 1421 4.6)
}

func (a *armour) skips(line []byte) bool {
	switch {
	case bytes.Contains(line, []byte("-----BEGIN ")):
		a.head = true
		a.public = bytes.Contains(line, []byte("CERTIFICATE")) || bytes.Contains(line, []byte("PUBLIC KEY"))
	case bytes.Contains(line, []byte("-----END ")):
		*a = armour{}
	case a.head && bytes.Contains(line, []byte(": ")):
	default:
		a.head = false
		return a.public || bytes.HasPrefix(line, []byte("----"))
	}
	return true
}

// fieldText is the text of a line such as `"name": "text",` or `NAME=text`, and
// any other line as it is. A field's name is public, and whoever echoes the text
// need not repeat the name.
func fieldText(line []byte) []byte {
	i := bytes.IndexAny(line, ":=")
	if i < 1 {
		return line
	}
	name := bytes.Trim(line[:i], `"' `)
	text := bytes.Trim(bytes.TrimSuffix(bytes.TrimSpace(line[i+1:]), []byte(",")), `"'`)
	if len(name) == 0 || strength(name) >= minLineBits || bytes.IndexFunc(name, notInName) >= 0 {
		return line
	}
	if bytes.HasPrefix(text, []byte("//")) { // a URL
		return line
	}
	return text
}

func notInName(r rune) bool {
	return r >= 0x80 || !isAlnum(byte(r)) && r != '_' && r != '-' && r != '.'
}

// strength estimates in bits how hard line is to guess, for telling random text from words
// and addresses.
func strength(line []byte) float64 {
	if i := bytes.Index(line, []byte("://")); i >= 0 || isMail(line) {
		best := 0.0
		for part := range bytes.FieldsFuncSeq(line, func(r rune) bool { return strings.ContainsRune("/:@.?&=", r) }) {
			best = max(best, strengthOf(part))
		}
		return best
	}
	return strengthOf(line)
}

func isMail(line []byte) bool {
	_, domain, ok := bytes.Cut(line, []byte("@"))
	return ok && !bytes.ContainsAny(line, " ;=:/") && bytes.IndexByte(domain, '.') > 0 && !bytes.ContainsAny(domain, "@_!#$%&*+")
}

func strengthOf(line []byte) float64 {
	each := 5.2 // a letter or digit of a mixed text
	if bytes.IndexFunc(line, func(r rune) bool { return r > 'f' || r >= 'G' && r <= 'Z' }) < 0 {
		each = 4
	}
	if bytes.IndexFunc(line, func(r rune) bool { return r >= 0x80 || r > '9' && isAlnum(byte(r)) }) < 0 {
		each = 3.3
	}
	sum := 0.0
	for i := 0; i < len(line); {
		if n := word(line[i:]); n > 0 {
			sum += 2 * float64(n)
			i += n
			continue
		}
		switch c := line[i]; {
		case i > 0 && c == line[i-1], i > 1 && follows(line[i-2:i+1]):
			sum += 0.5
		case each > 5 && isDigit(c) && isBesideDigit(line, i): // a year, a count
			sum += 2.5
		case isAlnum(c), c == '+', c == '/', c >= 0x80:
			sum += each
		default:
			sum++
		}
		i++
	}
	return sum
}

// follows reports whether three bytes are a sequence, up or down.
func follows(b []byte) bool {
	return b[1] == b[0]+1 && b[2] == b[1]+1 || b[0] == b[1]+1 && b[1] == b[2]+1
}

func isBesideDigit(b []byte, i int) bool {
	return i > 0 && isDigit(b[i-1]) || i+1 < len(b) && isDigit(b[i+1])
}

// word is the length of what looks like a word at the start of text, else 0.
func word(text []byte) int {
	n := 0
	if isUpper(text[0]) {
		n = 1
	}
	for n < len(text) && isLower(text[n]) {
		n++
	}
	if n < 4 {
		return 0
	}
	return n
}
