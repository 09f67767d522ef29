package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"html"
	"regexp"
	"strconv"
)

// decoded is a text with some of its encodings undone.
type decoded struct {
	how  string
	text []byte
}

// decoders undo one encoding each, wherever it stands in a text, as leniently as
// any reader might.
func decoders() []struct {
	name string
	undo func([]byte) []byte
} {
	return []struct {
		name string
		undo func([]byte) []byte
	}{
		{"percent", func(b []byte) []byte { return escapes(b, percentEscape) }},
		{"backslash", func(b []byte) []byte { return escapes(backslashes(b), jsonEscape) }},
		{"HTML", func(b []byte) []byte { return []byte(html.UnescapeString(string(b))) }},
		{"base64", func(b []byte) []byte { return runs(b, base64Run, fromBase64) }},
		{"hex", func(b []byte) []byte { return runs(b, hexRun, fromHex) }},
		{"NUL", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte{0}, nil) }},
		{"quoted-printable", func(b []byte) []byte { return escapes(softBreak.ReplaceAll(b, nil), quotedEscape) }},
		{"lines", func(b []byte) []byte { return lineBreak.ReplaceAll(b, nil) }},
	}
}

var (
	percentEscape = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	jsonEscape    = regexp.MustCompile(`\\u00[0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}`)
	quotedEscape  = regexp.MustCompile(`=[0-9A-F]{2}`)
	softBreak     = regexp.MustCompile(`=[ \t]*\r?\n`)
	lineBreak     = regexp.MustCompile(`[ \t]*\r?\n[ \t]*`)
	backslash     = regexp.MustCompile(`\\(["'\\/&<>= ])`)
	base64Run     = regexp.MustCompile(`[A-Za-z0-9+/_-]{12,}`)
	hexRun        = regexp.MustCompile(`[0-9A-Fa-f]{16,}`)
)

// decodings are b, and what up to two decoders make of it.
func decodings(b []byte) []decoded {
	all := []decoded{{"nothing", b}}
	for at, layer := 0, 0; layer < 2; layer++ {
		end := len(all)
		for ; at < end; at++ {
			for _, d := range decoders() {
				if out := d.undo(all[at].text); len(out) > 0 && !bytes.Equal(out, all[at].text) {
					all = append(all, decoded{d.name + ", " + all[at].how, out})
				}
			}
		}
	}
	return all
}

// escapes replaces what matches, a code in hexadecimal digits at its end.
func escapes(b []byte, escape *regexp.Regexp) []byte {
	return escape.ReplaceAllFunc(b, func(e []byte) []byte {
		n, err := strconv.ParseUint(string(e[len(e)-2:]), 16, 8)
		if err != nil {
			return e
		}
		return []byte{byte(n)}
	})
}

func backslashes(b []byte) []byte { return backslash.ReplaceAll(b, []byte("$1")) }

// runs is what undo makes of the runs of b, a line each.
func runs(b []byte, run *regexp.Regexp, undo func([]byte) []byte) (out []byte) {
	for _, r := range run.FindAll(b, -1) {
		out = append(append(out, undo(r)...), '\n')
	}
	return out
}

// fromBase64 reads a run from each of the places where a text may begin in it.
func fromBase64(run []byte) (out []byte) {
	std := bytes.ReplaceAll(bytes.ReplaceAll(run, []byte("-"), []byte("+")), []byte("_"), []byte("/"))
	for from := range 4 {
		text := make([]byte, base64.RawStdEncoding.DecodedLen(len(std)-from))
		n, _ := base64.RawStdEncoding.Decode(text, std[from:len(std)-(len(std)-from)%4])
		out = append(append(out, text[:n]...), '\n')
	}
	return out
}

func fromHex(run []byte) (out []byte) {
	for from := range 2 {
		text := make([]byte, len(run)/2)
		n, _ := hex.Decode(text, run[from:len(run)-(len(run)-from)%2])
		out = append(append(out, text[:n]...), '\n')
	}
	return out
}
