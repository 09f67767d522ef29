// Package audit records exchanges: which names went where, and how it ended.
//
//	log, err := audit.Open(filepath.Join(home, "audit"), time.Now)
//	defer log.Close()
//	e := audit.Event{ID: audit.NewID(), Event: audit.Decided, SecretKeys: []string{"STRIPE_KEY"}, …}
//	if err := log.Write(e); err != nil {
//		return err // no record, no value
//	}
//	events, err := audit.Read(filepath.Join(home, "audit"), audit.Filter{Last: 10})
//
// Guarantees: an event is one line of JSON in which every field is present, and
// is written with one write(2) that has returned when Write returns; a Write
// that fails leaves nothing of its line behind, and the next one tries anew; no
// text that a client chose can break out of its line, or of its field.
package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

const (
	// syncDelay is how long an event may be in the kernel's memory alone.
	syncDelay = time.Second
	// fileLimit is where a file is set aside, keepFiles how many of those are kept.
	fileLimit = 64 << 20
	keepFiles = 10

	startFormat = "20060102T150405.000000Z"
)

// Log appends events to a file of its own.
type Log struct {
	now    func() time.Time
	shared bool // with other processes, under a lock

	mu     sync.Mutex
	file   *file
	timer  *time.Timer // of the sync that is due; nil when nothing waits for one
	failed bool        // the last sync failed: until one succeeds, each Write brings its own
	closed bool
}

// Open prepares a log file in dir for this process. Nothing is written before
// the first event: a run without secrets leaves no file. Nil now means time.Now.
func Open(dir string, now func() time.Time) (*Log, error) {
	if now == nil {
		now = time.Now
	}
	dir, err := filepath.Abs(dir) // the working directory may change before the first event
	if err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	name := fmt.Sprintf("%s-%d.jsonl", now().UTC().Format(startFormat), os.Getpid())
	return newLog(newFile(filepath.Join(dir, name)), now), nil
}

// OpenShared prepares the log that short-lived processes share, each of them
// holding a lock while it writes: a file for every call would be one for every
// line. Nil now means time.Now.
func OpenShared(dir string, now func() time.Time) (*Log, error) {
	l, err := Open(dir, now)
	if err != nil {
		return nil, err
	}
	shared := newLog(newFile(filepath.Join(filepath.Dir(l.file.path), sharedName)), l.now)
	shared.shared = true
	return shared, nil
}

const sharedName = "call.jsonl"

func newLog(f *file, now func() time.Time) *Log { return &Log{file: f, now: now} }

// Path is the file that events are written to.
func (l *Log) Path() string { return l.file.path }

// Write records e. When it returns nil the kernel has the whole line. An event
// without a timestamp gets the present one.
func (l *Log) Write(e Event) error {
	if e.Timestamp.IsZero() {
		e.Timestamp = l.now()
	}
	line, err := e.MarshalJSON()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("write audit event: %w", os.ErrClosed)
	}
	if err := l.appendLine(append(line, '\n')); err != nil {
		return fmt.Errorf("write audit event: %w", err)
	}
	l.failed = false
	if l.timer == nil && !l.shared {
		l.timer = time.AfterFunc(syncDelay, l.syncDue)
	}
	return nil
}

// appendLine writes to the file, which in a shared log is opened for each line:
// between two of ours it may have grown or have been set aside.
func (l *Log) appendLine(line []byte) error {
	if !l.shared {
		return l.file.append(line, l.failed)
	}
	if err := atomicfile.MkdirPrivate(filepath.Dir(l.file.path)); err != nil {
		return err
	}
	unlock, err := atomicfile.Lock(l.file.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	return errors.Join(l.file.append(line, false), l.file.close())
}

// syncDue takes events to the disk. Writers do not wait for it: a disk may take
// long, and what they were promised is write(2).
func (l *Log) syncDue() {
	l.mu.Lock()
	l.timer = nil
	h := l.file.h
	l.mu.Unlock()
	if h == nil {
		return // closed, or given up after a failure
	}
	err := l.file.sync(h)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file.h != h {
		return // set aside or closed meanwhile, which syncs by itself
	}
	l.failed = l.failed || err != nil
}

// Close takes what is left to the disk and ends the log.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if l.timer != nil {
		l.timer.Stop()
	}
	if err := l.file.close(); err != nil {
		return fmt.Errorf("close audit log: %w", err)
	}
	return nil
}
