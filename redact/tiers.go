package redact

import (
	"bytes"
	"slices"
)

// tables are what streams read; they never change once made.
type tables struct {
	tiers  []tier // each much larger than the next
	blanks blanks // that do not end a run
}

// A tier has the patterns of some values. A text is searched once for each tier,
// so there are few; but a set that grows by one value does not make all of them again.
type tier struct {
	patterns    []pattern
	long, short *table // short patterns need windows that cost more; nil when there are none
	seen        *table // patterns for text whose escapes were undone
}

const (
	smallTier  = 2048 // patterns that are made again at once
	tierGrowth = 4
)

func newTables(patterns []pattern, b blanks) *tables { return new(tables).with(patterns, b) }

// with returns tables that have patterns as well.
func (t *tables) with(patterns []pattern, b blanks) *tables {
	n := len(t.tiers)
	for ; n > 0; n-- {
		last := t.tiers[n-1].patterns
		if len(last) >= tierGrowth*len(patterns) && len(last)+len(patterns) > smallTier {
			break
		}
		patterns = slices.Concat(last, patterns)
	}
	next := &tables{tiers: slices.Clone(t.tiers[:n]), blanks: b}
	if len(patterns) > 0 {
		next.tiers = append(next.tiers, newTier(patterns))
	}
	return next
}

func newTier(patterns []pattern) tier {
	sorted := slices.Clone(patterns)
	slices.SortStableFunc(sorted, func(a, b pattern) int { return bytes.Compare(a.text, b.text) })
	var long, short, seen []pattern
	for _, p := range sorted {
		switch {
		case p.seen:
			seen = append(seen, p)
		case len(p.text) >= shortest:
			long = append(long, p)
		default:
			short = append(short, p)
		}
	}
	return tier{patterns: patterns, long: tableOf(long), short: tableOf(short), seen: tableOf(seen)}
}

// tableOf takes sorted patterns and returns nil when there are none.
func tableOf(sorted []pattern) *table {
	if len(sorted) == 0 {
		return nil
	}
	return newTable(slices.CompactFunc(sorted, func(a, b pattern) bool { return bytes.Equal(a.text, b.text) }))
}
