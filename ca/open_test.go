package ca_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agentsecrets/agentsecrets/ca"
)

// TestMain lets this binary be a second process that opens a root.
func TestMain(m *testing.M) {
	dir := os.Getenv("CA_TEST_OPEN")
	if dir == "" {
		goleak.VerifyTestMain(m)
	}
	a, err := ca.Open(dir, ca.Config{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(a.PEM())
}

func open(t testing.TB, dir string) *ca.Authority {
	t.Helper()
	a, err := ca.Open(dir, ca.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOpenKeepsTheRoot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	first, second := open(t, dir), open(t, dir)
	if !bytes.Equal(first.PEM(), second.PEM()) {
		t.Fatal("two roots")
	}
	if err := verify(t, first, leaf(t, second, "a.test"), "a.test", time.Now()); err != nil {
		t.Error(err)
	}
	if cert, err := os.ReadFile(filepath.Join(dir, "ca.pem")); err != nil || !bytes.Equal(cert, first.PEM()) {
		t.Errorf("ca.pem: %v", err)
	}
	for name, want := range map[string]fs.FileMode{"": 0o700, "ca.pem": 0o644, "ca-key.pem": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v, %v", name, info.Mode(), err)
		}
	}
}

// The name says whose root it is and on which machine, not in which domain.
func TestRootName(t *testing.T) {
	name := root(t, open(t, filepath.Join(t.TempDir(), "home"))).Subject.CommonName
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	_, domain, _ := strings.Cut(host, ".")
	if !strings.HasPrefix(name, "AgentSecrets root CA ") || !strings.Contains(name, "@") || len(name) > 64 || domain != "" && strings.Contains(name, domain) {
		t.Errorf("%q", name)
	}
}

func TestOpenAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	got := make([][]byte, 12)
	errs := make([]error, len(got))
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			if i%2 == 0 {
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), "CA_TEST_OPEN="+dir)
				got[i], errs[i] = cmd.Output()
				return
			}
			a, err := ca.Open(dir, ca.Config{})
			if errs[i] = err; err == nil {
				got[i] = a.PEM()
			}
		})
	}
	wg.Wait()
	for i := range got {
		if errs[i] != nil || len(got[i]) == 0 || !bytes.Equal(got[i], got[0]) {
			t.Errorf("%d: error %v, another root %v", i, errs[i], !bytes.Equal(got[i], got[0]))
		}
	}
}

// A crash between the two writes leaves the key file, which holds the whole root.
func TestCertificateFileMadeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	want := open(t, dir).PEM()
	path := filepath.Join(dir, "ca.pem")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v %q", err, got)
	}
}

func TestL7KeyOfEverybody(t *testing.T) {
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o644} {
		dir := filepath.Join(t.TempDir(), "home")
		open(t, dir)
		if err := os.Chmod(filepath.Join(dir, "ca-key.pem"), mode); err != nil {
			t.Fatal(err)
		}
		if _, err := ca.Open(dir, ca.Config{}); err == nil {
			t.Errorf("mode %o taken", mode)
		}
	}
}

func TestOpenRefusesLink(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	open(t, dir)
	path := filepath.Join(dir, "ca-key.pem")
	if err := errors.Join(os.Rename(path, path+".moved"), os.Symlink(path+".moved", path)); err != nil {
		t.Fatal(err)
	}
	if _, err := ca.Open(dir, ca.Config{}); err == nil {
		t.Error("a link was followed")
	}
}

