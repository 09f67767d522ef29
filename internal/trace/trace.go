// Package trace finds what is left of a secret value, in whatever form a program
// may have given it.
//
//	tr := trace.New(core)           // the random part of the value
//	tr.Forms(response)              // ["verbatim" "base64"]
//	found, err := tr.Files(homeDir) // "path: [hex]" for each file that holds it
//
// It is for tests, and for the program that attacks ours: both know the value.
package trace

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Trace is what a search looks for: both halves of a value's random core, in
// every form that a program may have given it. Halves, so that a value which
// was taken out only in part is found too.
type Trace []needle

type needle struct {
	form string
	text []byte
}

// New makes a trace of the random part of a value, which holds nothing that any
// encoding would write in more than one way.
func New(core string) Trace {
	var tr Trace
	for _, half := range []string{core[:len(core)/2], core[len(core)/2:]} {
		lower := hex.EncodeToString([]byte(half))
		tr.add("verbatim", half)
		tr.add("hex", lower)
		tr.add("hex", strings.ToUpper(lower))
		tr.add("percent", percent(lower))
		tr.add("percent", percent(strings.ToUpper(lower)))
		for before := range 3 {
			tr.add("base64", base64Inside(base64.RawStdEncoding, before, half))
			tr.add("base64", base64Inside(base64.RawURLEncoding, before, half))
		}
	}
	return tr
}

func (tr *Trace) add(form, text string) {
	*tr = append(*tr, needle{form, []byte(text)})
}

// percent writes hex digits as a percent encoding of every byte.
func percent(digits string) string {
	var b strings.Builder
	for pair := range slices.Chunk([]byte(digits), 2) {
		fmt.Fprintf(&b, "%%%s", pair)
	}
	return b.String()
}

// base64Inside is the part of an encoding that is the same whatever stands
// around text, when the count of bytes before it leaves this remainder by 3.
func base64Inside(enc *base64.Encoding, before int, text string) string {
	padded := strings.Repeat("\x00", before) + text
	whole := padded[:len(padded)/3*3]
	return enc.EncodeToString([]byte(whole))[[]int{0, 2, 3}[before]:]
}

// Forms names the forms in which the value stands in b; nil if in none.
func (tr Trace) Forms(b []byte) []string {
	var found []string
	for _, n := range tr {
		if bytes.Contains(b, n.text) && !slices.Contains(found, n.form) {
			found = append(found, n.form)
		}
	}
	return found
}

// Longest is how far two pieces of one stream must overlap to be searched apart.
func (tr Trace) Longest() int {
	longest := 0
	for _, n := range tr {
		longest = max(longest, len(n.text))
	}
	return longest
}

// Files searches every regular file under dir and gives "path: forms" for each
// that holds the value. To find no file is an error.
func (tr Trace) Files(dir string) (found []string, err error) {
	searched := 0
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // since it was listed
		}
		if err != nil {
			return err
		}
		searched++
		if forms := tr.Forms(b); forms != nil {
			found = append(found, fmt.Sprintf("%s: %s", path, forms))
		}
		return nil
	})
	if err == nil && searched == 0 {
		err = fmt.Errorf("search files: there is none under %s", dir)
	}
	return found, err
}
