//go:build !race

package http1

const maxAllocations = 0
