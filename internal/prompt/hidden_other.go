//go:build !linux

package prompt

import "golang.org/x/term"

// readHidden cannot see here whether more follows the line.
func readHidden(fd int, _ bool, ask func()) ([]byte, error) {
	ask()
	return term.ReadPassword(fd)
}
