//go:build race

package mitm_test

import "time"

// Measured: 172 allocations, 26,200 bytes. With the race detector pools forget a
// part of what is put back.
const (
	maxAllocations = 190
	maxAllocated   = 29_000
)

// floodShare is the part of a flood that tests send, floodTime how long one takes
// with some that must be whole: each frame takes longer.
const (
	floodShare = 10
	floodTime  = 15 * time.Second
)

// Of what is measured against plain requests: at most so many times their CPU
// time; and how long a message in fragments of one byte is.
const (
	timesCPU   = 100
	fragmented = 16 << 10
)
