package placeholder

import (
	"regexp"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// validBoundary is the grammar of RFC 2046, 5.1.1.
func validBoundary(s string) bool {
	return boundarySyntax.MatchString(s)
}

var boundarySyntax = regexp.MustCompile(`^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$`)

// onlyName is a Content-Disposition in which all parsers find the same name, and
// no name of a file: browsers write quotes in a name as %22 and never a backslash.
var onlyName = regexp.MustCompile(`^(?i:form-data)[ \t]*;[ \t]*(?i:name)=(?:"([^"\\;=\x00-\x1f\x7f]*)"|([-!#$%&'+.^_` + "`" + `|~0-9A-Za-z]+))$`)

// partField is the name of the field that a part with this head holds, and whether
// it holds one at all. If not even the end of the head is certain it is not
// understood.
func partField(head, delim string) (field string, is, understood bool) {
	if head == "" {
		return "", false, true
	}
	dispositions, plain := 0, true
	for line := range strings.SplitSeq(strings.TrimSuffix(head, "\r\n"), "\r\n") {
		key, value, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, delim) || !httpguts.ValidHeaderFieldName(key) || !httpguts.ValidHeaderFieldValue(value) {
			return "", false, false
		}
		switch value = strings.Trim(value, " \t"); {
		case strings.EqualFold(key, "Content-Disposition"):
			dispositions++
			field, is = fieldName(value)
		case strings.EqualFold(key, "Content-Transfer-Encoding"):
			plain = plain && isPlain(value)
		}
	}
	return field, is && plain && dispositions == 1, true
}

func fieldName(disposition string) (name string, ok bool) {
	m := onlyName.FindStringSubmatch(disposition)
	switch {
	case m == nil:
		return "", false
	case len(m[1]+m[2]) > maxField:
		return tooFar, true
	}
	return m[1] + m[2], true
}

// isPlain tells the encodings in which a text is written as it is (RFC 2045, 6.2).
func isPlain(encoding string) bool {
	return strings.EqualFold(encoding, "7bit") || strings.EqualFold(encoding, "8bit") || strings.EqualFold(encoding, "binary")
}

// lineStarts looks for lines that begin with the delimiter, after any of the line
// breaks that there are: servers differ in which they honour.
type lineStarts struct {
	delim []byte
	at    int  // bytes of the delimiter that the line began with, -1 in another
	crlf  bool // the line came after CRLF
	cr    bool // the last byte was CR
}

// step takes in c and reports whether the delimiter ends with it.
func (l *lineStarts) step(c byte) bool {
	switch {
	case c == '\n':
		l.at, l.crlf = 0, l.cr
	case c == '\r':
		l.at, l.crlf = 0, false
	case l.at >= 0 && l.at < len(l.delim) && c == l.delim[l.at]:
		l.at++
	default:
		l.at = -1
	}
	l.cr = c == '\r'
	return l.at == len(l.delim)
}

func hasLine(text, delim []byte) bool {
	l := lineStarts{delim: delim}
	for _, c := range text {
		if l.step(c) {
			return true
		}
	}
	return false
}
