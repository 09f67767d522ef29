package secretservice

import (
	"os"
	"path/filepath"
)

const programEnv = "SECRETSERVICE_TEST_PROGRAM"

// Copy makes a copy of this program that any user can start, for Program: the original may be in a directory of ours
// alone. The copy is to be removed at the end.
func Copy() (remove func(), err error) {
	dir, err := os.MkdirTemp("", "keychain")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	path := filepath.Join(dir, "agentsecrets")
	if err := copySelf(path); err != nil {
		remove()
		return nil, err
	}
	return remove, os.Setenv(programEnv, path)
}

func copySelf(path string) error {
	if err := os.Chmod(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	return os.WriteFile(path, program, 0o755)
}

// Program is the copy, or this program itself where there is none.
func Program() (string, error) {
	if path := os.Getenv(programEnv); path != "" {
		return path, nil
	}
	return os.Executable()
}
