package env

import (
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

const proxyURL = "http://run:token@127.0.0.1:4321"

func certificate(text string) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(text)})
}

// ours is the root of the tests' runs.
var ours = sync.OnceValue(func() []byte {
	root, err := newRoot("ours")
	if err != nil {
		panic(err)
	}
	return root
})

// child has a bundle that tells what it was made of.
func child(t *testing.T, environ ...string) Child {
	t.Helper()
	return Child{
		Environ: environ, ProxyURL: proxyURL, CA: ours(), Dir: filepath.Join(t.TempDir(), "run"),
		Bundle: func(existing string) ([]byte, error) {
			if existing == "" {
				return []byte("system+ours"), nil
			}
			b, err := os.ReadFile(existing)
			return []byte("system+" + string(b) + "+ours"), err
		},
	}
}

// vars runs Vars and tells the result by name; a name that comes twice fails.
func vars(t *testing.T, c Child) (map[string]string, []string) {
	t.Helper()
	list, notices, err := c.Vars()
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, entry := range list {
		name, value, _ := strings.Cut(entry, "=")
		if _, twice := m[name]; twice {
			t.Errorf("%s is set twice", name)
		}
		m[name] = value
	}
	return m, notices
}

func put(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var bundleVars = strings.Fields(`SSL_CERT_FILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE GIT_SSL_CAINFO AWS_CA_BUNDLE PIP_CERT HTTPLIB2_CA_CERTS
	GRPC_DEFAULT_SSL_ROOTS_FILE_PATH CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE CARGO_HTTP_CAINFO NPM_CONFIG_CAFILE YARN_HTTPS_CA_FILE_PATH
	BUNDLE_SSL_CA_CERT HEX_CACERTS_PATH COMPOSER_CAFILE NIX_SSL_CERT_FILE WEBSOCKET_CLIENT_CA_BUNDLE CODEX_CA_CERTIFICATE MOJO_CA_FILE PERL_LWP_SSL_CA_FILE`)

func TestVarsOfAnEmptyEnvironment(t *testing.T) {
	c := child(t)
	got, notices := vars(t, c)
	want := map[string]string{
		"NO_PROXY": "localhost,127.0.0.1,::1", "no_proxy": "localhost,127.0.0.1,::1",
		"GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "http.proxy", "GIT_CONFIG_VALUE_0": proxyURL,
		"GIT_CONFIG_KEY_1": "http.proxyAuthMethod", "GIT_CONFIG_VALUE_1": "basic",
		"NODE_USE_ENV_PROXY": "1", "PERL_LWP_ENV_PROXY": "1", "MOJO_PROXY": "1",
		"NODE_OPTIONS": `--require "` + filepath.Join(c.Dir, "as-node-preload.cjs") + `"`, "PYTHONPATH": filepath.Join(c.Dir, "python"),
		"PHP_INI_SCAN_DIR": ":" + filepath.Join(c.Dir, "php"), "WGETRC": filepath.Join(c.Dir, "wgetrc"),
		"JAVA_TOOL_OPTIONS": `-Djavax.net.ssl.trustStore="` + filepath.Join(c.Dir, "roots.p12") + `" -Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit` +
			" -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=4321 -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=4321 -Dhttp.nonProxyHosts=localhost|127.0.0.1|[::1]",
		"CHROMIUM_FLAGS": got["CHROMIUM_FLAGS"], // TestChromiumBelievesOneKey
	}
	for _, name := range strings.Fields("HTTPS_PROXY https_proxy HTTP_PROXY http_proxy NPM_CONFIG_HTTPS_PROXY NPM_CONFIG_PROXY") {
		want[name] = proxyURL
	}
	for _, name := range bundleVars {
		want[name] = filepath.Join(c.Dir, "bundle-1.pem")
	}
	for _, name := range []string{"AGENTSECRETS_CA", "NODE_EXTRA_CA_CERTS", "DENO_CERT"} {
		want[name] = filepath.Join(c.Dir, "ca.pem")
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
	if len(got) != len(want) || len(notices) > 0 {
		t.Errorf("%d variables, want %d; notices %q", len(got), len(want), notices)
	}
	bundle := filepath.Join(c.Dir, "bundle-1.pem")
	for name, content := range map[string]string{
		"ca.pem": string(c.CA), "bundle-1.pem": "system+ours", "as-node-preload.cjs": string(preload), "python/sitecustomize.py": string(pythonHook),
		"php/agentsecrets.ini": "curl.cainfo = '" + bundle + "'\nopenssl.cafile = '" + bundle + "'\n",
		"wgetrc":               "use_proxy = on\nca_certificate = " + bundle + "\n", "roots.p12": read(t, filepath.Join(c.Dir, "roots.p12")),
	} {
		path := filepath.Join(c.Dir, name)
		if info, err := os.Lstat(path); err != nil || info.Mode() != 0o444 || read(t, path) != content {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	for _, dir := range []string{".", "php", "python"} {
		if info, err := os.Lstat(filepath.Join(c.Dir, dir)); err != nil || info.Mode() != 0o700|os.ModeDir {
			t.Errorf("directory %s: %v, %v", dir, info, err)
		}
	}
	if files, err := os.ReadDir(c.Dir); err != nil || len(files) != 7 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

func TestVarsTakeOutWhatLeadsAround(t *testing.T) {
	gone := strings.Fields(`ALL_PROXY all_proxy GRPC_PROXY grpc_proxy no_grpc_proxy GLOBAL_AGENT_HTTP_PROXY global_agent_no_proxy
		npm_config_noproxy NPM_CONFIG_NOPROXY npm_config_proxy npm_config_https_proxy npm_config_https-proxy Npm_Config_CaFile
		AGENTSECRETS_TOKEN AS_AGENT_TOKEN CARGO_HTTP_PROXY PIP_PROXY YARN_HTTPS_PROXY CLOUDSDK_PROXY_ADDRESS`)
	kept := strings.Fields("PATH AGENTSECRETS_HOME SSL_CERT_DIR npm_config_registry MY_PROXY ALL_PROXY_2")
	var environ []string
	for _, name := range append(slices.Clone(gone), kept...) {
		environ = append(environ, name+"=before")
	}
	environ = append(environ, "NO_PROXY=.corp", "no_proxy=*", "HTTPS_PROXY=http://corp:3128", "https_proxy=socks5://x", "NODE_USE_ENV_PROXY=0")
	got, _ := vars(t, child(t, environ...))
	for _, name := range gone {
		if value, there := got[name]; there {
			t.Errorf("%s is %q", name, value)
		}
	}
	for _, name := range kept {
		if got[name] != "before" {
			t.Errorf("%s became %q", name, got[name])
		}
	}
	for name, want := range map[string]string{
		"NO_PROXY": "localhost,127.0.0.1,::1", "no_proxy": "localhost,127.0.0.1,::1", "HTTPS_PROXY": proxyURL, "https_proxy": proxyURL, "NODE_USE_ENV_PROXY": "1",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

func TestVarsHoldPlaceholders(t *testing.T) {
	c := child(t, "STRIPE_KEY=sk_live_value", "OTHER=kept", "STRIPE_KEY=sk_live_later")
	c.Names = []string{"STRIPE_KEY", "NOT_YET"}
	list, _, err := c.Vars()
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(list, "\n"); strings.Contains(all, "sk_live") {
		t.Errorf("a value is left:\n%s", all)
	}
	for _, want := range []string{"STRIPE_KEY=AS_SECRET_STRIPE_KEY", "NOT_YET=AS_SECRET_NOT_YET", "OTHER=kept"} {
		if !slices.Contains(list, want) {
			t.Errorf("no %s", want)
		}
	}
}

// Secrets may be named like variables that steer clients. Those stay as they are.
func TestNamesNeverWin(t *testing.T) {
	environ := []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=user.name", "GIT_CONFIG_VALUE_0=me", "AGENTSECRETS_HOME=/h", "AS_AGENT_TOKEN=t", "ALL_PROXY=x"}
	c := child(t, environ...)
	want, _ := vars(t, c)
	for name := range want {
		c.Names = append(c.Names, name)
	}
	c.Names = append(c.Names, "ALL_PROXY", "GRPC_PROXY", "NO_GRPC_PROXY", "GLOBAL_AGENT_HTTPS_PROXY", "NPM_CONFIG_NOPROXY", "AGENTSECRETS_TOKEN", "AS_AGENT_TOKEN", "GIT_CONFIG_KEY_9", "AGENTSECRETS_SERVER_URL")
	got, _ := vars(t, c)
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s became %q, want %q", name, got[name], value)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("these appeared: %q", got)
	}
}

func TestGitReadsIt(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[http]\n\tproxy = http://corp:3128\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, count string
		user        string
		notices     int
	}{
		{"nothing before", "", "", 0},
		{"added to what is there", "1", "me", 0},
		{"no number", "one", "", 1},
		{"too many for git", "99999999999", "", 1},
		{"negative", "-1", "", 1},
	} {
		environ := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_KEY_0=user.name", "GIT_CONFIG_VALUE_0=me"}
		if test.count != "" {
			environ = append(environ, "GIT_CONFIG_COUNT="+test.count)
		}
		list, notices, err := child(t, environ...).Vars()
		if err != nil || len(notices) != test.notices {
			t.Fatalf("%s: %v, notices %q", test.name, err, notices)
		}
		for key, want := range map[string]string{"http.proxy": proxyURL, "http.proxyAuthMethod": "basic", "user.name": test.user} {
			cmd := exec.Command("git", "config", "--get", key)
			cmd.Env, cmd.Dir = list, home
			out, err := cmd.Output()
			if got := strings.TrimSpace(string(out)); got != want || err != nil && want != "" {
				t.Errorf("%s: %s is %q, %v; want %q", test.name, key, got, err, want)
			}
		}
	}
}

func TestVarsAgain(t *testing.T) {
	c := child(t)
	first, _ := vars(t, c)
	c.CA = rootNamed(t, "another")
	second, _ := vars(t, c)
	if got := read(t, second["AGENTSECRETS_CA"]); got != string(c.CA) || first["AGENTSECRETS_CA"] != second["AGENTSECRETS_CA"] {
		t.Errorf("holds %q", got)
	}
}

func TestVarsAddToNodeOptions(t *testing.T) {
	c := child(t, "NODE_OPTIONS=--max-old-space-size=64 --title=x")
	got, _ := vars(t, c)
	if want := `--max-old-space-size=64 --title=x --require "` + c.Dir + `/as-node-preload.cjs"`; got["NODE_OPTIONS"] != want {
		t.Errorf("%s, want %s", got["NODE_OPTIONS"], want)
	}
}

func TestVarsRefuse(t *testing.T) {
	for name, change := range map[string]func(*Child){
		"relative directory": func(c *Child) { c.Dir = "run" },
		"no proxy":           func(c *Child) { c.ProxyURL = "" },
		"no CA":              func(c *Child) { c.CA = []byte("text") },
		"no bundle":          func(c *Child) { c.Bundle = nil },
		"no system roots":    func(c *Child) { c.Bundle = func(string) ([]byte, error) { return nil, errors.New("none") } },
		"a file for a directory": func(c *Child) {
			if err := os.WriteFile(c.Dir, nil, 0o600); err != nil {
				t.Error(err)
			}
		},
		"a link for a directory": func(c *Child) {
			if err := os.Symlink(t.TempDir(), c.Dir); err != nil {
				t.Error(err)
			}
		},
		"a directory for a file": func(c *Child) {
			if err := os.MkdirAll(filepath.Join(c.Dir, "ca.pem", "x"), 0o700); err != nil {
				t.Error(err)
			}
		},
	} {
		c := child(t)
		change(&c)
		if list, _, err := c.Vars(); err == nil || list != nil {
			t.Errorf("%s: %d variables, %v", name, len(list), err)
		}
	}
}

// A link in the directory is replaced, not written through.
func TestVarsReplaceALink(t *testing.T) {
	c := child(t)
	theirs := put(t, "theirs", "theirs")
	if err := errors.Join(os.Mkdir(c.Dir, 0o755), os.Symlink(theirs, filepath.Join(c.Dir, "ca.pem"))); err != nil {
		t.Fatal(err)
	}
	got, _ := vars(t, c)
	if read(t, theirs) != "theirs" || read(t, got["AGENTSECRETS_CA"]) != string(c.CA) {
		t.Error("wrote through a link")
	}
	if info, err := os.Lstat(c.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", info.Mode(), err)
	}
}
