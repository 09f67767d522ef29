package resolve

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// indexVersion is the only format known here. Any change of the format, an added field too, makes a new version:
// whoever does not know it would lose what it means when writing the file again.
const indexVersion = 1

// indexFile is the file: version, then project, environment, entries.
type indexFile struct {
	Version  int                                `json:"version"`
	Projects map[string]map[string][]indexEntry `json:"projects"`
}

type indexEntry struct {
	Name    string    `json:"name"`
	Updated time.Time `json:"updated_at"`
	Pending bool      `json:"pending"`
}

// CorruptError says that a file is not what we once wrote. It is never overwritten: it may be repaired by hand.
type CorruptError struct {
	Path string
	err  error
}

func (e *CorruptError) Error() string { return fmt.Sprintf("%s is damaged: %v", e.Path, e.err) }
func (e *CorruptError) Unwrap() error { return e.err }

// Hint says how to get going again.
func (e *CorruptError) Hint() string {
	return "repair it or put it back from a backup; or begin a new one (the values stay in the store, and " +
		"agentsecrets doctor --fix lists those that it finds): " + e.Command()
}

// Command puts the file aside.
func (e *CorruptError) Command() string {
	return atomicfile.Aside(e.Path, atomicfile.Damaged)
}

// VersionError says that a file was written by a newer agentsecrets. It is left as it is.
type VersionError struct {
	Path           string
	Version, Known int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has format version %d, this agentsecrets knows %d only: a newer one wrote it", e.Path, e.Version, e.Known)
}

// Hint says what can read the file.
func (e *VersionError) Hint() string {
	return "install the newer agentsecrets; `agentsecrets version` shows this one's"
}

func (x *Index) load() (*indexFile, error) {
	data, err := atomicfile.ReadPrivate(x.path)
	if errors.Is(err, fs.ErrNotExist) {
		return &indexFile{Version: indexVersion, Projects: map[string]map[string][]indexEntry{}}, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := parseIndex(data)
	if err != nil {
		return nil, &CorruptError{Path: x.path, err: err}
	}
	if f.Version > indexVersion {
		return nil, &VersionError{Path: x.path, Version: f.Version, Known: indexVersion}
	}
	return f, nil
}

func (x *Index) save(f *indexFile) error {
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", x.path, err)
	}
	return atomicfile.Write(x.path, append(data, '\n'), 0o600)
}

// parseIndex reads no more than the version of a format that it does not know.
func parseIndex(data []byte) (*indexFile, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, err
	}
	if head.Version > indexVersion {
		return &indexFile{Version: head.Version}, nil
	}
	f := &indexFile{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the end")
	}
	return f, f.check()
}

func (f *indexFile) check() error {
	if f.Version != indexVersion {
		return fmt.Errorf("there is no format version %d", f.Version)
	}
	if f.Projects == nil {
		return errors.New("the projects are missing")
	}
	for project, environments := range f.Projects {
		for environment, entries := range environments {
			for i, e := range entries {
				if err := (Ref{project, environment, e.Name}).Check(); err != nil {
					return err
				}
				if i > 0 && entries[i-1].Name >= e.Name {
					return errors.New("the names are not sorted, or twice there")
				}
			}
		}
	}
	return nil
}

func (f *indexFile) entries(project, environment string) []Entry {
	var list []Entry
	for _, e := range f.Projects[project][environment] {
		list = append(list, Entry(e))
	}
	return list
}

func (f *indexFile) names(project string) map[string][]string {
	names := map[string][]string{}
	for environment, entries := range f.Projects[project] {
		for _, e := range entries {
			names[environment] = append(names[environment], e.Name)
		}
	}
	return names
}

func (f *indexFile) has(ref Ref) bool {
	_, found := f.search(ref)
	return found
}

func (f *indexFile) search(ref Ref) (at int, found bool) {
	return slices.BinarySearchFunc(f.Projects[ref.Project][ref.Environment], ref.Name,
		func(e indexEntry, name string) int { return cmp.Compare(e.Name, name) })
}

func (f *indexFile) put(ref Ref, now time.Time, pending bool) {
	environments := f.Projects[ref.Project]
	if environments == nil {
		environments = make(map[string][]indexEntry)
		f.Projects[ref.Project] = environments
	}
	e := indexEntry{Name: ref.Name, Updated: now.UTC().Truncate(time.Second), Pending: pending}
	at, found := f.search(ref)
	if found {
		environments[ref.Environment][at] = e
		return
	}
	environments[ref.Environment] = slices.Insert(environments[ref.Environment], at, e)
}

func (f *indexFile) remove(ref Ref) {
	at, found := f.search(ref)
	if !found {
		return
	}
	environments := f.Projects[ref.Project]
	environments[ref.Environment] = slices.Delete(environments[ref.Environment], at, at+1)
	if len(environments[ref.Environment]) == 0 {
		delete(environments, ref.Environment)
	}
	if len(environments) == 0 {
		delete(f.Projects, ref.Project)
	}
}

// settle ends a pending entry as the store knows it. Its time stays that of the change that was interrupted.
func (f *indexFile) settle(ref Ref, exists bool) {
	if !exists {
		f.remove(ref)
		return
	}
	if at, found := f.search(ref); found {
		f.Projects[ref.Project][ref.Environment][at].Pending = false
	}
}

// all lists everything, in a fixed order.
func (f *indexFile) all() []Ref { return f.list(func(indexEntry) bool { return true }) }

// pending lists what is not settled, in a fixed order.
func (f *indexFile) pending() []Ref { return f.list(func(e indexEntry) bool { return e.Pending }) }

func (f *indexFile) list(want func(indexEntry) bool) []Ref {
	var refs []Ref
	for _, project := range slices.Sorted(maps.Keys(f.Projects)) {
		for _, environment := range slices.Sorted(maps.Keys(f.Projects[project])) {
			for _, e := range f.Projects[project][environment] {
				if want(e) {
					refs = append(refs, Ref{project, environment, e.Name})
				}
			}
		}
	}
	return refs
}
