package main

import (
	"bufio"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
	"github.com/agentsecrets/agentsecrets/redact"
)

// came is what a call of grpc_secrets.py came to.
type came struct {
	Text, Code, Details string
	Metadata            map[string]string
}

// A program on grpcio gets its answers without the value, from a server that
// compresses them, and reads refusals as statuses.
func TestGRPCSecrets(t *testing.T) {
	const value = "sk-live-Zq3/vN8+xTr7=mK2pW9"
	root, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{dir: t.TempDir(), root: root, tools: "../../.cache/interop"}
	cert, key, err := s.leafFiles(grpcHost)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), s.python(), "python/grpc_secrets.py", grpcHost, cert, key)
	cmd.Stderr = os.Stderr
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil {
		t.Fatal(errIn, errOut)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the server does not start: ", cmd.Wait())
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(root.PEM())
	l := lab.New(t, lab.Config{
		Secrets: map[string]string{"KEY": value}, Allow: []string{grpcHost + ":" + lines.Text()},
		Change: func(c *mitm.Config) { c.Roots = func(string) *x509.CertPool { return roots } },
	})
	trusted := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(trusted, l.CA.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(in, "%s\n%s\n", l.Run.URL(l.Addr), trusted)
	got := map[string]came{}
	for lines.Scan() {
		var c struct {
			Call string
			came
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		got[c.Call] = c.came
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	clean := "Bearer " + redact.Marker + strings.Repeat("*", len(value)-len(redact.Marker))
	if c := got["unary"]; c.Text != "you sent "+clean {
		t.Errorf("unary: %+v", c)
	}
	if c := got["denied"]; c.Code != "PERMISSION_DENIED" || c.Details != "50% no: "+clean ||
		c.Metadata["x-details-bin"] != hex.EncodeToString([]byte("\x01"+clean+"\x02")) || c.Metadata["x-text"] != clean {
		t.Errorf("denied: %+v", c)
	}
	if c := got["not stored"]; c.Code != "FAILED_PRECONDITION" || !strings.HasPrefix(c.Details, "agentsecrets: secret_not_found: ") {
		t.Errorf("not stored: %+v", c)
	}
	if c := got["turns"]; c.Text != "word AS_SEC sk-live" {
		t.Errorf("turns: %+v", c)
	}
}
