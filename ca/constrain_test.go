package ca_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/ca"
)

// clients connect to each name that they are given, at one port of this machine,
// and say for each whether they accepted its certificate.
var clients = map[string]func(t *testing.T, roots string, port string, names []string) []bool{
	"curl": func(t *testing.T, roots, port string, names []string) []bool {
		return each(t, names, func(name string) *exec.Cmd {
			return exec.Command("curl", "-sS", "--max-time", "20", "--cacert", roots, "--connect-to", "::127.0.0.1:"+port, "https://"+hostPort(name))
		})
	},
	"python": func(t *testing.T, roots, port string, names []string) []bool {
		got := strings.Split(strings.TrimSpace(python(t, roots, append([]string{port}, names...)...)), "\n")
		var ok []bool
		for _, line := range got {
			ok = append(ok, line == "ok" || line == "cut") // what comes after the handshake is another matter
		}
		return ok
	},
	"node": func(t *testing.T, roots, port string, names []string) []bool {
		return each(t, names, func(name string) *exec.Cmd {
			cmd := exec.Command("node", "-e", nodeConnect, port, name)
			cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+roots)
			return cmd
		})
	},
	"go": func(t *testing.T, roots, port string, names []string) (ok []bool) {
		pem, err := os.ReadFile(roots)
		pool := x509.NewCertPool()
		if err != nil || !pool.AppendCertsFromPEM(pem) {
			t.Fatal(err)
		}
		for _, name := range names {
			c, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{ServerName: name, RootCAs: pool})
			ok = append(ok, err == nil)
			if err == nil {
				c.Close()
			}
		}
		return ok
	},
}

const nodeConnect = `
const [port, name] = process.argv.slice(1);
const ip = require('net').isIP(name);
const s = require('tls').connect({host: '127.0.0.1', port, servername: ip ? '' : name,
	checkServerIdentity: (_, cert) => require('tls').checkServerIdentity(name, cert)}, () => { s.end(); });
s.on('error', e => { console.error(e.code); process.exitCode = 1; });
`

func hostPort(name string) string {
	if strings.Contains(name, ":") {
		return "[" + name + "]"
	}
	return name
}

func each(t *testing.T, names []string, command func(string) *exec.Cmd) (ok []bool) {
	t.Helper()
	for _, name := range names {
		out, err := command(name).CombinedOutput()
		if err != nil {
			t.Logf("%s: %v %s", name, err, out)
		}
		ok = append(ok, err == nil)
	}
	return ok
}

// A root of certain hosts is believed for no other by the clients that a run may
// hold, although the leaf was signed by it.
func TestL7ConstrainedRoot(t *testing.T) {
	for _, c := range []struct {
		only    []string
		names   []string
		believe []bool
	}{
		{[]string{"api.acme.test"}, []string{"api.acme.test", "other.test", "acme.test", "127.0.0.1"}, []bool{true, false, false, false}},
		{[]string{"127.0.0.1", "api.acme.test"}, []string{"api.acme.test", "127.0.0.1"}, []bool{true, true}},
		{[]string{}, []string{"api.acme.test", "127.0.0.1"}, []bool{false, false}},
	} {
		a := ephemeral(t, ca.Config{Only: c.only})
		roots := filepath.Join(t.TempDir(), "roots.pem")
		write(t, roots, a.PEM())
		for client, connect := range clients {
			t.Run(client+" "+strings.Join(c.only, " "), func(t *testing.T) {
				port := serveWith(t, func(name string) (*tls.Certificate, error) { return a.Leaf(name) }, greetHTTP)
				if got := connect(t, roots, port, c.names); fmt.Sprint(got) != fmt.Sprint(c.believe) {
					t.Errorf("a root of %q, at %q: believed %v, want %v", c.only, c.names, got, c.believe)
				}
			})
		}
	}
}

func TestL7ConstraintsAreCritical(t *testing.T) {
	r := root(t, ephemeral(t, ca.Config{Only: []string{"api.acme.test", "192.0.2.7"}}))
	if !critical(r, "2.5.29.30") {
		t.Error("the name constraints are not critical")
	}
	if got := fmt.Sprint(r.PermittedDNSDomains, r.PermittedIPRanges); got != "[api.acme.test] [192.0.2.7/32]" {
		t.Errorf("permitted: %s", got)
	}
	if r := root(t, ephemeral(t, ca.Config{})); critical(r, "2.5.29.30") {
		t.Error("a root of all hosts is constrained")
	}
}

// greetHTTP is greet for curl.
func greetHTTP(ln net.Listener, done chan struct{}) {
	defer close(done)
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			fmt.Fprint(c, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
			buf := make([]byte, 1<<10)
			c.Read(buf)
			c.Close()
		}()
	}
}
