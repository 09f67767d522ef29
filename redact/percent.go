package redact

import "strings"

// A percentStyle is what a library leaves as it is, letters and digits apart
// (RFC 3986 2.1). Either case of hex digits is legal in all.
type percentStyle struct {
	keep string
	plus bool // a space becomes '+'
}

func percentStyles() []percentStyle {
	return []percentStyle{
		{keep: "-_.~"},                          // RFC 3986 unreserved: PHP rawurlencode
		{keep: "-_.~", plus: true},              // Go QueryEscape, Python quote_plus
		{keep: "-_.", plus: true},               // PHP urlencode
		{keep: "-_.*", plus: true},              // WHATWG forms, Java
		{keep: "-_.!*()", plus: true},           // .NET
		{keep: "-_.~/"},                         // Python quote
		{keep: "-_.!~*'()"},                     // JavaScript encodeURIComponent
		{keep: "-_.!~*'();/?:@&=+$,#"},          // JavaScript encodeURI
		{keep: "-_.~$&+=:@"},                    // Go PathEscape
		{keep: "-_.~$&+,/:;=@"},                 // Go URL paths
		{keep: "-_.~!$&'()*+,;=:@/?[]\\^`{|}%"}, // WHATWG queries
		{keep: "-_.~!$&()*+,;=:@/?[]\\^`{|}%"},  // WHATWG queries of http and https
		{keep: "-_.~!$&'()*+,;=:@/[]\\|%"},      // WHATWG paths
		{keep: "-_.~!$&'()*+,%"},                // WHATWG user information
		{keep: ""},                              // everything but letters and digits
	}
}

const (
	lowerHex = "0123456789abcdef"
	upperHex = "0123456789ABCDEF"
)

func percentForms(text []byte) [][]byte {
	var out [][]byte
	for _, digits := range []string{upperHex, lowerHex} {
		for _, st := range percentStyles() {
			once := st.escape(text, digits)
			// Twice is a URL inside a parameter of a URL, as in redirects.
			out = append(out, once, st.escape(once, digits))
		}
		out = append(out, each(text, func(out []byte, c byte) []byte {
			return append(out, '%', digits[c>>4], digits[c&15])
		}))
	}
	return out
}

func (st percentStyle) escape(text []byte, digits string) []byte {
	return each(text, func(out []byte, c byte) []byte {
		switch {
		case isAlnum(c) || strings.IndexByte(st.keep, c) >= 0:
			return append(out, c)
		case st.plus && c == ' ':
			return append(out, '+')
		}
		return append(out, '%', digits[c>>4], digits[c&15])
	})
}

// each appends what write makes of every byte.
func each(text []byte, write func(out []byte, c byte) []byte) []byte {
	out := make([]byte, 0, len(text)+len(text)/4)
	for _, c := range text {
		out = write(out, c)
	}
	return out
}

func isAlnum(c byte) bool {
	return isDigit(c) || isLower(c) || isUpper(c)
}
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
