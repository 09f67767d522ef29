package env

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func TestVarsKeepTheRootsOfBefore(t *testing.T) {
	corp, own := put(t, "corp.pem", "corp"), put(t, "own.pem", "own")
	extra := put(t, "extra.pem", "-----BEGIN PRIVATE KEY-----\nZGVlcA==\n-----END PRIVATE KEY-----\ntext\n"+string(certificate("extra")))
	got, notices := vars(t, child(t,
		"SSL_CERT_FILE="+corp, "CURL_CA_BUNDLE="+own, "PIP_CERT="+corp, "GIT_SSL_CAINFO=", "npm_config_cafile="+own, "NODE_EXTRA_CA_CERTS="+extra,
	))
	for name, want := range map[string]string{
		"SSL_CERT_FILE": "system+corp+ours", "CURL_CA_BUNDLE": "system+own+ours", "PIP_CERT": "system+corp+ours",
		"GIT_SSL_CAINFO": "system+ours", "HTTPLIB2_CA_CERTS": "system+ours",
		"REQUESTS_CA_BUNDLE": "system+own+ours", "AWS_CA_BUNDLE": "system+own+ours", "CODEX_CA_CERTIFICATE": "system+corp+ours",
		"NPM_CONFIG_CAFILE":   "system+own+ours",
		"NODE_EXTRA_CA_CERTS": string(certificate("extra")) + string(ours()),
		"DENO_CERT":           string(ours()), "AGENTSECRETS_CA": string(ours()),
	} {
		if content := read(t, got[name]); content != want {
			t.Errorf("%s holds %q, want %q", name, content, want)
		}
	}
	for _, same := range [][2]string{{"SSL_CERT_FILE", "PIP_CERT"}, {"CURL_CA_BUNDLE", "AWS_CA_BUNDLE"}, {"GIT_SSL_CAINFO", "HTTPLIB2_CA_CERTS"}, {"DENO_CERT", "AGENTSECRETS_CA"}} {
		if got[same[0]] != got[same[1]] {
			t.Errorf("%v have a file each", same)
		}
	}
	if len(notices) > 0 {
		t.Errorf("notices %q", notices)
	}
}

func TestVarsWithRootsThatCannotBeRead(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.pem")
	none := put(t, "none.pem", "no certificate")
	got, notices := vars(t, child(t, "COMPOSER_CAFILE="+missing, "CURL_CA_BUNDLE="+t.TempDir(), "PIP_CERT="+missing, "NODE_EXTRA_CA_CERTS="+missing, "DENO_CERT="+none))
	for _, name := range bundleVars {
		if content := read(t, got[name]); content != "system+ours" {
			t.Errorf("%s holds %q", name, content)
		}
	}
	for _, name := range []string{"NODE_EXTRA_CA_CERTS", "DENO_CERT"} {
		if content := read(t, got[name]); content != string(ours()) {
			t.Errorf("%s holds %q", name, content)
		}
	}
	for i, want := range []string{"CURL_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "DENO_CERT"} {
		if i >= len(notices) || !strings.HasPrefix(notices[i], want+" names ") {
			t.Fatalf("no notice about %s: %q", want, notices)
		}
	}
	if len(notices) != 4 || !strings.Contains(notices[1], "missing.pem") || !strings.Contains(notices[1], "no such file") {
		t.Errorf("notices %q", notices)
	}
}

func TestWithCAIsBounded(t *testing.T) {
	w := &writer{Child: Child{CA: ours()}}
	big := put(t, "big.pem", string(bytes.Repeat(certificate("x"), maxRoots/50)))
	for _, path := range []string{"/dev/zero", t.TempDir(), big} {
		if _, err := w.withCA(path); err == nil || reason(err) == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
}
