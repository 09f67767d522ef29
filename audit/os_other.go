//go:build !unix

package audit

const noFollow = 0

// syncDir does nothing: Windows cannot sync a directory.
func syncDir(string) error { return nil }
