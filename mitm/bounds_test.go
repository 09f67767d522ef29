//go:build !race

package mitm_test

import "time"

// Measured: 163 allocations, 13,120 bytes.
const (
	maxAllocations = 172
	maxAllocated   = 14_200
)

// floodShare is the part of a flood that tests send, all of it; floodTime how long
// one takes.
const (
	floodShare = 1
	floodTime  = 10 * time.Second
)

// Of what is measured against plain requests: at most so many times their CPU
// time; and how long a message in fragments of one byte is.
const (
	timesCPU   = 30
	fragmented = 1 << 20
)
