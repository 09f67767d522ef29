//go:build !linux

package audit

import "os"

func syncFile(f *os.File) error { return f.Sync() }
