//go:build !unix

package harden

// NoCore does nothing: there are no core dumps here.
func NoCore() error { return nil }
