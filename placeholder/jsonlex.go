package placeholder

// lexer reads JSON texts (RFC 8259) in chunks, as strictly as encoding/json and
// like its Decoder with any space or none between texts. It keeps a byte for each
// array and object that is open, and the path.
type lexer struct {
	state  state
	open   []byte // '[' or '{'
	path   path
	name   bool   // the string is the name of a member
	word   string // what must follow, in inWord
	digits int    // how many must follow, in inHex
}

type state uint8

// What is read next. The zero state expects a value or, outside all arrays and
// objects, the end.
const (
	wantValue state = iota
	wantFirstValue
	wantName
	wantFirstName
	wantColon
	wantComma // or the end of the array or object
	inString
	inEscape
	inHex
	inWord
	afterMinus
	afterZero
	inInteger
	afterPoint
	inFraction
	afterE
	afterSign
	inExponent
	broken
)

// maxDepth is encoding/json's.
const maxDepth = 10_000

// run reads b up to and with the quote that opens a string value, or all of it.
func (l *lexer) run(b []byte) (n int, value bool) {
	for i := 0; i < len(b); i++ {
		if l.state == broken {
			break
		}
		if l.state == inString {
			n := plainLen(b[i:])
			l.keep(b[i : i+n])
			if i += n; i == len(b) {
				break
			}
		}
		if l.step(b[i]) {
			return i + 1, true
		}
	}
	return len(b), false
}

// plainLen is how many bytes at the start of b stand for themselves in a string.
func plainLen(b []byte) int {
	for i, c := range b {
		if c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return len(b)
}

// keep takes in b as part of a string.
func (l *lexer) keep(b []byte) {
	if l.name {
		l.path.extend(b)
	}
}

// step reads c and reports whether it opens a string value.
func (l *lexer) step(c byte) bool {
	switch {
	case l.state >= afterMinus:
		return l.number(c)
	case l.state >= inString:
		l.text(c)
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
	case l.state == wantValue, l.state == wantFirstValue && c != ']':
		return l.begin(c)
	default:
		l.structure(c)
	}
	return false
}

// begin reads the first byte of a value.
func (l *lexer) begin(c byte) (str bool) {
	switch {
	case c == '"':
		l.state, l.name = inString, false
		return true
	case c == '{' || c == '[':
		l.enter(c)
	case c == 't':
		l.state, l.word = inWord, "rue"
	case c == 'f':
		l.state, l.word = inWord, "alse"
	case c == 'n':
		l.state, l.word = inWord, "ull"
	case c == '-':
		l.state = afterMinus
	case c == '0':
		l.state = afterZero
	case '1' <= c && c <= '9':
		l.state = inInteger
	default:
		l.state = broken
	}
	return false
}

// structure reads what stands between values.
func (l *lexer) structure(c byte) {
	closed := l.state == wantComma
	switch {
	case c == '"' && (l.state == wantName || l.state == wantFirstName):
		l.state, l.name = inString, true
		l.path.startName()
	case c == ':' && l.state == wantColon:
		l.state = wantValue
	case c == ',' && closed && l.inArray():
		l.state = wantValue
		l.path.nextIndex()
	case c == ',' && closed:
		l.state = wantName
	case c == ']' && (l.state == wantFirstValue || closed && l.inArray()),
		c == '}' && (l.state == wantFirstName || closed && !l.inArray()):
		l.leave()
	default:
		l.state = broken
	}
}

func (l *lexer) inArray() bool { return l.open[len(l.open)-1] == '[' }

func (l *lexer) enter(c byte) {
	if len(l.open) == maxDepth {
		l.state = broken
		return
	}
	l.open = append(l.open, c)
	l.path.enter(c == '[')
	if l.state = wantFirstName; c == '[' {
		l.state = wantFirstValue
	}
}

func (l *lexer) leave() {
	l.open = l.open[:len(l.open)-1]
	l.path.leave()
	l.endValue()
}

func (l *lexer) endValue() {
	if l.state = wantComma; len(l.open) == 0 {
		l.state = wantValue
	}
}

// text reads a byte of a string, or of true, false or null.
func (l *lexer) text(c byte) {
	switch l.state {
	case inString:
		l.special(c)
	case inEscape:
		l.keep([]byte{c})
		l.escape(c)
	case inHex:
		l.keep([]byte{c})
		if l.digits--; unhex(c) < 0 {
			l.state = broken
		} else if l.digits == 0 {
			l.state = inString
		}
	case inWord:
		if c != l.word[0] {
			l.state = broken
		} else if l.word = l.word[1:]; l.word == "" {
			l.endValue()
		}
	}
}

// special reads what does not stand for itself in a string.
func (l *lexer) special(c byte) {
	switch {
	case c == '\\':
		l.keep([]byte{c})
		l.state = inEscape
	case c != '"':
		l.state = broken
	case l.name:
		l.state = wantColon
	default:
		l.endValue()
	}
}

func (l *lexer) escape(c byte) {
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		l.state = inString
	case 'u':
		l.state, l.digits = inHex, 4
	default:
		l.state = broken
	}
}

// number reads a byte of a number or, since a number has no end of its own, the
// first one after it.
func (l *lexer) number(c byte) bool {
	s := l.state
	integer := s == afterZero || s == inInteger
	switch {
	case '0' <= c && c <= '9' && s != afterZero:
		l.state = withDigit(s, c)
	case c == '.' && integer:
		l.state = afterPoint
	case c|0x20 == 'e' && (integer || s == inFraction):
		l.state = afterE
	case (c == '+' || c == '-') && s == afterE:
		l.state = afterSign
	case integer || s == inFraction || s == inExponent:
		l.endValue()
		return l.step(c)
	default:
		l.state = broken
	}
	return false
}

func withDigit(s state, c byte) state {
	switch s {
	case afterMinus:
		if c == '0' {
			return afterZero
		}
		return inInteger
	case afterPoint:
		return inFraction
	case afterE, afterSign:
		return inExponent
	}
	return s
}
