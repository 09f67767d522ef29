//go:build !linux

package redact

import "time"

var began = time.Now()

func cpu() time.Duration { return time.Since(began) }
