//go:build race

package http1

// With the race detector pools forget a part of what is put back.
const maxAllocations = 6
