package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// Misplaced names what stands below dir at paths that end as those of files do, suffixes, and is no file: nobody can
// write there, nor take a lock. What was put aside is not looked into; links are for Exposed.
func Misplaced(dir string, suffixes ...string) ([]*InsecureError, error) {
	var found []*InsecureError
	looked := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if looked++; looked > maxLooked {
			return fmt.Errorf("look at %s: there is too much in it", dir)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return nil
		}
		if err != nil {
			return err
		}
		misplaced := (*InsecureError)(nil)
		if path != dir && slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(path, s) }) && errors.As(regular(path, info), &misplaced) {
			found = append(found, misplaced)
		}
		if path != dir && e.IsDir() && (misplaced != nil || strings.Contains(e.Name(), Damaged)) {
			return fs.SkipDir
		}
		return nil
	})
	return found, err
}
