//go:build !linux && !darwin

package main

import (
	"os"
	"runtime"
)

// parentName is told by what PowerShell sets, where the parent cannot be asked.
func parentName() string {
	if runtime.GOOS == "windows" && os.Getenv("PSModulePath") != "" {
		return "powershell"
	}
	return ""
}
