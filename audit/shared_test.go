package audit

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// Logs that share a file lose and tear nothing, whoever of them sets it aside.
func TestShared(t *testing.T) {
	dir := t.TempDir()
	const writers, each = 8, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			l, err := OpenShared(config(dir, nil))
			if err != nil {
				t.Error(err)
				return
			}
			l.file.limit = 40 << 10 // full several times
			for i := range each {
				if err := l.Write(Event{ID: fmt.Sprintf("w%d-%d", w, i), Event: Done, Status: OK}); err != nil {
					t.Error(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	events, err := Read(dir, Filter{})
	if err != nil || len(events) != writers*each {
		t.Errorf("%d events, %v; want %d", len(events), err, writers*each)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "call.*.jsonl")); len(files) < 2 {
		t.Errorf("the file was never set aside: %v", files)
	}
}
