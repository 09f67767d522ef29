package redact

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// An unescaped is what one escape stands for.
type unescaped struct {
	text [utf8.UTFMax]byte
	n    int // bytes of text; none for a line break, which encoders put in where they wrap
	from int // bytes that the escape has, 0 where there is none
}

// unescape reads the escape that begins b with '%', '\' or '&'. An escape never
// has a space or a control byte in it, so it never spans the end of a run.
func unescape(b []byte) unescaped {
	switch b[0] {
	case '%':
		return percentEscape(b)
	case '\\':
		return backslashEscape(b)
	}
	return entity(b)
}

func percentEscape(b []byte) unescaped {
	if len(b) >= 3 && b[1] == 'u' { // JavaScript escape
		return unit(b, 2)
	}
	return octet(b, 1, 2, 16)
}

// backslashEscape knows the escapes of JSON, JavaScript, Python, C and shells.
// A backslash before punctuation is for that sign alone, in Markdown too; before
// another escape it belongs to what that stands for.
func backslashEscape(b []byte) unescaped {
	if len(b) < 2 {
		return unescaped{}
	}
	switch c := b[1]; {
	case c == '"', c == '\\', c == '/': // by far the most
		return unescaped{text: [utf8.UTFMax]byte{c}, n: 1, from: 2}
	case c == 'u' && len(b) > 2 && b[2] == '{':
		return braced(b)
	case c == 'u':
		return unit(b, 2)
	case c == 'U':
		if r, ok := digits(b, 2, 8, 16); ok {
			return character(rune(r), 10)
		}
	case c == 'x':
		return octet(b, 2, 2, 16)
	case isDigit(c):
		return octet(b, 1, 3, 8)
	case c == 'n', c == 'r':
		return unescaped{from: 2}
	case c == 't':
		return character('\t', 2)
	case c == 'b':
		return character('\b', 2)
	case c == 'f':
		return character('\f', 2)
	case (c == '%' || c == '&') && unescape(b[1:]).from > 0:
	case c > ' ' && c != 0x7f && !isAlnum(c): // in characters of UTF-8, Perl's quotemeta puts one before each byte
		return unescaped{text: [utf8.UTFMax]byte{c}, n: 1, from: 2}
	}
	return unescaped{}
}

// digits reads n digits at b[at:].
func digits(b []byte, at, n, base int) (value int, ok bool) {
	if len(b) < at+n {
		return 0, false
	}
	for _, c := range b[at : at+n] {
		d := digit(c)
		if d >= base {
			return 0, false
		}
		value = value*base + d
	}
	return value, true
}

func digit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20) - 'a' + 10
	}
	return 16
}

// octet is a byte written with n digits at b[at:].
func octet(b []byte, at, n, base int) unescaped {
	v, ok := digits(b, at, n, base)
	switch {
	case !ok || v > 0xff:
		return unescaped{}
	case v == '\n' || v == '\r':
		return unescaped{from: at + n}
	}
	return unescaped{text: [utf8.UTFMax]byte{byte(v)}, n: 1, from: at + n}
}

// unit is a UTF-16 unit of four digits at b[at:], or a pair of them.
func unit(b []byte, at int) unescaped {
	v, ok := digits(b, at, 4, 16)
	if !ok {
		return unescaped{}
	}
	end := at + 4
	if utf16.IsSurrogate(rune(v)) && len(b) >= 2*end && b[end] == b[0] && b[end+1] == b[1] {
		if low, ok := digits(b, end+at, 4, 16); ok {
			if r := utf16.DecodeRune(rune(v), rune(low)); r != utf8.RuneError {
				return character(r, 2*end)
			}
		}
	}
	return character(rune(v), end)
}

const maxEscape = 12 // bytes; a pair of units has as many

// braced is a character such as \u{1f511}.
func braced(b []byte) unescaped {
	v, i := 0, 3
	for ; i < min(len(b), maxEscape-1) && digit(b[i]) < 16; i++ {
		v = v<<4 | digit(b[i])
	}
	if i == 3 || i == len(b) || b[i] != '}' {
		return unescaped{}
	}
	return character(rune(v), i+1)
}

// character is r, written with from bytes.
func character(r rune, from int) unescaped {
	u := unescaped{from: from}
	if r != '\n' && r != '\r' {
		u.n = utf8.EncodeRune(u.text[:], r)
	}
	return u
}

// entity is a character reference of HTML.
func entity(b []byte) unescaped {
	if len(b) < 3 {
		return unescaped{}
	}
	if b[1] == '#' {
		return numericEntity(b)
	}
	i := 1
	for i < min(len(b), maxEscape) && isAlnum(b[i]) {
		i++
	}
	if i == len(b) || b[i] != ';' {
		return unescaped{}
	}
	if r := named(b[1:i]); r != 0 {
		return character(r, i+1)
	}
	return unescaped{}
}

func numericEntity(b []byte) unescaped {
	base, first := 10, 2
	if b[2]|0x20 == 'x' {
		base, first = 16, 3
	}
	v, i := 0, first
	for ; i < min(len(b), maxEscape) && digit(b[i]) < base; i++ {
		v = v*base + digit(b[i])
	}
	if i == first || i == len(b) || b[i] != ';' {
		return unescaped{}
	}
	return character(rune(v), i+1)
}

// named is the character of an entity: the signs of ASCII, and Latin-1 (HTML 4, 24.2.1).
func named(name []byte) rune {
	switch string(name) {
	case "amp", "AMP":
		return '&'
	case "lt", "LT":
		return '<'
	case "gt", "GT":
		return '>'
	case "quot", "QUOT":
		return '"'
	case "apos":
		return '\''
	}
	if i := entityAt("excl quot num dollar percnt amp apos lpar rpar ast plus comma hyphen period sol", name); i >= 0 {
		return rune("!\"#$%&'()*+,-./"[i])
	}
	if i := entityAt("colon semi lt equals gt quest commat lsqb bsol rsqb Hat lowbar grave lcub verbar rcub", name); i >= 0 {
		return rune(":;<=>?@[\\]^_`{|}"[i])
	}
	if i := entityAt("lbrack rbrack lbrace rbrace vert UnderBar midast", name); i >= 0 {
		return rune("[]{}|_*"[i])
	}
	if i := entityAt(latinEntities, name); i >= 0 {
		return rune(0xa0 + i)
	}
	return 0
}

const latinEntities = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr" +
	" deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest" +
	" Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml" +
	" ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig" +
	" agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml" +
	" eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml"

// entityAt is the place of name in a list of names, or -1.
func entityAt(list string, name []byte) int {
	for i := 0; list != ""; i++ {
		var next string
		if next, list, _ = strings.Cut(list, " "); next == string(name) {
			return i
		}
	}
	return -1
}
