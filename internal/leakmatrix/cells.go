package main

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
)

// cell is one response that holds one echo.
type cell struct {
	encoded
	place    place
	protocol string
	coding   string // of the body; "identity" for all other places
	chunks   string // whole, or oneByte: as the origin writes the body, or else the head, or frames
	known    string // why the echo comes back, as is published; "" if it must not

	before, after string
	mime          string
}

const (
	whole   = "whole"
	oneByte = "1-byte"
)

// name is what -only selects by.
func (c *cell) name() string {
	return strings.Join([]string{c.encoded.name, c.place.name, c.protocol, c.coding, c.chunks, c.kind.name}, " | ")
}

// planted is the text that has the echo in it.
func (c *cell) planted() string { return c.before + string(c.text) + c.after }

func codings() []string { return []string{"identity", "gzip", "br", "deflate", "zstd"} }

// matrix is what is run, and what is not.
type matrix struct {
	cells    []*cell
	excluded map[string]int // by reason
}

const (
	noReason    = "HTTP/2 has no reason (RFC 9113, 8.3.2)"
	noUpgrade   = "WebSocket is asked for over HTTP/1.1 alone here"
	noGRPC      = "gRPC needs HTTP/2"
	noCoding    = "a content coding is one of a body (RFC 9110, 8.4)"
	equal       = "another encoder has written the same bytes there"
	notProtocol = "the proxy does not speak it to clients"
)

// newMatrix has every cell that the protocol has, each once. speaks tells which
// versions of HTTP clients can speak.
func newMatrix(seed uint64, list []encoded, speaks func(protocol string) bool) *matrix {
	m := &matrix{excluded: map[string]int{}}
	seen := map[string]bool{}
	for _, e := range list {
		for _, p := range places() {
			for _, protocol := range []string{http1, http2v} {
				for _, coding := range codings() {
					for _, chunks := range []string{whole, oneByte} {
						c := &cell{encoded: e, place: p, protocol: protocol, coding: coding, chunks: chunks}
						key := strings.Join([]string{p.name, protocol, coding, chunks, string(e.text)}, "|")
						why := c.impossible(speaks)
						if why == "" && seen[key] {
							why = equal
						}
						if why != "" {
							m.excluded[why]++
							continue
						}
						seen[key] = true
						c.known = residual(c)
						p.around(c.random(seed), c)
						m.cells = append(m.cells, c)
					}
				}
			}
		}
	}
	return m
}

func (c *cell) impossible(speaks func(string) bool) string {
	p := c.place
	switch {
	case p.only == http1 && c.protocol != http1 && p.name == "reason":
		return noReason
	case p.only == http1 && c.protocol != http1:
		return noUpgrade
	case p.only == http2v && c.protocol != http2v:
		return noGRPC
	case !p.body && c.coding != "identity":
		return noCoding
	case !speaks(c.protocol):
		return c.protocol + ": " + notProtocol
	case p.unfit != nil:
		return p.unfit(c)
	}
	return ""
}

// random is the same for the same cell and seed, whatever else is run.
func (c *cell) random(seed uint64) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, c.name())
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// sample takes one cell for each encoder and place, so that kinds, versions of
// HTTP, codings and chunks are all among them.
func (m *matrix) sample(r *rand.Rand) *matrix {
	groups := map[string][]*cell{}
	var order []string
	for _, c := range m.cells {
		key := c.encoded.name + "|" + c.place.name
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], c)
	}
	s := &matrix{excluded: m.excluded}
	for _, key := range order {
		s.cells = append(s.cells, groups[key][r.IntN(len(groups[key]))])
	}
	return s
}

// only keeps the cells whose names contain text.
func (m *matrix) only(text string) {
	m.cells = slices.DeleteFunc(m.cells, func(c *cell) bool { return !strings.Contains(c.name(), text) })
}
