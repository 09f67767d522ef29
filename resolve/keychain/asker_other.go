//go:build !linux

package keychain

import (
	"io"
	"os"
	"os/exec"
)

func input(cmd *exec.Cmd) (io.WriteCloser, error) { return cmd.StdinPipe() }

// checkAsker knows no more here than that a person at a terminal is not our parent.
func checkAsker(in *os.File) error {
	if info, err := in.Stat(); err != nil || info.Mode()&os.ModeCharDevice != 0 {
		return errNotForYou
	}
	return nil
}
