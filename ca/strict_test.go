package ca_test

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/ca"
)

// connect tries each name given to it and prints one line for each.
const connect = `
import socket, ssl, sys
context = ssl.create_default_context()
assert context.verify_flags & ssl.VERIFY_X509_STRICT, "this Python does not verify strictly"
for name in sys.argv[2:]:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as s:
        try:
            with context.wrap_socket(s, server_hostname=name) as c:
                print("ok" if c.recv(5) == b"hello" else "cut")
        except ssl.SSLCertVerificationError as e:
            print("refused", e.verify_code)
`

var strictNames = []string{"api.acme.test", "xn--bcher-kva.test", longName, "127.0.0.1", "2001:db8::1"}

// Python since 3.13 verifies by the letter of RFC 5280 and is the strictest client that we know of.
func TestPython(t *testing.T) {
	dir := t.TempDir()
	for _, persistent := range []bool{false, true} {
		a := ephemeral(t, ca.Config{})
		if persistent {
			a = open(t, filepath.Join(dir, "home"))
		}
		bundle, err := a.Bundle("")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "bundle.pem")
		write(t, path, bundle)
		port := serve(t, func(name string) (*tls.Certificate, error) { return a.Leaf(name) })
		got := python(t, path, append([]string{port}, strictNames...)...)
		if want := strings.Repeat("ok\n", len(strictNames)); got != want {
			t.Errorf("persistent %v: %q, want %q", persistent, got, want)
		}
	}
}

// The test above can fail: for another name, and under another root.
func TestPythonRefuses(t *testing.T) {
	a := ephemeral(t, ca.Config{})
	path := filepath.Join(t.TempDir(), "bundle.pem")
	write(t, path, a.PEM())
	port := serve(t, func(string) (*tls.Certificate, error) { return a.Leaf("api.acme.test") })
	if got := python(t, path, port, "other.acme.test", "127.0.0.1"); got != "refused 62\nrefused 64\n" {
		t.Errorf("another name: %q", got)
	}
	write(t, path, ephemeral(t, ca.Config{}).PEM())
	if got := python(t, path, port, "api.acme.test"); !strings.HasPrefix(got, "refused") {
		t.Errorf("another root: %q", got)
	}
}

// serve greets whoever shakes hands. Python sends no SNI for an address, as RFC 6066 has it, so addresses are told
// apart by order.
func serve(t *testing.T, mint func(string) (*tls.Certificate, error)) string {
	t.Helper()
	return serveWith(t, mint, greet)
}

func serveWith(t *testing.T, mint func(string) (*tls.Certificate, error), greet func(net.Listener, chan struct{})) string {
	t.Helper()
	addrs := []string{"127.0.0.1", "2001:db8::1"}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		name := h.ServerName
		if name == "" {
			name, addrs = addrs[0], addrs[1:]
		}
		return mint(name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go greet(ln, done)
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

func greet(ln net.Listener, done chan struct{}) {
	defer close(done)
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		io.WriteString(c, "hello") // fails where the client refuses us
		c.Close()
	}
}

func python(t *testing.T, bundle string, args ...string) string {
	t.Helper()
	cmd := exec.Command("python3.13", append([]string{"-c", connect}, args...)...)
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+bundle, "SSL_CERT_DIR=/nonexistent", "PYENV_VERSION=3.13")
	return output(t, cmd)
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd.Path, err, out, stderr.Bytes())
	}
	return string(out)
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenSSL(t *testing.T) {
	a := ephemeral(t, ca.Config{})
	dir := t.TempDir()
	roots := filepath.Join(dir, "root.pem")
	write(t, roots, a.PEM())
	for _, name := range strictNames {
		path := filepath.Join(dir, "leaf.pem")
		write(t, path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf(t, a, name).Certificate[0]}))
		check := "-verify_hostname"
		if net.ParseIP(name) != nil {
			check = "-verify_ip"
		}
		cmd := exec.Command("openssl", "verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-purpose", "sslserver", "-CAfile", roots, check, name, path)
		if got := output(t, cmd); !strings.HasSuffix(got, ": OK\n") {
			t.Errorf("%s: %s", name, got)
		}
	}
}
