//go:build !linux

package peer

import (
	"errors"
	"net/netip"
)

func programAt(_, _ netip.AddrPort) string { return "" }

// Program names the program of a process; here it cannot tell.
func Program(int) string { return "" }

// Holding finds which of pids have which of sockets; here it cannot tell.
func Holding([]int, []uint32) map[uint32]int { return nil }

// Opens counts the connections that were begun; here it cannot tell.
func Opens() (Opened, error) { return Opened{}, errors.ErrUnsupported }

// Outwards lists our user's connections to one of ports; here it cannot tell.
func Outwards([]uint16) ([]Outward, error) { return nil, errors.ErrUnsupported }
