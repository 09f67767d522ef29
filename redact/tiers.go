package redact

import (
	"bytes"
	"cmp"
	"slices"
)

// tables are what streams read; they never change once made.
type tables struct {
	tiers  []*tier // each much larger than the next, once all has been merged
	blanks blanks  // that do not end a run
}

// A tier has the patterns of some values. A text is searched once for each tier,
// so there are few; but a set that grows by one value does not make all of them again.
type tier struct {
	long, short *table // short patterns need windows that cost more; nil when there are none
	seen        *table // patterns for text whose escapes were undone

	again  []pattern // are in a table for another value already
	owners []uint32  // in order
	n      int       // patterns, with those
}

const (
	smallTier  = 2048 // patterns that are merged whatever comes: up to 150 values are one tier, and one search
	tierGrowth = 4
	mostTiers  = 8 // from which on whoever adds merges, too
)

func newTables(patterns []pattern, b blanks) *tables {
	t := &tables{blanks: b}
	if len(patterns) > 0 {
		t.tiers = append(t.tiers, newTier(patterns))
	}
	return t
}

// put returns tables that have the tiers of others in place of tiers[from:to].
func (t *tables) put(from, to int, others *tables, b blanks) *tables {
	return &tables{tiers: slices.Concat(t.tiers[:from], others.tiers, t.tiers[to:]), blanks: b}
}

// patterns are those of tiers[from:to] without those whose owners are dead.
func (t *tables) patterns(from, to int, dead map[uint32]size) []pattern {
	n := 0
	for _, tier := range t.tiers[from:to] {
		n += tier.n
	}
	list := make([]pattern, 0, n)
	for _, tier := range t.tiers[from:to] {
		for _, some := range tier.patterns() {
			for _, p := range some {
				if _, ok := dead[p.owner]; !ok {
					list = append(list, p)
				}
			}
		}
	}
	return list
}

// untidy is the first of the tiers that should be one: those behind it are not much
// smaller, or it has patterns whose owners are dead. It is len(t.tiers) where all is well.
func (t *tables) untidy(dead map[uint32]size) int {
	last := len(t.tiers) - 1
	if last < 0 {
		return 0
	}
	from := t.mergeable(0, last, t.tiers[last].n)
	if from == last {
		from++
	}
	for i, tier := range t.tiers[:from] {
		if tier.hasAny(dead) {
			return i
		}
	}
	return from
}

// deadIn are those of dead that are in tiers[from:to].
func (t *tables) deadIn(from, to int, dead map[uint32]size) map[uint32]size {
	in := map[uint32]size{}
	for _, tier := range t.tiers[from:to] {
		for owner, n := range dead {
			if tier.has(owner) {
				in[owner] = n
			}
		}
	}
	return in
}

// mergeable is the first tier from least on that, with those up to before, should
// be merged with n patterns.
func (t *tables) mergeable(least, before, n int) int {
	for before > least {
		size := t.tiers[before-1].n
		if size >= tierGrowth*n && size+n > smallTier {
			break
		}
		before, n = before-1, n+size
	}
	return before
}

// newTier needs at least one pattern. Their texts are copied, into one piece of
// memory: of what they were cut from nothing is kept.
func newTier(patterns []pattern) *tier {
	t := &tier{n: len(patterns)}
	sorted := slices.Clone(patterns)
	slices.SortFunc(sorted, func(a, b pattern) int {
		return cmp.Or(bytes.Compare(a.text, b.text), cmp.Compare(a.owner, b.owner), cmp.Compare(a.form, b.form))
	})
	t.own(sorted)
	kinds := [...]struct {
		into **table
		has  func(p pattern) bool
	}{
		{&t.long, func(p pattern) bool { return !p.seen && len(p.text) >= shortest }},
		{&t.short, func(p pattern) bool { return !p.seen && len(p.text) < shortest }},
		{&t.seen, func(p pattern) bool { return p.seen }},
	}
	for _, kind := range kinds {
		*kind.into = t.tableOf(sorted, kind.has)
	}
	return t
}

// own copies texts and notes owners.
func (t *tier) own(sorted []pattern) {
	size := 0
	for i, p := range sorted {
		if i == 0 || !bytes.Equal(p.text, sorted[i-1].text) {
			size += len(p.text)
		}
		t.owners = append(t.owners, p.owner)
	}
	slices.Sort(t.owners)
	t.owners = slices.Clone(slices.Compact(t.owners))
	text := make([]byte, 0, size)
	for i := range sorted {
		p := &sorted[i]
		if i > 0 && bytes.Equal(p.text, sorted[i-1].text) {
			p.text = sorted[i-1].text
			continue
		}
		from := len(text)
		text = append(text, p.text...)
		p.text = text[from:len(text):len(text)]
	}
}

// tableOf has the patterns of one kind, each once, and is nil when there are none.
func (t *tier) tableOf(sorted []pattern, has func(pattern) bool) *table {
	n := 0
	for _, p := range sorted {
		if has(p) {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	list := make([]pattern, 0, n)
	for _, p := range sorted {
		if !has(p) {
			continue
		}
		if len(list) > 0 && bytes.Equal(p.text, list[len(list)-1].text) {
			t.again = append(t.again, p)
			continue
		}
		list = append(list, p)
	}
	return newTable(list)
}

// patterns are all that the tier has.
func (t *tier) patterns() [][]pattern {
	all := [][]pattern{t.again}
	for _, table := range []*table{t.long, t.short, t.seen} {
		if table != nil {
			all = append(all, table.patterns)
		}
	}
	return all
}

// hasAny reports whether a value of dead is in the tier.
func (t *tier) hasAny(dead map[uint32]size) bool {
	for owner := range dead {
		if t.has(owner) {
			return true
		}
	}
	return false
}

func (t *tier) has(owner uint32) bool {
	_, ok := slices.BinarySearch(t.owners, owner)
	return ok
}
