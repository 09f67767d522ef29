package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"io"
)

// Every line ends with an HMAC over the line so far and over the HMAC of the
// line before. Whoever has no key can neither write a line that follows, nor
// edit, take out or move one without the next telling.

// link is one HMAC of a chain.
type link [sha256.Size]byte

func (l link) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, l[:]), nil
}

func (l *link) UnmarshalText(b []byte) error {
	n, err := base64.RawURLEncoding.Strict().Decode(l[:], b)
	if err != nil || n != len(l) {
		return fmt.Errorf("%q is no link of a chain", b)
	}
	return nil
}

// How a line ends: as it is marshalled, and as it is written.
const (
	linkField = `"chain":"`
	lineEnd   = `"}`
	linkText  = 43 // base64 of a link
	chainedBy = len(linkField) + linkText + len(lineEnd) + len("\n")
)

// keys are made of the one key, so that a line can never be taken for a head.
// They are not for concurrent use.
type keys struct{ line, head, begin hash.Hash }

func newKeys(key []byte) *keys {
	derive := func(use string) hash.Hash {
		m := hmac.New(sha256.New, key)
		m.Write([]byte("agentsecrets audit 1: " + use))
		return hmac.New(sha256.New, m.Sum(nil))
	}
	return &keys{derive("line"), derive("head"), derive("begin")}
}

// sum is the HMAC over texts; the first of which has a fixed length or is alone.
func sum(h hash.Hash, texts ...[]byte) (l link) {
	h.Reset()
	for _, t := range texts {
		h.Write(t)
	}
	h.Sum(l[:0])
	return l
}

// seal writes the link of a marshalled event into it, and ends the line. It uses
// the memory of event if there is room for chainedBy more.
func (k *keys) seal(prev link, event []byte) ([]byte, link) {
	body := bytes.TrimSuffix(event, []byte(lineEnd))
	l := sum(k.line, prev[:], body)
	return append(base64.RawURLEncoding.AppendEncode(body, l[:]), lineEnd+"\n"...), l
}

// follows reports whether l is the link of a line whose text up to it is body.
func (k *keys) follows(prev link, body []byte, l link) bool {
	want := sum(k.line, prev[:], body)
	return hmac.Equal(want[:], l[:])
}

// split takes the link off a whole line; ok is false where there is none.
func split(line []byte) (body []byte, l link, ok bool) {
	at := len(line) - linkText - len(lineEnd) - len("\n")
	if at < len(linkField) || !bytes.HasSuffix(line[:at], []byte(linkField)) || !bytes.HasSuffix(line, []byte(lineEnd+"\n")) {
		return nil, l, false
	}
	return line[:at], l, l.UnmarshalText(line[at:at+linkText]) == nil
}

// linkBefore is the link of the line that ends at offset end.
func linkBefore(r io.ReaderAt, end int64) (link, bool) {
	tail := make([]byte, min(int64(chainedBy), end))
	if _, err := r.ReadAt(tail, end-int64(len(tail))); err != nil {
		return link{}, false
	}
	_, l, ok := split(tail)
	return l, ok
}
