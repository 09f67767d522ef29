//go:build race

package main

import "time"

// The race detector makes the proof ten times as slow; make test measures it without.
const canaryTime = 50 * time.Millisecond
