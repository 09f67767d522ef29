//go:build race

package audit

// With the race detector pools forget a part of what is put back: 5 or 6.
const maxAllocations = 8
