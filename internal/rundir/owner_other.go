//go:build !unix

package rundir

import "io/fs"

const noFollow = 0

// ours: the directory for temporary files is the user's own.
func ours(fs.FileInfo) bool { return true }
