package trace

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newValue is a random value with special in it; core is its random part.
func newValue(special string) (value, core string) {
	core = rand.Text() + rand.Text()
	return "sk-" + special + core + special + "z", core
}

// The search itself: it finds every form, whatever stands around it, and half
// a value as well as a whole one.
func TestTraceFindsEveryForm(t *testing.T) {
	value, core := newValue(`q"7\&+/=%`)
	tr := New(core)
	for form, encode := range map[string]func(string) string{
		"verbatim": func(s string) string { return s },
		"hex":      func(s string) string { return hex.EncodeToString([]byte(s)) },
		"percent":  func(s string) string { return percent(strings.ToUpper(hex.EncodeToString([]byte(s)))) },
		"base64":   func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	} {
		for _, planted := range []string{value, "bot:" + value, "a " + value + " b", "ab" + value, core[:len(core)/2], "xyz" + core[len(core)/2:]} {
			if got := tr.Forms([]byte("noise " + encode(planted) + " noise")); !slices.Equal(got, []string{form}) {
				t.Errorf("planted %s: found %v", form, got)
			}
		}
	}
	if got := tr.Forms([]byte(strings.Repeat("[REDACTED_BY_AGENTSECRETS]", 3))); got != nil {
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
	if got, err := New(core).Files(dir); got != nil || err != nil {
		t.Errorf("found %v where nothing is, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(deep, "planted"), []byte("k="+value), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := New(core).Files(dir); len(got) != 1 || err != nil {
		t.Errorf("found %v, %v, want the planted file", got, err)
	}
}

// A search of nothing proves nothing.
func TestTraceWantsFiles(t *testing.T) {
	if got, err := New(rand.Text()).Files(t.TempDir()); err == nil {
		t.Errorf("found %v in an empty directory, want an error", got)
	}
}
