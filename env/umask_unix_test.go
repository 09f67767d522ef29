//go:build unix

package env

import (
	"os"
	"syscall"
	"testing"
)

func TestVarsWhateverTheUmask(t *testing.T) {
	c := child(t)
	before := syscall.Umask(0o077)
	got, _ := vars(t, c)
	syscall.Umask(before)
	if info, err := os.Lstat(got["AGENTSECRETS_CA"]); err != nil || info.Mode() != 0o444 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
