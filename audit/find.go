package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Find returns the events of the exchange id, in the order of their writing, from
// the logs in the directory path, or from the log whose present file is at path.
func Find(path, id string) ([]Event, error) {
	files, err := filesOf(path)
	if err != nil {
		return nil, fmt.Errorf("read audit logs: %w", err)
	}
	mark, err := json.Marshal(id)
	if err != nil {
		return nil, fmt.Errorf("read audit logs: %w", err)
	}
	mark = append([]byte(`{"id":`), mark...) // a line begins so: most need not be parsed
	var events []Event
	for _, file := range files {
		err := eachLine(file, func(line []byte) {
			var e Event
			if bytes.HasPrefix(line, mark) && json.Unmarshal(line, &e) == nil && e.ID == id {
				events = append(events, e)
			}
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // pruned meanwhile
			return nil, fmt.Errorf("read audit logs: %w", err)
		}
	}
	return events, nil
}

// filesOf lists files in the order in which they were written, so far as one
// log is concerned.
func filesOf(path string) ([]string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return filepath.Glob(filepath.Join(path, "*.jsonl"))
	}
	var files []string
	for _, n := range numbers(path) {
		files = append(files, numbered(path, n))
	}
	return append(files, path), nil
}
