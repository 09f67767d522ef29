//go:build !linux

package main

// noKeyring is for Linux: elsewhere there is none to take away.
func noKeyring() { panic("there is no keyring here") }
