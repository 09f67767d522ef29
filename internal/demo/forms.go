package demo

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
)

// form is one way to write a value down.
type form struct{ name, text string }

// forms lists how a value may be written so that anybody could read it again.
func forms(value []byte) []form {
	s := string(value)
	list := []form{
		{"as it is", s},
		{"hex", hex.EncodeToString(value)},
		{"hex", strings.ToUpper(hex.EncodeToString(value))},
		{"percent", url.QueryEscape(s)},
		{"percent", url.PathEscape(s)},
		{"percent", percentAll(value)},
		{"JSON", quoted(s)},
		{"HTML", html.EscapeString(s)},
		{"UTF-16", utf16LE(s)},
		{"backwards", backwards(s)},
	}
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			list = append(list, form{fmt.Sprintf("base64 after %d bytes", before), base64At(enc, value, before)})
		}
	}
	return list
}

// base64At is what value looks like within base64 of a longer text that has
// before bytes, modulo 3, in front of it: the characters that nothing else than
// value decides.
func base64At(enc *base64.Encoding, value []byte, before int) string {
	text := enc.EncodeToString(append(make([]byte, before), value...))
	if (before+len(value))%3 != 0 {
		text = text[:len(text)-1]
	}
	return text[(before*8+5)/6:]
}

func percentAll(value []byte) string {
	var b strings.Builder
	for _, c := range value {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return strings.Trim(string(b), `"`)
}

func utf16LE(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		b.Write([]byte{byte(u), byte(u >> 8)})
	}
	return b.String()
}

func backwards(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// Seen names the forms of value that text holds.
func Seen(text, value []byte) []string {
	var names []string
	for _, f := range forms(value) {
		if bytes.Contains(text, []byte(f.text)) && !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
	}
	return names
}
