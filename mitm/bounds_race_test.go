//go:build race

package mitm_test

// Measured: 172 allocations, 26,200 bytes. With the race detector pools forget a
// part of what is put back.
const (
	maxAllocations = 190
	maxAllocated   = 29_000
)
