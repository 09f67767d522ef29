package ca

import (
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRootsFromFilesAndDirectories(t *testing.T) {
	dir := t.TempDir()
	sub := filepath.Join(dir, "certs")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	put := func(path string) []byte {
		a, err := NewEphemeral(Config{})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, a.PEM(), 0o600); err != nil {
			t.Fatal(err)
		}
		return a.root.Raw
	}
	first, second, beside := filepath.Join(dir, "first.pem"), filepath.Join(dir, "second.pem"), filepath.Join(sub, "one.pem")
	want := [][]byte{put(first), put(beside)}
	put(second) // not read: there is a first
	outside := filepath.Join(dir, "outside.pem")
	want = append(want, put(outside))
	links := errors.Join(os.Symlink("one.pem", filepath.Join(sub, "abcdef01.0")), os.Symlink(outside, filepath.Join(sub, "outside.pem")),
		os.Symlink("/nonexistent/x", filepath.Join(sub, "dangling.pem")), os.WriteFile(filepath.Join(sub, "README"), []byte("roots"), 0o600))
	if links != nil {
		t.Fatal(links)
	}
	var b bundle
	if err := b.addRoots([]string{filepath.Join(dir, "missing.pem"), first, second}, []string{sub, filepath.Join(dir, "missing")}); err != nil {
		t.Fatal(err)
	}
	text := b.text.String()
	for _, der := range want {
		p := string(pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: der}))
		if strings.Count(text, p) != 1 {
			t.Error("a root is missing, or there twice")
		}
	}
	if len(b.seen) != len(want) {
		t.Errorf("%d roots, want %d", len(b.seen), len(want))
	}
	if err := new(bundle).addRoots(nil, []string{filepath.Join(dir, "missing")}); !errors.Is(err, errNoRoots) {
		t.Errorf("no roots: %v", err)
	}
}
