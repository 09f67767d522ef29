// Package harden keeps what a process holds from being read by its neighbours.
//
//	harden.Hide()            // no ptrace, no /proc/PID/mem or environ
//	child.Start()            // the child may be looked at
//	harden.NoCore()          // after the start: the child keeps its own limit
//
// Guarantees: none against root; against processes of the same user, memory,
// descriptors and environment of a hidden process cannot be opened (Linux).
package harden
