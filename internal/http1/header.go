package http1

import (
	"bytes"
	"net/http"
	"slices"
)

// Header makes a copy of fields, in the shape in which policy and redaction
// look at them. Host is one of them.
func Header(fields []Field) http.Header {
	h := make(http.Header, len(fields))
	size := 0
	for _, f := range fields {
		size += len(f.Name) + len(f.Value)
	}
	all := make([]byte, 0, size)
	for _, f := range fields {
		all = append(appendCanonical(all, f.Name), f.Value...)
	}
	text := string(all) // one for all names and values
	values := make([]string, len(fields))
	for i, f := range fields {
		var name string
		name, text = text[:len(f.Name)], text[len(f.Name):]
		values[i], text = text[:len(f.Value)], text[len(f.Value):]
		if vs, ok := h[name]; ok {
			h[name] = append(vs, values[i])
		} else {
			h[name] = values[i : i+1 : i+1]
		}
	}
	return h
}

// appendCanonical appends name as http.CanonicalHeaderKey has it.
func appendCanonical(dst, name []byte) []byte {
	upper := true
	for _, c := range name {
		switch {
		case upper && 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		case !upper && 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		dst = append(dst, c)
		upper = c == '-'
	}
	return dst
}

// Merge appends to dst the fields of h in the order and with the names of like,
// the fields that h was made of by Header. What h has no more is left out; what
// it has besides follows, sorted. A field of instead stands for all of its name in
// h, which it need not be in; with a nil value it leaves them out.
func Merge(dst, like []Field, h http.Header, instead ...Field) []Field {
	var room [64]byte
	for i, f := range like {
		n := count(like[:i], f.Name)
		if v, ok := valueIn(instead, f.Name); ok {
			if n == 0 && v != nil {
				dst = append(dst, Field{f.Name, v})
			}
			continue
		}
		if values := h[string(appendCanonical(room[:0], f.Name))]; n < len(values) {
			dst = append(dst, Field{f.Name, valueLike(f.Value, values[n])})
		}
	}
	from := len(dst)
	for k, values := range h {
		if _, ok := valueIn(instead, []byte(k)); ok {
			continue
		}
		for _, v := range values[min(count(like, []byte(k)), len(values)):] {
			dst = append(dst, Field{[]byte(k), []byte(v)})
		}
	}
	for _, f := range instead {
		if f.Value != nil && count(like, f.Name) == 0 {
			dst = append(dst, f)
		}
	}
	slices.SortStableFunc(dst[from:], func(a, b Field) int { return bytes.Compare(a.Name, b.Name) })
	return dst
}

func valueIn(fields []Field, name []byte) (value []byte, ok bool) {
	for _, f := range fields {
		if same(f.Name, name) {
			return f.Value, true
		}
	}
	return nil, false
}

func count(fields []Field, name []byte) (n int) {
	for _, f := range fields {
		if same(f.Name, name) {
			n++
		}
	}
	return n
}

// valueLike is v without a copy where it is what stood there before.
func valueLike(before []byte, v string) []byte {
	if string(before) == v {
		return before
	}
	return []byte(v)
}
