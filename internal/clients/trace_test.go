package clients_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// trace is what a search looks for: both halves of a value's random core, in
// every form that a program may have given it. Halves, so that a value which
// was taken out only in part is found too.
type trace []needle

type needle struct {
	form string
	text []byte
}

func newTrace(core string) trace {
	var tr trace
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

func (tr *trace) add(form, text string) {
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

// forms names the forms in which the value stands in b; nil if in none.
func (tr trace) forms(b []byte) []string {
	var found []string
	for _, n := range tr {
		if bytes.Contains(b, n.text) && !slices.Contains(found, n.form) {
			found = append(found, n.form)
		}
	}
	return found
}

// longest is how far two pieces of one stream must overlap to be searched apart.
func (tr trace) longest() int {
	longest := 0
	for _, n := range tr {
		longest = max(longest, len(n.text))
	}
	return longest
}

// files searches every regular file under dir and gives "path: forms" for each
// that holds the value.
func (tr trace) files(t *testing.T, dir string) (found []string) {
	t.Helper()
	searched := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		searched++
		if forms := tr.forms(b); forms != nil {
			found = append(found, fmt.Sprintf("%s: %s", path, forms))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if searched == 0 {
		t.Fatalf("no file under %s: nothing was searched", dir)
	}
	return found
}

// The search itself: it finds every form, whatever stands around it, and half
// a value as well as a whole one.
func TestTraceFindsEveryForm(t *testing.T) {
	value, core := newValue(`q"7\&+/=%`)
	tr := newTrace(core)
	for form, encode := range map[string]func(string) string{
		"verbatim": func(s string) string { return s },
		"hex":      func(s string) string { return hex.EncodeToString([]byte(s)) },
		"percent":  func(s string) string { return percent(strings.ToUpper(hex.EncodeToString([]byte(s)))) },
		"base64":   func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	} {
		for _, planted := range []string{value, "bot:" + value, "a " + value + " b", "ab" + value, core[:len(core)/2], "xyz" + core[len(core)/2:]} {
			if got := tr.forms([]byte("noise " + encode(planted) + " noise")); !slices.Equal(got, []string{form}) {
				t.Errorf("planted %s: found %v", form, got)
			}
		}
	}
	if got := tr.forms([]byte(strings.Repeat("[REDACTED_BY_AGENTSECRETS]", 3))); got != nil {
		t.Errorf("found %v where nothing is", got)
	}
}

func TestTraceFindsFiles(t *testing.T) {
	value, core := newValue("")
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "clean"), []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := newTrace(core).files(t, dir); got != nil {
		t.Errorf("found %v where nothing is", got)
	}
	if err := os.WriteFile(filepath.Join(deep, "planted"), []byte("k="+value), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := newTrace(core).files(t, dir); len(got) != 1 {
		t.Errorf("found %v, want the planted file", got)
	}
}
