package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// Which store a home uses is written down in it when it is set up. Only secrets
// move changes that: nothing else, and no project file, takes another store.

const (
	storeFile     = "file"
	storeKeychain = "keychain"

	storeRecordName    = "store.json"
	storeRecordVersion = 1
)

// storeRecord is that file.
type storeRecord struct {
	Version int    `json:"version"` // 0: nothing is written yet
	Store   string `json:"store"`
	// MovingTo is another store, which values are being copied to: those in
	// Store count, and the other may hold some of them already.
	MovingTo string `json:"moving_to,omitempty"`
	// LeftIn is another store, which still has to be emptied after a move.
	LeftIn string `json:"left_in,omitempty"`
	// Shared are entries that the other store held before values were copied to
	// it, and the same: another home may keep them, so they stay when the move is
	// taken back.
	Shared []string `json:"shared,omitempty"`
}

// other is the store besides Store that may hold values, "" for none.
func (r storeRecord) other() string {
	if r.MovingTo != "" {
		return r.MovingTo
	}
	return r.LeftIn
}

// shares reports whether ref stood in the other store before a move began.
func (r storeRecord) shares(ref resolve.Ref) bool { return slices.Contains(r.Shared, ref.String()) }

func storeRecordPath(home string) string { return filepath.Join(home, storeRecordName) }

// loadStoreRecord reads the file. Where there is none, values are in an encrypted
// file, if anywhere: there was a time without keychains.
func loadStoreRecord(path string) (storeRecord, error) {
	b, err := atomicfile.ReadPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return storeRecord{Store: storeFile}, nil
	}
	if err != nil {
		return storeRecord{}, err
	}
	r, err := parseStoreRecord(b)
	if err != nil {
		return storeRecord{}, &failure{
			code: exitFailure, err: fmt.Errorf("%s is damaged: %w", path, err),
			hint: "put it back from a backup; it says in which store the values are: " +
				`{"version":1,"store":"keychain"} or {"version":1,"store":"file"}`,
		}
	}
	return r, nil
}

func parseStoreRecord(b []byte) (storeRecord, error) {
	var r storeRecord
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, errors.New("it is not what agentsecrets writes")
	}
	isStore := func(s string) bool { return s == storeFile || s == storeKeychain }
	switch {
	case r.Version > storeRecordVersion:
		return r, errors.New("a newer agentsecrets wrote it")
	case r.Version < 1, !isStore(r.Store), r.MovingTo != "" && r.LeftIn != "",
		r.other() != "" && (!isStore(r.other()) || r.other() == r.Store):
		return r, errors.New("it names no store that there is")
	}
	return r, nil
}

func (r storeRecord) save(home string) error {
	r.Version = storeRecordVersion
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return atomicfile.Write(storeRecordPath(home), append(b, '\n'), 0o600)
}
