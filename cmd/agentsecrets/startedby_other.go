//go:build !linux && !darwin

package main

import (
	"os"
	"runtime"
)

// startedBy is told by what PowerShell sets, where the parent cannot be asked.
func startedBy() string {
	if runtime.GOOS == "windows" && os.Getenv("PSModulePath") != "" {
		return "powershell"
	}
	return ""
}
