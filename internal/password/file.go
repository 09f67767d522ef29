package password

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
)

// maxFile is far more than anybody's password, and keeps a wrong path (a disk image, /dev/zero) from being read whole.
const maxFile = 64 << 10

// ReadFile returns the first line of the file without its line end. What follows it is ignored, so that a file may
// say what it is for. Pipes are fine: --password-file <(pass show acme).
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read password file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read password file: %w", err)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	switch {
	case len(line) > maxFile:
		return nil, fmt.Errorf("read password file %s: its first line is too long for a password", path)
	case len(line) == 0:
		return nil, fmt.Errorf("read password file %s: %w", path, ErrEmpty)
	}
	return line, nil
}

// Exposed reports whether other users may read the file at path: worth a warning, but the owner's decision. Modes say nothing on Windows.
func Exposed(path string) bool {
	info, err := os.Stat(path)
	return runtime.GOOS != "windows" && err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o044 != 0
}
