// Package audit records exchanges: which names went where, and how it ended.
//
//	log, err := audit.Open(audit.Config{Dir: filepath.Join(home, "audit"), Key: audit.KeyFile(path).Make})
//	defer log.Close()
//	e := audit.Event{ID: audit.NewID(), Event: audit.Decided, SecretKeys: []string{"STRIPE_KEY"}, …}
//	if err := log.Write(e); err != nil {
//		return err // no record, no value
//	}
//	events, err := audit.Read(filepath.Join(home, "audit"), audit.Filter{Last: 10})
//	files, err := audit.Verify(filepath.Join(home, "audit"), key)
//
// Guarantees: an event is one line of JSON in which every field is present, and
// is written with one write(2) that has returned when Write returns; a Write
// that fails leaves nothing of its line behind, and the next one tries anew; no
// text that a client chose can break out of its line, or of its field; Verify
// finds lines that were edited, put in, taken out or moved by whoever has not
// the key, and an end that was cut off, if the disk had had it for a second.
package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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

// Config says where a log is and how it is kept.
type Config struct {
	Dir  string                 // of all logs
	Key  func() ([]byte, error) // of the chains; asked for with the first event
	Sync bool                   // Write waits for the disk, for each event
	Now  func() time.Time       // nil means time.Now
}

func (c Config) now() func() time.Time {
	if c.Now == nil {
		return time.Now
	}
	return c.Now
}

// Log appends events to a file.
type Log struct {
	now    func() time.Time
	wait   bool // for the disk, with each event
	mu     sync.Mutex
	file   *file
	timer  *time.Timer // of the sync that is due; nil when nothing waits for one
	failed bool        // the last sync failed: until one succeeds, each Write brings its own
	closed bool
}

// Open prepares a log file of this process alone. Nothing is written before the
// first event: a run without secrets leaves no file.
func Open(c Config) (*Log, error) {
	name := fmt.Sprintf("%s-%d.jsonl", c.now()().UTC().Format(startFormat), os.Getpid())
	return newLog(filepath.Join(c.Dir, name), c)
}

// OpenShared prepares the log that short-lived processes share, each of them
// holding a lock while it writes: a file for every call would be one for every
// line.
func OpenShared(c Config) (*Log, error) {
	l, err := newLog(filepath.Join(c.Dir, sharedName), c)
	if err == nil {
		l.share()
	}
	return l, err
}

const sharedName = "call.jsonl"

func newLog(path string, c Config) (*Log, error) {
	if c.Key == nil {
		return nil, errors.New("open audit log: Key is required")
	}
	path, err := filepath.Abs(path) // the working directory may change before the first event
	if err != nil {
		return nil, fmt.Errorf("open audit log: %w", err)
	}
	return &Log{file: newFile(path, c), now: c.now(), wait: c.Sync}, nil
}

// share lets other processes write too. Every event waits for the disk: after
// it this process may be gone.
func (l *Log) share() { l.file.shared, l.wait = true, true }

// Path is the file that events are written to.
func (l *Log) Path() string { return l.file.path }

// Write records e. When it returns nil the kernel has the whole line. An event
// without a timestamp gets the present one.
func (l *Log) Write(e Event) error {
	if e.Timestamp.IsZero() {
		e.Timestamp = l.now()
	}
	e.Chain = ""
	buf := lines.Get().(*[]byte)
	defer giveBack(buf)
	*buf = slices.Grow(e.appendTo((*buf)[:0]), chainedBy)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("write audit event: %w", os.ErrClosed)
	}
	if err := l.appendLine(*buf); err != nil {
		return fmt.Errorf("write audit event: %w", err)
	}
	l.failed = false
	if l.timer == nil && !l.wait {
		l.timer = time.AfterFunc(syncDelay, l.syncDue)
	}
	return nil
}

// lines is memory for the line that an event is.
var lines = sync.Pool{New: func() any { return new([]byte) }}

const usualLine = 8 << 10

func giveBack(buf *[]byte) {
	if cap(*buf) <= usualLine { // few are longer, and those by far
		lines.Put(buf)
	}
}

// appendLine writes to the file, which in a shared log is opened for each line:
// between two of ours it may have grown or have been set aside.
func (l *Log) appendLine(line []byte) error {
	if !l.file.shared {
		return l.file.append(line, l.wait || l.failed)
	}
	if l.file.makeDir {
		if err := atomicfile.MkdirPrivate(filepath.Dir(l.file.path)); err != nil {
			return err
		}
	}
	unlock, err := atomicfile.Lock(l.file.path + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	return errors.Join(l.file.append(line, true), l.file.close())
}

// syncDue takes events, and then the head, to the disk. Writers do not wait for
// it: a disk may take long, and what they were promised is write(2).
func (l *Log) syncDue() {
	l.mu.Lock()
	l.timer = nil
	h, known := l.file.h, l.file.head
	l.mu.Unlock()
	if h == nil {
		return // closed, or given up after a failure
	}
	err := l.file.sync(h)
	l.mu.Lock()
	if l.file.h != h {
		l.mu.Unlock()
		return // set aside or closed meanwhile, which syncs by itself
	}
	headAt := l.file.headAt
	if err == nil { // of the lines that the disk now has, which may not be all
		err = l.file.keys.writeHead(headAt, l.file.path, known)
	}
	l.mu.Unlock()
	if err == nil {
		err = syncFile(headAt)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file.h == h {
		l.failed = l.failed || err != nil
	}
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
	if err := l.file.end(); err != nil {
		return fmt.Errorf("close audit log: %w", err)
	}
	return nil
}
