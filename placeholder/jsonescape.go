package placeholder

// unicodeEscape decodes the inside of a JSON string byte by byte, as far as a
// placeholder can be written in it: characters, and ASCII as \u00XX.
type unicodeEscape struct {
	seen int // bytes of an escape
	code int
	bad  bool // it is no such text
}

// decode takes in c and returns the byte that ends with it, if one does.
func (e *unicodeEscape) decode(c byte) (out byte, ok bool) {
	switch h := unhex(c); {
	case e.bad:
		return 0, false
	case e.seen == 0 && c != '\\':
		return c, true
	case e.seen == 1 && c != 'u', e.seen > 1 && h < 0:
		e.bad = true
		return 0, false
	case e.seen > 1:
		e.code = e.code<<4 | h
	}
	if e.seen++; e.seen < len(`\u0041`) {
		return 0, false
	}
	out, e.bad = byte(e.code), e.code > '~'
	e.seen, e.code = 0, 0
	return out, !e.bad
}

func (e *unicodeEscape) ended() bool { return e.seen == 0 && !e.bad }
