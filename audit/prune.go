package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// The rule for logs of runs that have ended: those go that are older than
// MaxAge, and of the others all but the MaxLogs latest. The log that calls
// share is never pruned; it keeps its last files.
const (
	MaxAge  = 90 * 24 * time.Hour
	MaxLogs = 1000
)

// Pruning says which logs go, and who is told before they do.
type Pruning struct {
	Dir    string
	Key    []byte
	Age    time.Duration // those older than this
	Logs   int           // all but so many
	Now    func() time.Time
	Record func(Event) error // the event that says what went; nothing goes if it fails
}

// pruned is a log that may go.
type pruned struct {
	path string
	at   time.Time // of the last event, more or less
}

// Prune removes logs of ended processes and returns how many. The event that
// records it names the first and the last.
func Prune(p Pruning) (int, error) {
	logs, err := endedLogs(p.Dir)
	if err != nil || len(logs) == 0 {
		return 0, err
	}
	slices.SortFunc(logs, func(a, b pruned) int { return b.at.Compare(a.at) }) // the latest first
	oldest := p.Now().Add(-p.Age)
	keep := 0
	for keep < len(logs) && keep < p.Logs && logs[keep].at.After(oldest) {
		keep++
	}
	logs = logs[keep:]
	if len(logs) == 0 {
		return 0, nil
	}
	if err := p.Record(pruneEvent(p.Now(), logs)); err != nil {
		return 0, fmt.Errorf("prune the audit log: %w", err)
	}
	k := newKeys(p.Key)
	for _, l := range logs {
		if err := k.remove(l); err != nil {
			return 0, fmt.Errorf("prune the audit log: %w", err)
		}
	}
	return len(logs), nil
}

func pruneEvent(now time.Time, logs []pruned) Event {
	return Event{
		ID: NewID(), Timestamp: now, Event: Done, Method: "PRUNE", Status: OK, IdentityLevel: "anonymous", ResolutionPath: "-", CallerRole: "-",
		Detail: fmt.Sprintf("%d logs of ended runs, from %s to %s", len(logs), filepath.Base(logs[len(logs)-1].path), filepath.Base(logs[0].path)),
	}
}

// remove first makes the head say that the files may be missing.
func (k *keys) remove(l pruned) error {
	if h, err := k.readHead(l.path); err == nil {
		h.Pruned = true
		f, err := k.openHead(l.path, h)
		if err != nil {
			return err
		}
		if err := errors.Join(k.writeHead(f, l.path, h), f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	for _, path := range l.files() {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// runLog is how Open names a log, with or without a head.
var runLog = regexp.MustCompile(`^\d{8}T\d{6}\.\d{6}Z-(\d+)\.jsonl$`)

func endedLogs(dir string) ([]pruned, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("prune the audit log: %w", err)
	}
	var logs []pruned
	seen := map[string]bool{}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".head")
		path := filepath.Join(dir, name)
		id := runLog.FindStringSubmatch(name)
		if id == nil || seen[path] || inUse(path, id[1]) {
			continue
		}
		if info, err := e.Info(); err == nil {
			seen[path] = true
			logs = append(logs, pruned{path, info.ModTime()})
		}
	}
	return logs, nil
}

// files are those of the log: set aside, also by earlier versions, and present.
func (l pruned) files() []string {
	var list []string
	for _, n := range numbers(l.path) {
		list = append(list, numbered(l.path, n))
	}
	old, _ := filepath.Glob(strings.TrimSuffix(l.path, ".jsonl") + "-*.jsonl") // an error: of a pattern only
	return append(append(list, old...), l.path, headPath(l.path), livePath(l.path))
}

// inUse reports whether a process writes to the log: it holds a lock. Logs of
// earlier versions have none, so one counts as in use while there is a process
// of the number in its name.
func inUse(path, pid string) bool {
	if _, err := os.Lstat(headPath(path)); err != nil {
		n, err := strconv.Atoi(pid)
		return err != nil || alive(n)
	}
	if _, err := os.Lstat(livePath(path)); err != nil {
		return false
	}
	l := flock.New(livePath(path), flock.SetFlag(os.O_RDWR|noFollow))
	ok, err := l.TryLock()
	if ok {
		_ = l.Unlock()
	}
	return !ok || err != nil
}
