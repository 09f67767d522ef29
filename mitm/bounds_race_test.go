//go:build race

package mitm_test

// Measured: 218 allocations, 32,000 bytes. With the race detector pools forget a
// part of what is put back.
const (
	maxAllocations = 240
	maxAllocated   = 35_300
)
