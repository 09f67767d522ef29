package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// copyTree copies what git knows or would add, so that build output stays out.
func copyTree(ctx context.Context, dir string) error {
	out, err := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return fmt.Errorf("list files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		b, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue // deleted, not yet committed
		}
		if err != nil {
			return fmt.Errorf("copy tree: %w", err)
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return fmt.Errorf("copy tree: %w", err)
		}
		if err := os.WriteFile(to, b, 0o644); err != nil {
			return fmt.Errorf("copy tree: %w", err)
		}
	}
	return linkCache(dir)
}

// linkCache lends the copy what was installed for the tests.
func linkCache(dir string) error {
	cache, err := filepath.Abs(".cache")
	if err == nil {
		err = os.Symlink(cache, filepath.Join(dir, ".cache"))
	}
	if err != nil {
		return fmt.Errorf("copy tree: %w", err)
	}
	return nil
}

// withFault is what do comes to in a tree with the fault.
func (w *worker) withFault(f fault, do func() outcome) outcome {
	path := filepath.Join(w.tree, f.file)
	before, err := os.ReadFile(path)
	if err != nil {
		return outcome{end: untried, why: err.Error()}
	}
	if n := bytes.Count(before, []byte(f.old)); n != 1 {
		return outcome{end: untried, why: fmt.Sprintf("the text to replace is there %d times, not once", n)}
	}
	defer os.WriteFile(path, before, 0o644)
	if err := os.WriteFile(path, bytes.Replace(before, []byte(f.old), []byte(f.new), 1), 0o644); err != nil {
		return outcome{end: untried, why: err.Error()}
	}
	return do()
}
