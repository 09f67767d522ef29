//go:build !race

package mitm_test

// Measured: 195 allocations, 18,400 bytes.
const (
	maxAllocations = 215
	maxAllocated   = 20_300
)
