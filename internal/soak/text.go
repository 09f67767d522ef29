package main

import (
	"fmt"
	"io"
	"math/rand/v2"
)

// lineLen divides the length of every text.
const lineLen = 128

// text is a JSON array of strings, no two blocks of it alike.
type text struct {
	left  int64
	block int
	lines []byte // 64 KiB of them
	rest  []byte // of the block under way
}

func newText(n int64) io.Reader {
	t := &text{left: n}
	r := rand.New(rand.NewPCG(1, 2))
	for range 512 {
		t.lines = fmt.Appendf(t.lines, " \"%016x", r.Uint64())
		for range 107 {
			t.lines = append(t.lines, "abcdefghijklmnop qrstuvwxyz .,=/"[r.IntN(32)])
		}
		t.lines = append(t.lines, "\",\n"...)
	}
	return t
}

func (t *text) Read(p []byte) (int, error) {
	if t.left == 0 {
		return 0, io.EOF
	}
	if len(t.rest) == 0 {
		t.next()
	}
	n := copy(p, t.rest)
	t.rest, t.left = t.rest[n:], t.left-int64(n)
	return n, nil
}

// next numbers a block in its first line, opens the first and closes the last.
func (t *text) next() {
	copy(t.lines[2:], fmt.Sprintf("%016d", t.block))
	t.lines[0] = ' '
	if t.block == 0 {
		t.lines[0] = '['
	}
	t.block++
	t.rest = t.lines[:min(t.left, int64(len(t.lines)))]
	if int64(len(t.rest)) == t.left {
		t.rest[len(t.rest)-2] = ']'
	}
}
