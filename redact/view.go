package redact

import (
	"bytes"
	"slices"
	"sort"
)

// A view is a text with something of its form undone, and where in the source
// each byte of it stands. Of a source it holds the stretches that change only;
// between two there is a line break, which is in no pattern.
type view struct {
	text  []byte
	parts []part
	from  []byte // the source
}

// A part is where a stretch of a view comes from: byte for byte, or, when from
// is set, all of it from as many bytes at src.
type part struct {
	at, src, from int32
}

func (v *view) reset(b []byte) { v.text, v.parts, v.from = v.text[:0], v.parts[:0], b }

// forget overwrites what v has of texts.
func (v *view) forget() {
	clear(v.text)
	v.reset(nil)
}

// literal appends b[from:to] as it is.
func (v *view) literal(b []byte, from, to int) {
	if from < to {
		v.parts = append(v.parts, part{at: int32(len(v.text)), src: int32(from)})
		v.text = append(v.text, b[from:to]...)
	}
}

func (v *view) escape(u *unescaped, src int) {
	if u.n > 0 {
		v.parts = append(v.parts, part{at: int32(len(v.text)), src: int32(src), from: int32(u.from)})
		v.text = append(v.text, u.text[:u.n]...)
	}
}

// source says where in the source v.text[start:end], which must not be empty, is.
func (v *view) source(start, end int) (int, int) {
	first, last := v.part(start), v.part(end-1)
	from, to := int(first.src), int(last.src+last.from)
	if first.from == 0 {
		from += start - int(first.at)
	}
	if last.from == 0 {
		to += end - int(last.at)
	}
	return from, to
}

// undone is the form of the escapes in v.text[start:end], verbatim without any.
func (v *view) undone(start, end int) form {
	all := verbatim
	for i := v.at(start); i < len(v.parts) && int(v.parts[i].at) < end; i++ {
		if v.parts[i].from > 0 {
			all = all.and(escapesOf(v.from[v.parts[i].src]))
		}
	}
	return all
}

// escapesOf is the form of the escapes that begin with c. Those of quoted-printable
// are named by who undoes them.
func escapesOf(c byte) form {
	switch c {
	case '%':
		return inPercent
	case '\\':
		return inJSON
	case '&':
		return inHTML
	}
	return verbatim
}

// and is the form of what has escapes of f and of o.
func (f form) and(o form) form {
	switch {
	case f == verbatim, f == o:
		return o
	case o == verbatim:
		return f
	}
	return inMixed
}

func (v *view) part(at int) part { return v.parts[v.at(at)] }

// at is the index of the part in which v.text[i] is.
func (v *view) at(i int) int {
	return sort.Search(len(v.parts), func(k int) bool { return int(v.parts[k].at) > i }) - 1
}

// A cursor stands at the next place of a byte.
type cursor struct {
	c  byte
	at int
}

// seek moves c to the next place at or behind from, or to the end of b.
func (c *cursor) seek(b []byte, from int) {
	if i := bytes.IndexByte(b[from:], c.c); i >= 0 {
		c.at = from + i
	} else {
		c.at = len(b)
	}
}

// cursors find the bytes with which escapes begin, each at the speed of IndexByte.
type cursors [3]cursor

func newCursors(b []byte) cursors {
	cs := cursors{{'%', -1}, {'\\', -1}, {'&', -1}}
	cs.seek(b, 0)
	return cs
}

func (cs *cursors) seek(b []byte, from int) int {
	for i := range cs {
		if cs[i].at < from {
			cs[i].seek(b, from)
		}
	}
	return min(cs[0].at, cs[1].at, cs[2].at)
}

// unescape makes v of the runs of b in which there are escapes, one layer of
// them undone, and reports whether there were any.
func (v *view) unescape(b []byte, in blanks) bool {
	v.reset(b)
	cs := newCursors(b)
	done := 0 // b is, up to here
	for p := cs.seek(b, 0); p < len(b); {
		u := unescape(b[p:])
		if u.from == 0 {
			p = cs.seek(b, p+1)
			continue
		}
		start := p - in.heldBefore(b[done:p])
		end := p + in.heldAfter(b, p)
		if len(v.text) > 0 {
			v.text = append(v.text, '\n')
		}
		v.literal(b, start, p)
		v.escape(&u, p)
		done, p = end, v.run(b, p+u.from, end, &cs)
	}
	return len(v.text) > 0
}

// run appends b[from:end], and returns the place of the first sign of an escape
// behind it.
func (v *view) run(b []byte, from, end int, cs *cursors) int {
	p := cs.seek(b, from)
	for p < end {
		if b[p] == '\\' && p+1 < end && (b[p+1] == '"' || b[p+1] == '\\') { // nearly all in JSON
			v.literal(b, from, p)
			v.parts = append(v.parts, part{at: int32(len(v.text)), src: int32(p), from: 2})
			v.text = append(v.text, b[p+1])
			from = p + 2
			p = cs.seek(b, from)
			continue
		}
		u := unescape(b[p:end])
		if u.from == 0 {
			p = cs.seek(b, p+1)
			continue
		}
		v.literal(b, from, p)
		v.escape(&u, p)
		from = p + u.from
		p = cs.seek(b, from)
	}
	v.literal(b, from, end)
	return p
}

// join makes v of the whole of b without line breaks and the blanks around them,
// and reports whether there were any: a form may be wrapped at any column.
func (v *view) join(b []byte) bool {
	v.reset(b)
	from, lf, cr := 0, cursor{'\n', -1}, cursor{'\r', -1}
	for {
		if lf.at < from {
			lf.seek(b, from)
		}
		if cr.at < from {
			cr.seek(b, from)
		}
		end := min(lf.at, cr.at)
		if end == len(b) {
			break
		}
		if from == 0 {
			v.text = slices.Grow(v.text, len(b))
			v.parts = slices.Grow(v.parts, 1+min(bytes.Count(b, []byte("\n")), 256)) // empty lines have none
		}
		text := end
		for text > from && (b[text-1] == ' ' || b[text-1] == '\t') {
			text--
		}
		v.literal(b, from, text)
		for from = end; from < len(b) && (b[from] == ' ' || b[from] == '\t' || b[from] == '\r' || b[from] == '\n'); from++ {
		}
	}
	if from == 0 {
		return false
	}
	v.literal(b, from, len(b))
	return true
}

// unquote makes v of the whole of b without the soft line breaks and escapes of
// quoted-printable (RFC 2045 6.7), and reports whether there were any.
func (v *view) unquote(b []byte) bool {
	v.reset(b)
	from, eq := 0, cursor{'=', -1}
	for eq.seek(b, 0); eq.at < len(b); {
		u := quoted(b[eq.at:])
		if u.from == 0 {
			eq.seek(b, eq.at+1)
			continue
		}
		v.literal(b, from, eq.at)
		v.escape(&u, eq.at)
		from = eq.at + u.from
		eq.seek(b, from)
	}
	if from == 0 {
		return false
	}
	v.literal(b, from, len(b))
	return true
}

// quoted reads what begins b with '='.
func quoted(b []byte) unescaped {
	end := 1 + len(b[1:]) - len(bytes.TrimLeft(b[1:], " \t")) // padding that transport adds
	switch {
	case bytes.HasPrefix(b[end:], []byte("\r\n")):
		return unescaped{from: end + 2}
	case bytes.HasPrefix(b[end:], []byte("\n")):
		return unescaped{from: end + 1}
	}
	return octet(b, 1, 2, 16)
}
