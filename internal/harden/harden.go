// Package harden keeps what a process holds from being read by its neighbours.
//
//	runtree.Mark()           // needs a file that Hide takes away
//	harden.Hide()            // no ptrace, no /proc/PID/mem or environ
//	child.Start()
//	harden.NoTrace()         // a crash of ours shows no stack
//	harden.NoCore()          // after the start: the child keeps its own limit
//
// Guarantees: none against root; against processes of the same user, memory,
// descriptors and environment of a hidden process cannot be opened (Linux).
package harden

import "runtime/debug"

// NoTrace makes a crash say what was wrong and nothing of what was at hand. The
// environment, and so a child's GOTRACEBACK, stays as it is.
func NoTrace() { debug.SetTraceback("none") }
