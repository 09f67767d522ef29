package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/freeport"
	"github.com/agentsecrets/agentsecrets/internal/held"
)

// nginx as a reverse proxy from TLS to TLS: the yardstick, since it does the
// same cryptography and parses the same heads. It knows its one origin from its
// configuration, and changes nothing.
var nginxConf = template.Must(template.New("nginx").Parse(`
daemon off;
{{if .Root}}user root;{{end}}
worker_processes auto;
worker_rlimit_nofile 8192;
pid {{.Dir}}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
	access_log off;
	{{range .Temporary}}{{.}}_temp_path {{$.Dir}}/{{.}};
	{{end}}
	upstream origin {
		server {{.Origin}};
		keepalive 256;
		keepalive_requests 1000000000;
	}
	server {
		listen {{.Listen}} ssl http2;
		ssl_certificate {{.Dir}}/leaf.pem;
		ssl_certificate_key {{.Dir}}/leaf.key;
		ssl_protocols TLSv1.2 TLSv1.3;
		keepalive_requests 1000000000;
		proxy_http_version 1.1;
		proxy_set_header Connection "";
		proxy_set_header Host $http_host;
		proxy_ssl_name {{.Host}};
		proxy_ssl_server_name on;
		proxy_ssl_protocols TLSv1.2 TLSv1.3;
		proxy_ssl_verify on;
		proxy_ssl_trusted_certificate {{.OriginCA}};
		proxy_max_temp_file_size 0;
		location / { proxy_pass https://origin; }
		location ~ ^/(events|held) { proxy_pass https://origin; proxy_buffering off; }
	}
}
`))

type nginxConfig struct {
	Dir, Host, Listen, Origin, OriginCA string
	Root                                bool
	Temporary                           []string
}

// findNginx looks where Debian puts it, too: that is on no user's PATH.
func findNginx(name string) (string, error) {
	for _, name := range []string{name, filepath.Join("/usr/sbin", name)} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no program %s (apt-get install nginx-light)", name)
}

// nginxFacts gives its version, and which of its modules want a directory.
func nginxFacts(path string) (version string, temporary []string, err error) {
	out, err := exec.Command(path, "-V").CombinedOutput()
	if err != nil {
		return "", nil, fmt.Errorf("nginx -V: %w", err)
	}
	temporary = []string{"client_body", "proxy"}
	for _, module := range []string{"fastcgi", "uwsgi", "scgi"} {
		if !strings.Contains(string(out), "--without-http_"+module+"_module") {
			temporary = append(temporary, module)
		}
	}
	_, version, _ = strings.Cut(strings.SplitN(string(out), "\n", 2)[0], "nginx/")
	return version, temporary, nil
}

func (b *bench) startNginx(ctx context.Context) (*held.Process, hello, error) {
	path, err := findNginx(b.options.nginx)
	if err != nil {
		return nil, hello{}, err
	}
	version, temporary, err := nginxFacts(path)
	if err != nil {
		return nil, hello{}, err
	}
	b.machine.Nginx = version
	dir := filepath.Join(b.dir, "nginx")
	root, err := writeLeaf(dir)
	if err != nil {
		return nil, hello{}, err
	}
	listen, err := freeAddr()
	if err != nil {
		return nil, hello{}, err
	}
	var conf strings.Builder
	err = nginxConf.Execute(&conf, nginxConfig{
		Dir: dir, Host: host, Listen: listen, Origin: b.originAddr, OriginCA: b.originCA,
		Root: os.Geteuid() == 0, Temporary: temporary,
	})
	if err != nil {
		return nil, hello{}, err
	}
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
		return nil, hello{}, err
	}
	p, err := held.Start(ctx, held.Program{Dir: dir, Env: os.Environ(), Args: []string{path, "-e", "stderr", "-p", dir, "-c", file}})
	if err != nil {
		return nil, hello{}, err
	}
	return p, hello{"https://" + listen, root}, p.Listens(listen, 5*time.Second)
}

// writeLeaf makes a root, and files of a leaf under it, and gives the root's PEM.
func writeLeaf(dir string) (string, error) {
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return "", err
	}
	leaf, err := authority.Leaf(host)
	if err != nil {
		return "", err
	}
	key, err := x509.MarshalPKCS8PrivateKey(leaf.PrivateKey)
	if err != nil {
		return "", err
	}
	var chain []byte
	for _, der := range leaf.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return string(authority.PEM()), errors.Join(
		os.MkdirAll(dir, 0o700),
		os.WriteFile(filepath.Join(dir, "leaf.pem"), chain, 0o600),
		os.WriteFile(filepath.Join(dir, "leaf.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600),
	)
}

// freeAddr is an address on which nothing listens at the moment.
func freeAddr() (string, error) {
	port, err := freeport.Find()
	return fmt.Sprintf("127.0.0.1:%d", port), err
}
