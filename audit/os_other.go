//go:build !unix

package audit

const noFollow = 0

// syncDir does nothing: Windows cannot sync a directory.
func syncDir(string) error { return nil }

// alive cannot be told.
func alive(int) bool { return true }

// checksModes: those of Windows say nothing.
const checksModes = false
