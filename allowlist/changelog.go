package allowlist

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/internal/visible"
)

// What has been done to a policy, and what was refused, is written beside it: names and rules, one object a line, added
// at the end under the policy's lock. It is a diary for people and decides nothing. A program in a run can have as many
// refusals written down as it likes, so it has a limit: a full file is set aside as the one before, of which there is one.

const (
	changesLimit = 1 << 20 // bytes, from which on a file is set aside
	maxChange    = 1 << 10 // bytes of one text in it
)

// Outcomes of a Change.
const (
	Done         = "done"
	Denied       = "denied"
	RefusedInRun = "refused in a run"
)

// Change is one thing that somebody did to a policy, or tried to.
type Change struct {
	Time    time.Time `json:"time"`
	Who     string    `json:"who"`
	Action  string    `json:"action"` // add, remove, bind, clear, password, recover, rename or delete
	Rule    string    `json:"rule"`   // or the name of the secret and what it is bound to, or the workspace; "" for the password
	Outcome string    `json:"outcome"`
}

func changesPath(policy string) string { return strings.TrimSuffix(policy, ".json") + ".log" }

// before is where the file goes that is full.
func before(changes string) string { return changes + ".1" }

// Note has c written down as done, if the change of p that is under way succeeds. If the machine goes down, or the
// disk fails, just after, the change may be there without its note.
func (p *Policy) Note(c Change) { p.notes = append(p.notes, c) }

// NoteRefused writes changes down that were not made, for the outcome that they say.
func NoteRefused(policy string, changes []Change) error {
	if err := atomicfile.MkdirPrivate(filepath.Dir(policy)); err != nil {
		return fmt.Errorf("note a refused change: %w", err)
	}
	unlock, err := atomicfile.Lock(policy + ".lock")
	if err != nil {
		return fmt.Errorf("note a refused change: %w", err)
	}
	defer unlock()
	f, err := openChanges(policy)
	if err != nil {
		return err
	}
	return f.write(changes)
}

// changesFile is open before a change is made: one that cannot be written down is not made.
type changesFile struct{ *os.File }

func openChanges(policy string) (changesFile, error) {
	path := changesPath(policy)
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && info.Size() >= changesLimit {
		if err := os.Rename(path, before(path)); err != nil {
			return changesFile{}, fmt.Errorf("set the log of changes aside: %w", err)
		}
	}
	f, err := atomicfile.OpenPrivate(path, os.O_RDWR|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return changesFile{}, fmt.Errorf("open the log of changes: %w", err)
	}
	return changesFile{f}, nil
}

// write adds changes in one piece, and closes. After a line that a crash cut off it begins a new one.
func (f changesFile) write(changes []Change) error {
	var b bytes.Buffer
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		last := []byte{'\n'}
		if _, err := f.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			b.WriteByte('\n')
		}
	}
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, c := range changes {
		c.Rule = short(c.Rule)
		if err := enc.Encode(c); err != nil {
			return errors.Join(fmt.Errorf("note a change: %w", err), f.Close())
		}
	}
	if _, err := f.Write(visible.JSON(b.Bytes())); err != nil {
		return errors.Join(fmt.Errorf("note a change: %w", err), f.Close())
	}
	return f.Close()
}

// short is text, or its beginning where there is too much of it.
func short(text string) string {
	if len(text) <= maxChange {
		return text
	}
	return strings.ToValidUTF8(text[:maxChange], "") + "…"
}

// Changes lists the last n changes of the policy at path, all of them for 0, and says how many lines are none. It takes
// the policy's lock, or it could miss a file that is being set aside.
func Changes(path string, n int) (changes []Change, bad int, err error) {
	if _, err := os.Lstat(changesPath(path)); errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	unlock, err := atomicfile.Lock(path + ".lock")
	if err != nil {
		return nil, 0, fmt.Errorf("read the log of changes: %w", err)
	}
	defer unlock()
	for _, file := range []string{before(changesPath(path)), changesPath(path)} {
		data, err := atomicfile.ReadPrivate(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, 0, fmt.Errorf("read the log of changes: %w", err)
		}
		for line := range bytes.Lines(data) {
			var c Change
			if err := json.Unmarshal(line, &c); err != nil || c.Action == "" {
				bad++
				continue
			}
			changes = append(changes, c)
		}
	}
	if n > 0 && len(changes) > n {
		changes = changes[len(changes)-n:]
	}
	return changes, bad, nil
}

// Text is b, of the secret name, as a Change names it.
func (b Binding) Text(name string) string { return strings.TrimSpace(name + " " + b.flags()) }
