package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// Check reports what would keep an event from being written: it writes as much
// beside the log, and takes it away again.
func (l *Log) Check() error {
	dir := filepath.Dir(l.file.path)
	if l.file.makeDir {
		if err := atomicfile.MkdirPrivate(dir); err != nil {
			return fmt.Errorf("check the audit log: %w", err)
		}
	}
	if _, err := l.file.key(); err != nil {
		return fmt.Errorf("check the audit log: %w", err)
	}
	f, err := os.CreateTemp(dir, ".check-") // 0600
	if err != nil {
		return fmt.Errorf("check the audit log: %w", err)
	}
	_, err = f.Write(make([]byte, eventRoom))
	if err := errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return fmt.Errorf("check the audit log: %w", err)
	}
	return nil
}

// eventRoom is what all but the longest events need.
const eventRoom = 4 << 10
