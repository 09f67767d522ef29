package resolve

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
)

const goodIndex = `{"version":1,"projects":{"p1":{"production":[{"name":"KEY","updated_at":"2026-01-02T03:04:05Z","pending":false}]}}}`

func badIndexes() map[string]string {
	replaced := func(old, to string) string { return strings.Replace(goodIndex, old, to, 1) }
	return map[string]string{
		"empty":           "",
		"zeros":           strings.Repeat("\x00", 100),
		"cut":             goodIndex[:len(goodIndex)/2],
		"twice":           goodIndex + goodIndex,
		"no object":       "[]",
		"null":            "null",
		"no version":      replaced(`"version":1,`, ``),
		"version 0":       replaced(`"version":1`, `"version":0`),
		"version -1":      replaced(`"version":1`, `"version":-1`),
		"version text":    replaced(`"version":1`, `"version":"1"`),
		"no projects":     `{"version":1}`,
		"unknown field":   replaced(`"pending"`, `"hosts":[],"pending"`),
		"malformed name":  replaced(`KEY`, `key`),
		"malformed scope": replaced(`"p1"`, `"p:1"`),
		"bad time":        replaced(`2026-01`, `2026-13`),
		"name twice":      replaced(`[{`, `[{"name":"KEY","updated_at":"2026-01-02T03:04:05Z","pending":true},{`),
		"not sorted":      replaced(`[{`, `[{"name":"LATER","updated_at":"2026-01-02T03:04:05Z","pending":true},{`),
	}
}

func writeIndex(t *testing.T, x *Index, content string) {
	t.Helper()
	if err := x.exclusively(func() error { return os.WriteFile(x.path, []byte(content), 0o600) }); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedIndexIsLeftAsItIs(t *testing.T) {
	for name, content := range badIndexes() {
		t.Run(name, func(t *testing.T) {
			x, m := newIndex(t), newMemory()
			mustSet(t, m, ref("KEY"), "old")
			writeIndex(t, x, content)
			_, listErr := x.Names("p1", "production")
			for _, err := range []error{listErr, x.Set(t.Context(), m, ref("OTHER"), New([]byte("v"))), x.Delete(t.Context(), m, ref("KEY")), x.Reconcile(t.Context(), m)} {
				var corrupt *CorruptError
				if !errors.As(err, &corrupt) || corrupt.Path != x.path || !strings.Contains(corrupt.Hint(), "mv -n "+x.path) {
					t.Errorf("error %v", err)
				}
			}
			unchanged(t, x, content)
			if m.generation != 1 {
				t.Error("the store was changed")
			}
		})
	}
}

func TestNewerIndexIsLeftAsItIs(t *testing.T) {
	const newer = `{"version":2,"format":"something else entirely","projects":7}`
	x, m := newIndex(t), newMemory()
	writeIndex(t, x, newer)
	_, listErr := x.Names("p1", "production")
	for _, err := range []error{listErr, x.Set(t.Context(), m, ref("KEY"), New([]byte("v")))} {
		var version *VersionError
		if !errors.As(err, &version) || version.Version != 2 || !strings.Contains(err.Error(), "newer") || version.Hint() == "" {
			t.Errorf("error %v", err)
		}
	}
	unchanged(t, x, newer)
	if m.generation != 0 {
		t.Error("the store was changed")
	}
}

func TestIndexOpenToOthersIsRefused(t *testing.T) {
	x := newIndex(t)
	writeIndex(t, x, goodIndex)
	if got := names(t, x, "p1", "production"); got != "KEY" {
		t.Fatalf("lists %q", got)
	}
	if err := os.Chmod(x.path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Names("p1", "production"); err == nil || !strings.HasPrefix(hintOf(err), "chmod 600 ") {
		t.Errorf("error %v, hint %q", err, hintOf(err))
	}
}

func unchanged(t *testing.T, x *Index, want string) {
	t.Helper()
	if got, err := os.ReadFile(x.path); err != nil || string(got) != want {
		t.Errorf("the file is now %q, %v", got, err)
	}
}

// Whatever is accepted can be written and is then the same.
func FuzzParseIndex(f *testing.F) {
	f.Add([]byte(goodIndex))
	for _, bad := range badIndexes() {
		f.Add([]byte(bad))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := parseIndex(data)
		if err != nil || first.Version > indexVersion {
			return
		}
		x := &Index{path: t.TempDir() + "/names.json"}
		if err := x.save(first); err != nil {
			t.Fatal(err)
		}
		once, err := os.ReadFile(x.path)
		if err != nil {
			t.Fatal(err)
		}
		second, err := x.load()
		if err != nil {
			t.Fatalf("wrote what it does not read: %v", err)
		}
		if err := x.save(second); err != nil {
			t.Fatal(err)
		}
		if twice, err := os.ReadFile(x.path); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s became %s", once, twice)
		}
	})
}
