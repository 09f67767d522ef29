package placeholder

import (
	"encoding/json"
	"strconv"
	"strings"
)

const (
	maxLevels = 128
	maxNames  = 1 << 10
)

// tooFar stands for what the bounds of a path leave out, so that a path that was
// cut is not taken for another one.
const tooFar = "…"

// path is the way to the value that a lexer is at. It is written out only for a
// placeholder, so that an array of numbers costs one addition each.
type path struct {
	depth  int
	levels []level // the outermost
	names  []byte  // of the members on the way, as they were written
}

type level struct {
	start int  // of the name in names
	index int  // in an array, -1 in an object
	cut   bool // the name did not fit into names
}

func (p *path) enter(array bool) {
	if p.depth++; p.depth > maxLevels {
		return
	}
	at := level{start: len(p.names)}
	if !array {
		at.index = -1
	}
	p.levels = append(p.levels, at)
}

func (p *path) leave() {
	if at := p.innermost(); at != nil {
		p.names = p.names[:at.start]
		p.levels = p.levels[:len(p.levels)-1]
	}
	p.depth--
}

// innermost is nil beyond the bound.
func (p *path) innermost() *level {
	if p.depth > maxLevels {
		return nil
	}
	return &p.levels[len(p.levels)-1]
}

func (p *path) nextIndex() {
	if at := p.innermost(); at != nil {
		at.index++
	}
}

func (p *path) startName() {
	if at := p.innermost(); at != nil {
		at.cut = false
		p.names = p.names[:at.start]
	}
}

// extend takes in b as part of a name.
func (p *path) extend(b []byte) {
	at := p.innermost()
	if at == nil || at.cut {
		return
	}
	if at.cut = len(b) > maxNames-len(p.names); !at.cut {
		p.names = append(p.names, b...)
	}
}

// String joins names and indices with dots. Dots and backslashes of names get a
// backslash, so that a member cannot pass for one further down.
func (p *path) String() string {
	var b []byte
	escape := strings.NewReplacer(`\`, `\\`, `.`, `\.`)
	for i, at := range p.levels {
		if i > 0 {
			b = append(b, '.')
		}
		switch {
		case at.cut:
			return string(append(b, tooFar...))
		case at.index >= 0:
			b = strconv.AppendInt(b, int64(at.index), 10)
		default:
			b = append(b, escape.Replace(decoded(p.nameAt(i)))...)
		}
	}
	if p.depth > len(p.levels) {
		b = append(b, "."+tooFar...)
	}
	return string(b)
}

func (p *path) nameAt(i int) []byte {
	end := len(p.names)
	if i+1 < len(p.levels) {
		end = p.levels[i+1].start
	}
	return p.names[p.levels[i].start:end]
}

// decoded is the name that the inside of a JSON string means, which the lexer has
// found to be one.
func decoded(name []byte) string {
	var s string
	if err := json.Unmarshal([]byte(`"`+string(name)+`"`), &s); err != nil {
		return tooFar
	}
	return s
}
