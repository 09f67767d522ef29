// Package freeport finds ports for programs that have to be told one.
//
//	port, err := freeport.Find()
//
// For tests and for commands that measure; it is not part of the program.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
)

// Ports that a system gives to whoever asks for any are above these: Linux has
// them from 32768 on (ip_local_port_range), others from 49152 (RFC 6335, section
// 6). One of those, once let go, is soon somebody else's on a busy machine.
const (
	first = 10_000
	end   = 32_768
)

// drawn is the last that was tried. Processes begin at random, so that those that
// look at the same time find others.
var drawn atomic.Uint32

func init() { drawn.Store(rand.Uint32N(end - first)) }

// Find returns a port on which nobody listens at 127.0.0.1, and which it has not
// returned to this process before.
func Find() (int, error) {
	var err error
	for range end - first {
		port := first + int(drawn.Add(1)%(end-first))
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("find a free port: %w", err)
}
