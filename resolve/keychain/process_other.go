//go:build !unix

package keychain

import (
	"context"
	"os"
	"os/exec"
)

// alone has nothing to do: the library starts no processes here.
func alone(*exec.Cmd) {}

func endGroup(*exec.Cmd) {}

// claim opens the file alone: what a helper does here is one call of the system, over before its end can be seen.
func claim(_ context.Context, path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}

func inherit(*exec.Cmd, *os.File) {}
