package main

import (
	"fmt"
	"strings"
)

// readKnown reads the misses that somebody looked at, by pair: lines of
// "pair | reason".
func readKnown(text string) (map[string]string, error) {
	known := map[string]string{}
	at := 0
	for line := range strings.Lines(text) {
		at++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := strings.Cut(line, " | ")
		if !ok || name == "" || reason == "" {
			return nil, fmt.Errorf("known misses, line %d: not \"pair | reason\"", at)
		}
		if known[name] != "" {
			return nil, fmt.Errorf("known misses, line %d: %s stands twice", at, name)
		}
		known[name] = reason
	}
	return known, nil
}
