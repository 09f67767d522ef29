//go:build !race

package main

import "time"

// canaryTime is the processor time that the proof of the redactor may take at a start.
const canaryTime = 5 * time.Millisecond
