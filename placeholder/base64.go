package placeholder

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// prefixes64 are what base64 makes of the prefix at each of the offsets that it may
// have, less what depends on its neighbours.
var prefixes64 = [3]string{"QVNfU0VDUkVUX", "FTX1NFQ1JFVF", "BU19TRUNSRVRf"}

// mayHoldBase64 is quick to say no.
func mayHoldBase64(text string) bool {
	for _, p := range prefixes64 {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// token is a run of base64 in a text.
type token struct {
	start, end int
	digits     []byte // without padding
	padded     bool
}

// tokens lists the runs of token68 that may be base64.
func tokens(text []byte) []token {
	var all []token
	for i := 0; i < len(text); i++ {
		n := runLen(text[i:])
		if n == 0 {
			continue
		}
		t := token{start: i, end: i + n, digits: text[i : i+n]}
		if t.pad(text[t.end:]) {
			all = append(all, t)
		}
		i += n // what stands here is in no token
	}
	return all
}

// runLen is how much at the start of b belongs to one token.
func runLen(b []byte) int {
	for i, c := range b {
		if !wordByte(c) && c != '-' && c != '+' && c != '/' && c != '.' && c != '~' {
			return i
		}
	}
	return len(b)
}

// pad takes in the padding that rest begins with, and reports whether so many
// digits can be base64. An = with more text behind it pads nothing: a=b is two
// tokens.
func (t *token) pad(rest []byte) bool {
	n := len(rest) - len(bytes.TrimLeft(rest, "="))
	if runLen(rest[n:]) > 0 {
		n = 0
	}
	switch need := -len(t.digits) & 3; {
	case need == 3, n > 0 && n != need:
		return false
	}
	t.padded, t.end = n > 0, t.end+n
	return true
}

// alphabet is the one that the token is written in, if it is base64. Without a
// digit that tells, an unpadded one is taken for base64url: only there padding is
// commonly left out.
func (t token) alphabet() *base64.Encoding {
	std, url := bytes.ContainsAny(t.digits, "+/"), bytes.ContainsAny(t.digits, "-_")
	if url || !std && !t.padded && len(t.digits)%4 != 0 {
		return base64.URLEncoding
	}
	return base64.StdEncoding
}

// decode returns nil if t is not base64.
func (t token) decode() []byte {
	b := make([]byte, base64.RawStdEncoding.DecodedLen(len(t.digits)))
	n, err := t.alphabet().WithPadding(base64.NoPadding).Decode(b, t.digits)
	if err != nil {
		return nil
	}
	return b[:n]
}

// encode writes text as t was written.
func (t token) encode(text []byte) []byte {
	a := t.alphabet()
	if !t.padded && (len(t.digits)%4 != 0 || a == base64.URLEncoding) {
		a = a.WithPadding(base64.NoPadding)
	}
	return a.AppendEncode([]byte{}, text)
}

// names lists what t holds.
func (t token) names() []string {
	if !mayHoldBase64(string(t.digits)) {
		return nil
	}
	var names []string
	for _, f := range Find(t.decode()) {
		names = append(names, f.Name)
	}
	return names
}
