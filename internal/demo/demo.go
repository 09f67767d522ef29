// Package demo holds what the command demo needs beside the product itself: an
// origin that echoes, and a search for a value wherever it must not be.
//
//	go demo.ServeOrigin(listener, leaf, os.Stdout)     // in a process of its own
//	for _, form := range demo.Seen(output, value) {    // in the one that judges
//		…
//	}
//	found, err := demo.SearchTree(dir, value)
//	found, err = demo.SearchMemory(pid, value)
//
// Guarantees: the search is written anew here and shares no code with the
// redactor, so that a fault of the one is not a fault of the other.
package demo

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// SearchTree looks for value in every file below dir, and in their names.
func SearchTree(dir string, value []byte) (found []string, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		text := []byte(path)
		if e.Type().IsRegular() {
			if text, err = os.ReadFile(path); err != nil {
				return err
			}
			text = append(text, path...)
		}
		for _, form := range Seen(text, value) {
			found = append(found, path+" ("+form+")")
		}
		return nil
	})
	if err != nil {
		return found, fmt.Errorf("search %s: %w", dir, err)
	}
	return found, nil
}
