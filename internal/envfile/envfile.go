// Package envfile reads the files in which other tools keep names and values.
//
//	f, err := envfile.Read(envfile.Auto, data)
//	for _, e := range f.Entries {
//		err := store(e.Name, e.Value)
//	}
//
// Guarantees: values come out byte for byte as the format defines them, and nothing in them is looked up: no $VARIABLE,
// no command. What cannot be read so is an error, which tells a line and quotes nothing of it. A File prints no value.
//
// The dotenv reader is our own. The libraries for Go that are kept up put variables and even commands in the place of
// what begins with a $ (godotenv, compose-go, gotenv), and have no switch for it; those that do not (go-envparse) know no
// values of several lines. Either would keep another value than the file's.
package envfile

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// Format is how a file is written.
type Format string

// The formats. Auto takes the one that the file looks like.
const (
	Auto        Format = "auto"
	Dotenv      Format = "dotenv"
	JSON        Format = "json"      // one flat object
	OnePassword Format = "1password" // op item get --format json
	Doppler     Format = "doppler"   // doppler secrets [download] --format json or env
)

// Formats lists the formats.
func Formats() []string {
	return []string{string(Auto), string(Dotenv), string(JSON), string(OnePassword), string(Doppler)}
}

// File is what a file holds.
type File struct {
	Format  Format // never Auto
	Entries []Entry
	Empty   []string // names without a value
	Skipped []string // names that the tool adds, or fields that are no secrets
}

// Entry is a name, as the file spells it, and its value.
type Entry struct {
	Name  string
	Value resolve.Value
	Line  int    // in dotenv files
	Note  string // what other readers might have made of it, "" mostly
}

// SyntaxError says why a file cannot be read.
type SyntaxError struct {
	Format Format
	Line   int // 0: no single one
	Reason string
}

func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("not read as %s: %s", e.Format, e.Reason)
	}
	return fmt.Sprintf("not read as %s: line %d: %s", e.Format, e.Line, e.Reason)
}

// ReferenceError says that a file holds where a value is, and not the value.
type ReferenceError struct {
	Line int // in dotenv files
}

func (e *ReferenceError) Error() string {
	where := "a value"
	if e.Line > 0 {
		where = fmt.Sprintf("line %d: the value", e.Line)
	}
	return where + " is a reference of 1Password (op://…), not the secret itself"
}

// Hint is the command that puts values in the place of references.
func (e *ReferenceError) Hint() string {
	return "op inject -i FILE | agentsecrets secrets import -"
}

// Read reads data.
func Read(format Format, data []byte) (*File, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // which editors on Windows put there
	f, err := read(format, data)
	if err != nil {
		return nil, err
	}
	return f, f.unique()
}

func read(format Format, data []byte) (*File, error) {
	structured := bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) || bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("["))
	switch {
	case format == Dotenv, !structured && (format == Auto || format == Doppler):
		return readDotenv(format, data)
	case format == OnePassword:
		return readOnePassword(data)
	case format == JSON, format == Auto, format == Doppler:
		return readJSON(format, data)
	}
	return nil, fmt.Errorf("there is no format %q", format)
}

// put keeps a value under a name, or notes that it is empty.
func (f *File) put(e Entry, value []byte) error {
	switch {
	case len(value) == 0:
		f.Empty = append(f.Empty, e.Name)
	case bytes.HasPrefix(value, []byte("op://")):
		return &ReferenceError{Line: e.Line}
	default:
		e.Value = resolve.New(value)
		f.Entries = append(f.Entries, e)
	}
	return nil
}

// unique refuses a name that stands there twice: readers differ in which of the two counts.
func (f *File) unique() error {
	lines := map[string]int{}
	for _, e := range f.Entries {
		if before, twice := lines[e.Name]; twice {
			reason := "a name stands there twice"
			if before > 0 {
				reason = fmt.Sprintf("the name in this line stands in line %d already", before)
			}
			return &SyntaxError{Format: f.Format, Line: e.Line, Reason: reason}
		}
		lines[e.Name] = e.Line
	}
	return nil
}

// dopplerNames are what Doppler adds to the secrets of a config.
func dopplerNames() []string {
	return []string{"DOPPLER_PROJECT", "DOPPLER_ENVIRONMENT", "DOPPLER_CONFIG"}
}

// settleDoppler takes away what Doppler adds, where the file is one of its.
func (f *File) settleDoppler(asked Format) {
	found := 0
	for _, e := range f.Entries {
		if slices.Contains(dopplerNames(), e.Name) {
			found++
		}
	}
	if asked != Doppler && (asked != Auto || found < len(dopplerNames())) {
		return
	}
	f.Format = Doppler
	var kept []Entry
	for _, e := range f.Entries {
		if slices.Contains(dopplerNames(), e.Name) {
			f.Skipped = append(f.Skipped, e.Name)
			continue
		}
		kept = append(kept, e)
	}
	f.Entries = kept
}
