package main

import (
	"os"
	"strconv"
	"strings"
)

// startedBy is the name of the program that started us, "" if it cannot be told.
func startedBy() string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(os.Getppid()) + "/comm")
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(b), "\n")
}
