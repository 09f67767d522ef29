//go:build !linux

package main

// stranger is a program of the tests on Linux.
func stranger() {}
