package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"mime"
	"mime/quotedprintable"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
)

// Forms are the ways to write value that docs/redaction.md lists, each amid other text.
// A way that leaves value as it is is listed once, verbatim.
func Forms(value string) []Form {
	l := list{seen: map[string]bool{}}
	if strings.Contains(value, "\n") {
		line, _, _ := strings.Cut(value, "\n")
		l.add("verbatim", "a line", line)
		l.escapes(value)
		return l.forms
	}
	l.add("verbatim", "as it is", value)
	l.add("verbatim", "upper case", strings.ToUpper(value))
	l.add("verbatim", "lower case", strings.ToLower(value))
	l.add("verbatim", "UTF-8 read as Latin-1", asLatin1(value))
	l.add("verbatim", "Latin-1", toLatin1(value))
	l.escapes(value)
	l.entities(value)
	l.bases(value)
	l.units(value)
	l.add("quotes", "SQL, CSV", strings.ReplaceAll(value, `"`, `""`))
	l.add("quotes", "SQL", strings.ReplaceAll(value, `'`, `''`))
	l.add("quotes", "a shell", strings.ReplaceAll(value, `'`, `'\''`))
	l.mixtures(value)
	l.wrapped(value)
	return l.forms
}

type list struct {
	forms []Form
	seen  map[string]bool
}

// add puts text, all of which tells of the value, amid other text.
func (l *list) add(name, by, text string) {
	if !l.seen[text] {
		l.seen[text] = true
		l.within(name, by, "<", text, ">", false)
	}
}

func (l *list) within(name, by, before, text, after string, whole bool) {
	l.forms = append(l.forms, Form{name, by, before + text + after, whole, len(before), len(before) + len(text)})
}

// escapes are those that keep line breaks in one line.
func (l *list) escapes(v string) {
	l.add("percent", "a form", url.QueryEscape(v))
	l.add("percent", "a path", url.PathEscape(v))
	l.add("percent", "lower case", lowerPercent(url.QueryEscape(v)))
	l.add("percent", "every byte", each(v, "%%%02X"))
	l.add("percent", "twice", url.QueryEscape(url.QueryEscape(v)))
	once := quoted(v, false)
	l.add("json", "most encoders", once)
	l.add("json", "for HTML", quoted(v, true))
	l.add("json", "in JSON", quoted(once, false))
	l.add("json", "in ASCII", ascii(once))
	l.add("json", "slashes, too", strings.ReplaceAll(once, "/", `\/`))
	l.add("json", "Go", strings.Trim(strconv.Quote(v), `"`))
	l.add("json", "Python, of bytes", each(v, `\x%02x`))
}

func (l *list) entities(v string) {
	l.add("html", "a template", html.EscapeString(v))
	l.add("html", "XML", inXML(v))
	l.add("html", "decimal", eachRune(v, "&#%d;"))
	l.add("html", "hexadecimal", eachRune(v, "&#x%x;"))
	l.add("quoted-printable", "a word of a mail's field", qEncoded(v))
}

func (l *list) bases(v string) {
	l.add("hex", "lower case", hex.EncodeToString([]byte(v)))
	l.add("hex", "upper case", strings.ToUpper(hex.EncodeToString([]byte(v))))
	for by, enc := range map[string]*base64.Encoding{"standard": base64.StdEncoding, "URL": base64.URLEncoding} {
		for _, before := range []string{"", "a", "ab", "user:"} {
			text := enc.EncodeToString([]byte(before + v + "xyz"))
			if l.seen[text] { // nothing of it differs in the two alphabets
				continue
			}
			l.seen[text] = true
			from, to := (8*len(before)+5)/6, 8*(len(before)+len(v))/6 // characters with bits of v alone
			l.within("base64", fmt.Sprintf("%s alphabet after %d bytes", by, len(before)), "<"+text[:from], text[from:to], text[to:]+">", false)
		}
	}
}

