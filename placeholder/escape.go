package placeholder

import (
	"net/url"
	"unicode/utf8"
)

// EscapeQuery escapes v for the value of a query parameter.
func EscapeQuery(v []byte) []byte { return []byte(url.QueryEscape(string(v))) }

// EscapePath escapes v for a path segment. It cannot help that "." and ".." mean
// other segments, however they are written (RFC 3986, 5.2.4 and 6.2.2.2).
func EscapePath(v []byte) []byte { return []byte(url.PathEscape(string(v))) }

// EscapeJSON escapes v for the inside of a JSON string. A value that is not UTF-8
// cannot stand there: ErrNotAllowed.
func EscapeJSON(v []byte) ([]byte, error) { return appendJSON(make([]byte, 0, len(v)), v) }

// appendJSON appends v as the inside of a JSON string, escaping no more than RFC
// 8259, 7 asks for. Bytes that are not UTF-8 cannot be written in JSON.
func appendJSON(dst, v []byte) ([]byte, error) {
	if !utf8.Valid(v) {
		return dst, ErrNotAllowed
	}
	const hex = "0123456789abcdef"
	for _, c := range v {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		default:
			dst = append(dst, c)
		}
	}
	return dst, nil
}