func TestCorruptIsNeverOverwritten(t *testing.T) {
	whole := func(b []byte) []byte { return b }
	cases := map[string]struct{ key, cert func([]byte) []byte }{
		"key file empty":        {func([]byte) []byte { return []byte{} }, whole},
		"key file is text":      {func([]byte) []byte { return []byte("hello\n") }, whole},
		"key file of another":   {another(t, "ca-key.pem"), whole},
		"key of another":        {func(b []byte) []byte { return append(block(b, 0), block(another(t, "ca-key.pem")(nil), 1)...) }, whole},
		"key alone":             {func(b []byte) []byte { return block(b, 1) }, whole},
		"key file twice":        {func(b []byte) []byte { return append(b, b...) }, whole},
		"key file is a leaf's":  {leafAsRoot(t), whole},
		"key file missing":      {nil, whole},
		"certificate empty":     {whole, func([]byte) []byte { return []byte{} }},
		"certificate and more":  {whole, func(b []byte) []byte { return append(b, b...) }},
		"certificate another's": {whole, another(t, "ca.pem")},
	}
	for cut := 2; cut < 900; cut += 173 {
		cases[fmt.Sprintf("key file without its last %d bytes", cut)] = struct{ key, cert func([]byte) []byte }{
			func(b []byte) []byte { return b[:max(0, len(b)-cut)] }, whole}
	}
	for name, c := range cases {
		dir := filepath.Join(t.TempDir(), "home")
		open(t, dir)
		change(t, filepath.Join(dir, "ca-key.pem"), c.key)
		change(t, filepath.Join(dir, "ca.pem"), c.cert)
		refusedAndKept(t, name, dir, ca.Config{})
	}
}

// refusedAndKept also does what the hint says: after that there must be a new root.
func refusedAndKept(t *testing.T, name, dir string, c ca.Config) {
	t.Helper()
	before := files(t, dir)
	_, err := ca.Open(dir, c)
	var hinted interface{ Hint() string }
	if err == nil || !errors.As(err, &hinted) {
		t.Errorf("%s: %v", name, err)
		return
	}
	if strings.Contains(err.Error(), "BEGIN") || files(t, dir) != before {
		t.Errorf("%s: changed files, or shows them: %v", name, err)
	}
	_, command, ok := strings.Cut(hinted.Hint(), "made: ")
	if !ok {
		t.Errorf("%s: hint %q", name, hinted.Hint())
		return
	}
	_ = exec.Command("sh", "-c", command).Run() // mv complains about the file that is not there
	if _, err := ca.Open(dir, c); err != nil {
		t.Errorf("%s: after %s: %v", name, command, err)
	}
}

func files(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range []string{"ca.pem", "ca-key.pem"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "%s %v %s\n", name, err, b)
	}
	return all.String()
}

// change rewrites a file; nil removes it.
func change(t *testing.T, path string, f func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if f == nil {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, f(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// another gives the file of another root.
func another(t *testing.T, name string) func([]byte) []byte {
	return func([]byte) []byte {
		dir := filepath.Join(t.TempDir(), "home")
		open(t, dir)
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func block(b []byte, n int) []byte {
	var p *pem.Block
	for range n + 1 {
		p, b = pem.Decode(b)
	}
	return pem.EncodeToMemory(p)
}

// leafAsRoot makes the certificate one that is self-signed and not a CA's.
func leafAsRoot(t *testing.T) func([]byte) []byte {
	return func(b []byte) []byte {
		first, rest := pem.Decode(b)
		second, _ := pem.Decode(rest)
		c, err := x509.ParseCertificate(first.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		key, err := x509.ParsePKCS8PrivateKey(second.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		c.IsCA, c.MaxPathLenZero, c.KeyUsage = false, false, x509.KeyUsageDigitalSignature
		der, err := x509.CreateCertificate(rand.Reader, c, c, c.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(second)...)
	}
}

func TestL8OpenOutOfValidity(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's home")
	end := root(t, open(t, dir)).NotAfter
	refusedAndKept(t, "expired", dir, ca.Config{Now: func() time.Time { return end.Add(time.Hour) }})

	dir = filepath.Join(t.TempDir(), "home")
	open(t, dir)
	before := files(t, dir)
	_, err := ca.Open(dir, ca.Config{Now: func() time.Time { return time.Now().Add(-48 * time.Hour) }})
	var v *ca.ValidityError
	if !errors.As(err, &v) || !strings.Contains(v.Hint(), "clock") || files(t, dir) != before {
		t.Errorf("before it is valid: %v", err)
	}
}
