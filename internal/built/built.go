// Package built makes the program as it is released, for the tests that start it: what
// they try is what stands in the tree.
//
//	var binary string
//
//	func TestMain(m *testing.M) { built.Main(m, &binary) }
package built

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Agentsecrets builds it into dir and returns its path. The working directory has to be
// one of this module.
func Agentsecrets(dir string) (string, error) {
	path := filepath.Join(dir, "agentsecrets")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "github.com/agentsecrets/agentsecrets/cmd/agentsecrets")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build agentsecrets: %w\n%s", err, out)
	}
	return path, nil
}

// Main runs the tests of a package with *binary built, in a directory that goes with them.
// It does not return.
func Main(m *testing.M, binary *string) { os.Exit(run(m, binary)) }

func run(m *testing.M, binary *string) int {
	dir, err := os.MkdirTemp("", "built-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "make folder for the binary:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	if *binary, err = Agentsecrets(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
