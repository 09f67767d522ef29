//go:build !race

package mitm_test

// Measured: 159 allocations, 12,900 bytes.
const (
	maxAllocations = 175
	maxAllocated   = 14_200
)
