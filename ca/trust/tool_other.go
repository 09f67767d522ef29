//go:build !unix

package trust

import "os/exec"

func detach(*exec.Cmd, string) error { return nil }

// mayChangeSystem: a user of Windows has a store of his own.
func mayChangeSystem() bool { return true }
