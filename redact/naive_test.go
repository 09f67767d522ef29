package redact

import (
	"bytes"
	"encoding/hex"
	"html"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// naive covers the union of all occurrences of all patterns, with one marker for
// each group that overlaps: what the package does, said in the plainest way. A form
// with mixed escapes has at most span bytes, if that is not 0; text that is whole
// may break forms over lines.
func naive(text []byte, patterns []pattern, span int, whole bool) []byte {
	reach := make([]int, len(text)) // how far a match that begins here goes
	source := naiveText{text, nil, nil}
	for i := range text {
		source.from, source.to = append(source.from, i), append(source.to, i+1)
	}
	views := source.layers()
	if whole {
		views = append(views, source.replace(breakRE, naiveBreak).layers()...)
		views = append(views, source.replace(softRE, naiveSoft).layers()...)
	}
	for n, v := range views {
		for i := range v.text {
			for _, p := range patterns {
				if !bytes.HasPrefix(v.text[i:], p.text) || p.seen && n == 0 {
					continue
				}
				from, to := v.from[i], v.to[i+len(p.text)-1]
				if p.seen && to-from == len(p.text) {
					continue
				}
				if n == 0 || span == 0 || to-from <= span {
					reach[from] = max(reach[from], to)
				}
			}
		}
	}
	return naiveCover(text, reach)
}

func naiveCover(text []byte, reach []int) []byte {
	out := bytes.Clone(text)
	for i := 0; i < len(text); i++ {
		if reach[i] == 0 {
			continue
		}
		end := reach[i]
		for k := i; k < end; k++ {
			end = max(end, reach[k])
		}
		copy(out[i:end], bytes.Repeat([]byte("*"), end-i))
		if end-i >= len(Marker) {
			copy(out[i:], Marker)
		}
		i = end - 1
	}
	return out
}

// A naiveText has for each byte where it is from.
type naiveText struct {
	text     []byte
	from, to []int
}

// layers are a text, and the same without one layer of escapes and more.
func (n naiveText) layers() []naiveText {
	all := []naiveText{n}
	for range layers {
		n = n.replace(escapeRE, naiveEscape)
		all = append(all, n)
	}
	return all
}

func (n naiveText) replace(re *regexp.Regexp, with func(string) (text string, from int)) naiveText {
	var out naiveText
	literal := func(from, to int) {
		out.text = append(out.text, n.text[from:to]...)
		out.from, out.to = append(out.from, n.from[from:to]...), append(out.to, n.to[from:to]...)
	}
	done := 0
	for done < len(n.text) {
		at := re.FindIndex(n.text[done:])
		if at == nil {
			break
		}
		from, to := done+at[0], done+at[1]
		s, taken := with(string(n.text[from:to]))
		if to = from + taken; taken == 0 {
			literal(done, from+1)
			done = from + 1
			continue
		}
		literal(done, from)
		for _, c := range []byte(s) {
			out.text = append(out.text, c)
			out.from, out.to = append(out.from, n.from[from]), append(out.to, n.to[to-1])
		}
		done = to
	}
	literal(done, len(n.text))
	return out
}

var (
	escapeRE = regexp.MustCompile(`\\[%&]#?[a-zA-Z0-9]*;?|%u[dD][89abAB][0-9a-fA-F]{2}%u[dD][c-fC-F][0-9a-fA-F]{2}|%u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}|` +
		`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\u\{[0-9a-fA-F]{1,8}\}|\\U[0-9a-fA-F]{8}|\\x[0-9a-fA-F]{2}|\\[0-3][0-7]{2}|\\[nrtbf]|\\[!-/:-@\[-` + "`" + `{-~]|\\[^\x00-\x7f]|` +
		`&#[0-9]{1,10};|&#[xX][0-9a-fA-F]{1,9};|&[a-zA-Z0-9]{1,10};`)
	breakRE = regexp.MustCompile(`[ \t]*[\r\n][ \t\r\n]*`)
	softRE  = regexp.MustCompile(`=[ \t]*\r?\n|=[0-9a-fA-F]{2}`)
)

// naiveEscape leaves to the standard library what it can.
func naiveEscape(s string) (string, int) {
	out := ""
	switch {
	case len(s) > 1 && s[0] == '\\' && (s[1] == '%' || s[1] == '&'):
		if at := escapeRE.FindStringIndex(s[1:]); at != nil && at[0] == 0 {
			if _, n := naiveEscape(s[1 : 1+at[1]]); n > 0 {
				return "", 0
			}
		}
		return s[1:2], 2
	case s[0] == '\\' && s[1] >= 0x80:
		return s[1:2], 2
	case strings.HasPrefix(s, "%u"):
		out, _ = strconv.Unquote(`"` + strings.ReplaceAll(s, "%", `\`) + `"`)
		if out == "" {
			out = units16(s, 2)
		}
	case s[0] == '%':
		b, _ := hex.DecodeString(s[1:])
		out = string(b)
	case s[0] == '&':
		if out = html.UnescapeString(s); out == s || !strings.HasPrefix(s, "&#") && naiveUnknown(out) {
			return "", 0
		}
		if v, err := strconv.ParseInt(strings.Trim(s, "&#;"), 10, 64); err == nil && strings.HasPrefix(s, "&#") {
			out = string(rune(v)) // the library reads 128 to 159 as Windows-1252
		} else if v, err := strconv.ParseInt(strings.Trim(s, "&#xX;"), 16, 64); err == nil && strings.HasPrefix(s, "&#") {
			out = string(rune(v))
		}
	case s[1] == 'u' && s[2] == '{':
		v, _ := strconv.ParseInt(strings.Trim(s, `\u{}`), 16, 64)
		out = string(rune(v))
	case len(s) == 2 && !strings.ContainsAny(s, "nrtbf"):
		out = s[1:]
	default:
		var err error
		if out, err = strconv.Unquote(`"` + s + `"`); err != nil {
			out = units16(s, 2)
		}
	}
	return strings.Trim(out, "\r\n"), len(s)
}

// units16 reads surrogates, which strconv refuses.
func units16(s string, at int) string {
	hi, _ := strconv.ParseUint(s[at:at+4], 16, 16)
	if len(s) < at+10 {
		return string(rune(hi))
	}
	lo, _ := strconv.ParseUint(s[at+6:at+10], 16, 16)
	return string(utf16.Decode([]uint16{uint16(hi), uint16(lo)}))
}

// naiveUnknown: names of characters beyond Latin-1 are not looked for.
func naiveUnknown(s string) bool {
	r := []rune(s)
	return len(r) != 1 || r[0] > 0xff
}

func naiveBreak(s string) (string, int) { return "", len(s) }

func naiveSoft(s string) (string, int) {
	b, err := hex.DecodeString(s[1:])
	if err != nil {
		return "", len(s)
	}
	return strings.Trim(string(b), "\r\n"), len(s)
}

// through reads text through a Reader whose source gives a few bytes at a time,
// and whole, which must come to the same.
func through(t *testing.T, s *Set, text string) (string, Counts) {
	t.Helper()
	whole := NewReader(bytes.NewReader([]byte(text)), s)
	want, err := io.ReadAll(whole)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(NewReader(&chunks{text: []byte(text), sizes: []byte{0, byte(len(text) / 100)}}, s))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("in chunks: %q\nat once:   %q", got, want)
	}
	return string(want), whole.Counts()
}

func setWith(values ...string) *Set {
	s := NewSet()
	for _, v := range values {
		s.add([]byte(v))
	}
	return s
}
