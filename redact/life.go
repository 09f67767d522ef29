package redact

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// What becomes of values in a Set. One that is added has small tables of its own at
// once, which cost what it costs and not what is there already. In the background
// they are merged with those of others, and values that were removed are left out:
// by one goroutine, which ends when there is nothing to do.

// ErrFull says that a value was not added because the set has as many as it may.
// A value that is not looked for must not go out.
var ErrFull = errors.New("there are too many values to look for")

// The most that a Set may have. Values of usual length have about 16 patterns of
// 100 bytes each, so that there is room for 12,000 of them.
const (
	maxPatterns = 200_000
	maxText     = 64 << 20 // bytes in patterns
)

// An ID tells a value from others in its Set, and nothing else: it is made with a
// key that no other Set has.
type ID [16]byte

// A life is what of a Set changes.
type life struct {
	key [32]byte

	mu     sync.Mutex // guards what follows
	max    size
	known  map[ID]entry
	next   uint32          // owner
	dead   map[uint32]size // owners of patterns that were removed, but are in tables still
	size   size            // of all patterns in tables
	blanks blanks          // of all values that ever were added
	busy   int             // tiers that are being merged; those behind them are not
	tidied chan struct{}   // closed when the goroutine that merges ends; nil: there is none
}

// An entry is a value that is looked for.
type entry struct {
	owner uint32
	size  size
}

// size is what patterns need.
type size struct{ patterns, text int }

func (a size) and(b size) size    { return size{a.patterns + b.patterns, a.text + b.text} }
func (a size) less(b size) size   { return size{a.patterns - b.patterns, a.text - b.text} }
func (a size) over(max size) bool { return a.patterns > max.patterns || a.text > max.text }

func sizeOf(patterns []pattern) size {
	n := size{patterns: len(patterns)}
	for _, p := range patterns {
		n.text += len(p.text)
	}
	return n
}

func (l *life) begin() {
	l.max, l.known, l.dead = size{maxPatterns, maxText}, map[ID]entry{}, map[uint32]size{}
	rand.Read(l.key[:])
}

// Limit says how many patterns there may be, and how many bytes in them, in place of
// 200,000 and 64 MiB: for tests, and where there is less memory.
func (s *Set) Limit(patterns, text int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.max = size{patterns, text}
}

// ID is what the set knows value by.
func (s *Set) ID(value resolve.Value) ID { return s.id(value.Reveal()) }

func (s *Set) id(value []byte) ID {
	var room [256]byte // for values of usual length nothing is allocated
	sum := sha256.Sum256(append(append(room[:0], s.key[:]...), value...))
	clear(room[:])
	return ID(sum[:len(ID{})])
}

// Add puts values into the set. They are looked for when it returns, also in streams
// under way. It does nothing for those that are in it already or empty. The error is
// [ErrFull], and then none was added.
func (s *Set) Add(values ...resolve.Value) error {
	texts := make([][]byte, len(values))
	for i, v := range values {
		texts[i] = v.Reveal()
	}
	return s.add(texts...)
}

func (s *Set) add(values ...[]byte) error {
	fresh := s.unknown(values)
	for i := range fresh { // others need not wait for it
		fresh[i].patterns = patternsOf(fresh[i].value, s.limits)
	}
	return s.join(fresh)
}

// A newcomer is a value on its way into a set.
type newcomer struct {
	id       ID
	value    []byte
	patterns []pattern
}

// unknown are those of values that the set does not know, each once.
func (s *Set) unknown(values [][]byte) []newcomer {
	ids := make([]ID, len(values))
	for i, value := range values {
		ids[i] = s.id(value)
	}
	var fresh []newcomer
	var seen map[ID]bool
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, id := range ids {
		if _, known := s.known[id]; !known && !seen[id] && len(values[i]) > 0 {
			if seen == nil {
				seen = map[ID]bool{}
			}
			fresh, seen[id] = append(fresh, newcomer{id: id, value: values[i]}), true
		}
	}
	return fresh
}

// join makes all of fresh be looked for, or none.
func (s *Set) join(fresh []newcomer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh = slices.DeleteFunc(fresh, func(v newcomer) bool { // somebody else added it meanwhile
		_, known := s.known[v.id]
		return known
	})
	if len(fresh) == 0 {
		return nil
	}
	total := s.size
	for _, v := range fresh {
		total = total.and(sizeOf(v.patterns))
	}
	if total.over(s.max) {
		return ErrFull
	}
	s.size = total
	var all []pattern
	for _, v := range fresh {
		for _, p := range v.patterns {
			p.owner = s.next
			all = append(all, p)
		}
		s.known[v.id] = entry{s.next, sizeOf(v.patterns)}
		s.next++
		s.blanks = s.blanks.and(blanksOf(v.value)) // that stays when the value goes
		if bytes.IndexFunc(v.value, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
			s.wide.Store(true)
		}
		if bytes.ContainsAny(v.value, ":,; ") {
			s.spans.Store(true)
		}
	}
	s.putLocked(all)
	return nil
}

// putLocked makes patterns be looked for. Where merging does not keep up with what is
// added, whoever adds does a part of it: the number of tiers stays small.
func (s *Set) putLocked(patterns []pattern) {
	t := s.tables.Load()
	if t == nil {
		t = &tables{}
	}
	from, to := len(t.tiers), len(t.tiers)
	if from >= mostTiers && from > s.busy {
		from = t.mergeable(s.busy, from-1, t.tiers[from-1].n+len(patterns))
		patterns = append(t.patterns(from, to, nil), patterns...)
	}
	s.tables.Store(t.put(from, to, newTables(patterns, s.blanks), s.blanks))
	s.tidyLocked()
}

// Remove takes values out of the set that have these IDs. Until their tables have
// been made anew, which happens in the background and takes seconds at most, they
// are still found. What a stream has begun to cover it covers to its end.
func (s *Set) Remove(ids ...ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		e, ok := s.known[id]
		if !ok {
			continue
		}
		delete(s.known, id)
		if e.size.patterns > 0 {
			s.dead[e.owner] = e.size
		}
	}
	s.tidyLocked()
}

// Len is how many values are looked for, or would be if they were not too short.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.known)
}

// tidyLocked makes sure that somebody merges what is to be merged.
func (s *Set) tidyLocked() {
	if t := s.tables.Load(); s.tidied != nil || t == nil || t.untidy(s.dead) == len(t.tiers) {
		return
	}
	s.tidied = make(chan struct{})
	go s.tidy()
}

// tidy merges until all is well.
func (s *Set) tidy() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		t := s.tables.Load()
		from, to := t.untidy(s.dead), len(t.tiers)
		if from == to {
			close(s.tidied)
			s.tidied = nil
			return
		}
		s.busy = to // nobody else changes what stands before
		dead := t.deadIn(from, to, s.dead)
		s.mu.Unlock()
		merged := newTables(t.patterns(from, to, dead), blanks{})
		s.mu.Lock()
		s.busy = 0
		s.tables.Store(s.tables.Load().put(from, to, merged, s.blanks))
		for owner, n := range dead {
			delete(s.dead, owner)
			s.size = s.size.less(n)
		}
	}
}
