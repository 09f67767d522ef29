package redact

import "bytes"

// Weak reports whether value can be guessed by whoever sees where an echo was
// covered: it has under 16 bytes, or is easier to guess than random text of that
// length. It tells random text from words, dates and sequences, and knows no
// dictionary; what people made up it may take for weaker than it is.
func Weak(value []byte) bool {
	text := period(value)
	if bytes.IndexFunc(text, isLowerOrDigit) < 0 { // words in capitals are words
		text = lower(text)
	}
	return len(value) < minLine || strength(text) < minLineBits
}

func isLowerOrDigit(r rune) bool { return r < 0x80 && isAlnum(byte(r)) && !isUpper(byte(r)) }

// period is what text repeats, if that is short, or text.
func period(text []byte) []byte {
	for n := 1; n <= min(len(text)/2, 64); n++ {
		if bytes.Equal(text[n:], text[:len(text)-n]) {
			return text[:n]
		}
	}
	return text
}

// OnWeak returns the same set. Of echoes of weak values in what is searched with
// the Set that it returns, weak is told how many were covered, before any byte of
// the text that they are in is released. It may be called concurrently.
func (s *Set) OnWeak(weak func(n int)) *Set { return &Set{s.contents, weak} }

// tell is for n echoes of weak values.
func (s *Set) tell(n int) {
	if n > 0 && s.weak != nil {
		s.weak(n)
	}
}

// isWeak reports whether some of g is an echo of a weak value alone: what lies
// inside the echo of a longer value that nobody guesses, as a password does in a
// URL that is a secret, tells nothing.
func (g *group) isWeak() bool { return g.weak && (g.sureStart > g.start || g.sureEnd < g.end) }

// joinSure is join for what echoes of other values cover. Of two stretches that
// lie apart one is forgotten, so that too much counts as weak rather than too little.
func (g *group) joinSure(o group) {
	g.weak = g.weak || o.weak
	switch {
	case o.sureStart >= o.sureEnd:
	case g.sureStart >= g.sureEnd:
		g.sureStart, g.sureEnd = o.sureStart, o.sureEnd
	case o.sureStart <= g.sureEnd && g.sureStart <= o.sureEnd:
		g.sureStart, g.sureEnd = min(g.sureStart, o.sureStart), max(g.sureEnd, o.sureEnd)
	}
}
