package mitm

import (
	"encoding/base64"
	"io"
	"slices"
	"strings"
)

// fromBase64 decodes gRPC-Web's text: base64 with padding wherever something was
// sent off.
type fromBase64 struct {
	src  io.Reader
	in   []byte
	text []byte
	err  error
}

func (r *fromBase64) Read(p []byte) (int, error) {
	for len(r.text) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		r.fill()
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}

func (r *fromBase64) fill() {
	r.in = slices.Grow(r.in, atOnce)
	n, err := readSome(r.src, r.in[len(r.in):len(r.in)+atOnce])
	r.in = r.in[:len(r.in)+n]
	used := 0
	for rest := r.in; len(rest) >= 4; rest = r.in[used:] {
		end := len(rest) &^ 3
		if pad := strings.IndexByte(string(rest[:end]), '='); pad >= 0 {
			end = pad&^3 + 4
		}
		var bad error
		if r.text, bad = base64.StdEncoding.AppendDecode(r.text, rest[:end]); bad != nil {
			r.err = errFrames
			return
		}
		used += end
	}
	r.in = append(r.in[:0], r.in[used:]...)
	if r.err = err; err == io.EOF && len(r.in) > 0 {
		r.err = errFrames
	}
}

// toBase64 encodes what messages gives. Each message ends with its padding.
type toBase64 struct {
	*messages
	rest []byte // not encoded yet
	text []byte
	err  error
}

func (w *toBase64) Read(p []byte) (int, error) {
	var b [3 << 10]byte
	for len(w.text) == 0 {
		if w.err != nil {
			return 0, w.err
		}
		n, err := w.messages.Read(b[:])
		w.rest, w.err = append(w.rest, b[:n]...), err
		end := len(w.rest)
		if err == nil && !w.between() {
			end -= end % 3
		}
		w.text = base64.StdEncoding.AppendEncode(w.text[:0], w.rest[:end])
		w.rest = append(w.rest[:0], w.rest[end:]...)
	}
	n := copy(p, w.text)
	w.text = w.text[n:]
	return n, nil
}
