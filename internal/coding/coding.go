// Package coding undoes HTTP content codings (RFC 9110 8.4) as a stream.
//
//	body, err := coding.Decode(resp.Header.Get("Content-Encoding"), resp.Body)
//	if err != nil {
//		return err // errors.Is(err, coding.ErrUnknown)
//	}
//	defer body.Close()
//	io.Copy(w, body)
//
// Guarantees: what an origin has flushed comes out before the decoder asks for
// more; memory stays bounded whatever the input says; a body cut short ends with
// [io.ErrUnexpectedEOF] or the error of its source, never with a clean [io.EOF].
// Error texts hold nothing from the message.
package coding

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
)

var (
	// ErrUnknown is the answer to a coding that we cannot undo.
	ErrUnknown = errors.New("content coding is not supported")

	// ErrTooLarge ends a stream that grows out of all proportion to its input.
	ErrTooLarge = errors.New("decoded content is too large for its input")
)

const (
	freeOutput = 1 << 20 // bytes before the ratio counts: short bodies may compress well
	maxRatio   = 200
	maxCodings = 4 // a field may list thousands, each with its buffers
)

// Decode returns what src is without the codings in contentEncoding, the value of
// the field of that name: identity, gzip, deflate, br and zstd, also several of
// them. It does not read until the first Read. Closing the result frees the
// decoders and leaves src open; it must not happen during a Read.
func Decode(contentEncoding string, src io.Reader) (io.ReadCloser, error) {
	codings, err := parse(contentEncoding)
	if err != nil {
		return nil, err
	}
	c := &chain{src: src}
	var r io.Reader = c
	for _, coding := range slices.Backward(codings) { // the last in the list was applied last
		l := &layer{coding: coding, chain: c, src: r}
		c.layers = append(c.layers, l)
		r = l
	}
	return &body{Reader: r, chain: c}, nil
}

func parse(contentEncoding string) ([]coding, error) {
	var out []coding
	for name := range strings.SplitSeq(contentEncoding, ",") {
		switch name = strings.ToLower(strings.Trim(name, " \t")); name {
		case "", "identity":
			continue
		case "gzip", "x-gzip":
			out = append(out, coding{"gzip", openGzip})
		case "deflate":
			out = append(out, coding{"deflate", openDeflate})
		case "br":
			out = append(out, coding{"br", openBrotli})
		case "zstd":
			out = append(out, coding{"zstd", openZstd})
		default:
			return nil, ErrUnknown
		}
		if len(out) > maxCodings {
			return nil, ErrUnknown
		}
	}
	return out, nil
}

// A chain is the source and the layers upon it. It counts what came in, and
// remembers the first failure: decoders dress the errors of their source up, or
// take them for a clean end.
type chain struct {
	src    io.Reader
	in     int64
	err    error // other than io.EOF
	layers []*layer
}

func (c *chain) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.in += int64(n)
	if err != nil && err != io.EOF && c.err == nil {
		c.err = err
	}
	return n, err
}

type body struct {
	io.Reader
	chain *chain
}

func (b *body) Close() error {
	b.Reader = closed{}
	for _, l := range b.chain.layers {
		if l.decoder != nil {
			l.decoder.Close() // what it could report, Read has
		}
	}
	b.chain.layers = nil
	return nil
}

type closed struct{}

func (closed) Read([]byte) (int, error) { return 0, os.ErrClosed }
