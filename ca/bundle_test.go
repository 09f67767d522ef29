package ca_test

import (
	"bytes"
	"encoding/pem"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/ca"
)

// ders are the certificates of a bundle that holds nothing else.
func ders(t *testing.T, data []byte) [][]byte {
	t.Helper()
	var all [][]byte
	var again []byte
	for rest := data; len(rest) > 0; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil || b.Type != "CERTIFICATE" {
			t.Fatal("the bundle holds something that is no certificate")
		}
		all = append(all, b.Bytes)
		again = append(again, pem.EncodeToMemory(b)...)
	}
	if !bytes.Equal(again, data) {
		t.Error("the bundle holds text between the certificates")
	}
	return all
}

func has(all [][]byte, der []byte) int {
	n := 0
	for _, d := range all {
		if bytes.Equal(d, der) {
			n++
		}
	}
	return n
}

func TestBundle(t *testing.T) {
	a, corporate := ephemeral(t, ca.Config{}), ephemeral(t, ca.Config{})
	system, err := ca.SystemRootsPEM()
	if err != nil {
		t.Fatal(err)
	}
	someRoot, _ := pem.Decode(system)
	path := filepath.Join(t.TempDir(), "existing.pem")
	write(t, path, slices.Concat([]byte("# Corporate roots\r\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("key of somebody")}),
		corporate.PEM(), corporate.PEM(), []byte("\xff\xfe text -----BEGIN CERTIFICATE-----\nnot base64\n"),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Headers: map[string]string{"Label": "x"}, Bytes: someRoot.Bytes}), a.PEM()))
	bundle, err := a.Bundle(path)
	if err != nil {
		t.Fatal(err)
	}
	all := ders(t, bundle)
	for name, der := range map[string][]byte{"ours": root(t, a).Raw, "corporate": root(t, corporate).Raw, "the system's": someRoot.Bytes} {
		if n := has(all, der); n != 1 {
			t.Errorf("%s: %d times", name, n)
		}
	}
	if want := len(ders(t, system)) + 2; len(all) != want {
		t.Errorf("%d certificates, want %d", len(all), want)
	}
	if without, err := a.Bundle(""); err != nil || len(ders(t, without)) != len(all)-1 {
		t.Errorf("without an existing bundle: %v", err)
	}
}

func TestBundleOfNothing(t *testing.T) {
	a := ephemeral(t, ca.Config{})
	dir := t.TempDir()
	missing, text := filepath.Join(dir, "missing.pem"), filepath.Join(dir, "text.pem")
	write(t, text, []byte("nothing here\n"))
	for _, path := range []string{missing, text, dir} {
		_, err := a.Bundle(path)
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
		if errors.Is(err, fs.ErrNotExist) != (path == missing) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestSystemRootsIgnoreVariables(t *testing.T) {
	want, err := ca.SystemRootsPEM()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	other := ephemeral(t, ca.Config{})
	write(t, filepath.Join(dir, "other.pem"), other.PEM())
	t.Setenv("SSL_CERT_FILE", filepath.Join(dir, "other.pem"))
	t.Setenv("SSL_CERT_DIR", dir)
	got, err := ca.SystemRootsPEM()
	if err != nil || !bytes.Equal(got, want) || has(ders(t, got), root(t, other).Raw) != 0 {
		t.Errorf("the variables changed the system's roots: %v", err)
	}
	if len(ders(t, want)) < 10 {
		t.Errorf("%d system roots", len(ders(t, want)))
	}
}
