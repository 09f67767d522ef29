package placeholder

// percent decodes the URL encoding of forms byte by byte, as url.QueryUnescape.
type percent struct {
	seen int // bytes of an escape
	high int
	bad  bool
}

// decode takes in c and returns the byte that ends with it, if one does.
func (p *percent) decode(c byte) (out byte, ok bool) {
	if p.bad {
		return 0, false
	}
	if p.seen == 0 {
		switch c {
		case '%':
			p.seen = 1
			return 0, false
		case '+':
			return ' ', true
		}
		return c, true
	}
	h := unhex(c)
	if p.bad = h < 0; p.bad {
		return 0, false
	}
	if p.seen == 1 {
		p.seen, p.high = 2, h
		return 0, false
	}
	p.seen = 0
	return byte(p.high<<4 | h), true
}

// ended reports whether what came so far can be decoded.
func (p *percent) ended() bool { return p.seen == 0 && !p.bad }

// unhex is the value of a hexadecimal digit, -1 for another byte.
func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
