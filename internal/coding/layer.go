package coding

import (
	"bufio"
	"fmt"
	"io"
)

// A coding is a name and how to begin to undo it. A decoder reports io.EOF where
// its format ends, which need not be the end of src.
type coding struct {
	name string
	open func(src *bufio.Reader) (io.ReadCloser, error)
}

// A layer undoes one coding.
type layer struct {
	coding
	chain *chain
	src   io.Reader

	in      *bufio.Reader
	decoder io.ReadCloser // nil until the first byte has come
	out     int64
	ended   bool  // the decoder is at its end
	err     error // sticky
}

const maxEmpty = 100 // reads without a byte before giving up, as bufio

func (l *layer) Read(p []byte) (n int, err error) {
	if l.err != nil || len(p) == 0 {
		return 0, l.err
	}
	for range maxEmpty {
		if n, err = l.read(p); n > 0 || err != nil {
			l.out += int64(n)
			return l.check(n, err)
		}
	}
	return l.check(0, io.ErrNoProgress)
}

// check applies the ratio, and finds out what an error of the decoder means.
func (l *layer) check(n int, err error) (int, error) {
	if l.out > freeOutput && l.out > maxRatio*l.chain.in {
		n, err = 0, ErrTooLarge
	}
	switch {
	case err == nil:
	case l.chain.err != nil:
		err = l.chain.err
	case err == io.EOF:
	case err == io.ErrUnexpectedEOF, err == ErrTooLarge:
		l.chain.err = err
	default:
		err = fmt.Errorf("decode %s: %w", l.name, err)
		l.chain.err = err
	}
	l.err = err
	return n, err
}

func (l *layer) read(p []byte) (int, error) {
	if l.decoder == nil {
		if err := l.begin(); err != nil {
			return 0, err
		}
	}
	if !l.ended {
		n, err := l.decoder.Read(p)
		if err != io.EOF {
			return n, err
		}
		l.ended = true
		if n > 0 {
			return n, nil // what comes below waits for src
		}
	}
	// Whatever follows is no content: browsers drop it as well. But only the end
	// of src tells that the message was whole.
	_, err := io.Copy(io.Discard, l.in)
	if err == nil {
		err = io.EOF
	}
	return 0, err
}

// begin waits for the first byte. Where there is none there is nothing to decode:
// answers to HEAD, and empty ones, name the coding all the same.
func (l *layer) begin() (err error) {
	if l.in == nil {
		l.in = bufio.NewReader(l.src)
	}
	if _, err = l.in.Peek(1); err != nil {
		return err
	}
	l.decoder, err = l.open(l.in)
	return err
}