// units are UTF-16, without the NUL at the edge.
func (l *list) units(v string) {
	var little, big []byte
	for _, u := range utf16.Encode([]rune(v)) {
		little = append(little, byte(u), byte(u>>8))
		big = append(big, byte(u>>8), byte(u))
	}
	l.within("utf-16", "little-endian", "\xff\xfe", string(little[:len(little)-1]), "\x00", false)
	l.within("utf-16", "big-endian", "\xfe\xff\x00", string(big[1:]), "", false)
}

func (l *list) mixtures(v string) {
	verbs := []string{"%%%02x", `\u%04x`, "&#%d;", "%c", `\x%02x`}
	var b strings.Builder
	for i, r := range []rune(v) {
		if r < 0x80 {
			fmt.Fprintf(&b, verbs[i%len(verbs)], r)
		} else {
			b.WriteString(url.QueryEscape(string(r)))
		}
	}
	l.add("mixed", "several escapes", b.String())
	l.add("mixed", "JSON in a form", url.QueryEscape(ascii(quoted(v, true))))
	l.add("mixed", "hex in JSON", eachRune(hex.EncodeToString([]byte(v)), `\u%04x`))
}

// wrapped is broken over lines.
func (l *list) wrapped(v string) {
	lines := func(text string, width int, end string) string {
		var b strings.Builder
		for i := 0; i < len(text); i += width {
			b.WriteString(text[i:min(i+width, len(text))] + end)
		}
		return strings.TrimSuffix(b.String(), end)
	}
	l.within("wrapped", "hex", "\n", lines(hex.EncodeToString([]byte(v)), 16, "\n"), "", true)
	text := base64.RawStdEncoding.EncodeToString([]byte(v))
	text = text[:8*len(v)/6]
	l.within("wrapped", "MIME", "\n", lines(text, 10, "\r\n"), "", true)
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	fmt.Fprintf(w, "%s%s", strings.Repeat("-", 60), v)
	w.Close()
	l.within("quoted-printable", "a mail", b.String()[:60], b.String()[60:], "", true)
}

// qEncoded is the text of the encoded words of v (RFC 2047), each of which has its own
// head and end.
func qEncoded(v string) string {
	var b strings.Builder
	for _, r := range v { // of a long text the encoder makes several words
		word := mime.QEncoding.Encode("utf-8", string(r)+"\x7f")
		b.WriteString(strings.TrimSuffix(strings.TrimPrefix(word, "=?utf-8?q?"), "=7F?="))
	}
	return b.String()
}

func asLatin1(v string) string {
	var b strings.Builder
	for i := range len(v) {
		b.WriteRune(rune(v[i]))
	}
	return b.String()
}

func toLatin1(v string) string {
	var b strings.Builder
	for _, r := range v {
		b.WriteByte(byte(r))
	}
	return b.String()
}

func each(v, verb string) string {
	var b strings.Builder
	for i := range len(v) {
		fmt.Fprintf(&b, verb, v[i])
	}
	return b.String()
}

func eachRune(v, verb string) string {
	var b strings.Builder
	for _, r := range v {
		fmt.Fprintf(&b, verb, r)
	}
	return b.String()
}

// lowerPercent writes the digits of percent escapes in lower case.
func lowerPercent(text string) string {
	b := []byte(text)
	for i := range b {
		if b[i] == '%' {
			copy(b[i+1:i+3], bytes.ToLower(b[i+1:i+3]))
		}
	}
	return string(b)
}

// ascii writes runes beyond it as \u escapes.
func ascii(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < 0x80 {
			b.WriteRune(r)
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, u)
		}
	}
	return b.String()
}

func quoted(v string, forHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(forHTML)
	if e.Encode(v) != nil {
		return v
	}
	return b.String()[1 : b.Len()-2] // without quotes and line break
}

func inXML(v string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(v)) // a Builder never fails
	return b.String()
}
