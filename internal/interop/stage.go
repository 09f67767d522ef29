package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/agentsecrets/agentsecrets/ca"
)

const (
	name        = "INTEROP_KEY"
	placeholder = "AS_SECRET_" + name
)

// stage is what all suites share: a home of ours with a secret in it, and a
// certificate authority for origins. All of it lies in one directory.
type stage struct {
	program string // ours; absolute
	self    string // this program
	tools   string // where the suites are; absolute
	dir     string
	value   string // means nothing to anybody
	environ []string
	root    *ca.Authority
}

func newStage(ctx context.Context, program, tools string) (_ *stage, err error) {
	s := &stage{value: "sk-interop-" + rand.Text()}
	defer func() {
		if err != nil {
			s.tearDown()
		}
	}()
	if s.program, err = filepath.Abs(program); err != nil {
		return nil, err
	}
	if _, err := os.Stat(s.program); err != nil {
		return nil, fmt.Errorf("find the program to test: %w (make build makes it)", err)
	}
	if s.tools, err = filepath.Abs(tools); err != nil {
		return nil, err
	}
	if _, err := os.Stat(s.tools); err != nil {
		return nil, fmt.Errorf("find the suites: %w (make interop-tools installs them)", err)
	}
	if s.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "agentsecrets-interop-"); err != nil {
		return nil, err
	}
	return s, s.setUp(ctx)
}

func (s *stage) tearDown() {
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

func (s *stage) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

// tool is a program of a suite that was built or installed for this.
func (s *stage) tool(name string) string { return filepath.Join(s.tools, "bin", name) }

// setUp is what a user does once.
func (s *stage) setUp(ctx context.Context) error {
	for _, kv := range os.Environ() {
		k, _, _ := strings.Cut(kv, "=")
		if k = strings.ToUpper(k); !strings.HasPrefix(k, "AGENTSECRETS_") && !strings.HasSuffix(k, "_PROXY") && k != "TMPDIR" {
			s.environ = append(s.environ, kv)
		}
	}
	s.environ = append(s.environ, "AGENTSECRETS_HOME="+s.path("home"), "TMPDIR="+s.path("tmp"))
	var err error
	if s.root, err = ca.NewEphemeral(ca.Config{}); err != nil {
		return err
	}
	err = errors.Join(
		os.Mkdir(s.path("project"), 0o700), os.Mkdir(s.path("tmp"), 0o700),
		os.WriteFile(s.path("origin-ca.pem"), s.root.PEM(), 0o600),
		os.WriteFile(s.path("password"), []byte(rand.Text()+"\n"), 0o600),
	)
	if err != nil {
		return fmt.Errorf("set the home up: %w", err)
	}
	if err := s.do(ctx, "", "init", "--workspace", "interop", "--project", "interop", "--store", "file", "--password-file", s.path("password"), "--no-input"); err != nil {
		return err
	}
	return s.do(ctx, s.value, "secrets", "set", name, "--stdin")
}

// do runs a command of ours that must end well.
func (s *stage) do(ctx context.Context, stdin string, args ...string) error {
	cmd := exec.CommandContext(ctx, s.program, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = s.path("project"), s.environ, strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("agentsecrets %s %s: %w: %s", args[0], args[1], err, out)
	}
	return nil
}

func trusting(roots []byte, host string) (*tls.Config, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(roots) {
		return nil, errors.New("there is no certificate among the roots")
	}
	return &tls.Config{RootCAs: pool, ServerName: host}, nil
}

// leafFiles writes the certificate of an origin for servers that are not ours.
func (s *stage) leafFiles(host string) (certFile, keyFile string, err error) {
	leaf, err := s.root.Leaf(host)
	if err != nil {
		return "", "", err
	}
	key, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		return "", "", err
	}
	var chain []byte
	for _, der := range leaf.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	certFile, keyFile = s.path(host+".pem"), s.path(host+".key")
	return certFile, keyFile, errors.Join(
		os.WriteFile(certFile, chain, 0o600),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600),
	)
}
