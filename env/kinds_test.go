package env

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kinds says of every variable that Vars knows what becomes of one that is there: ours
// take its place, or stand behind it or before it, or it goes.
func kinds() map[string][]string {
	return map[string][]string{
		"proxy": {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NPM_CONFIG_HTTPS_PROXY", "NPM_CONFIG_PROXY"},
		"fixed": {"NO_PROXY", "no_proxy", "NODE_USE_ENV_PROXY", "PERL_LWP_ENV_PROXY", "MOJO_PROXY"},
		// Those that name a file name another, of ours.
		"file":   append(slices.Clone(bundleVars), "NODE_EXTRA_CA_CERTS", "DENO_CERT", "AGENTSECRETS_CA", "WGETRC"),
		"behind": {"NODE_OPTIONS", "PHP_INI_SCAN_DIR", "JAVA_TOOL_OPTIONS", "CHROMIUM_FLAGS"},
		"before": {"PYTHONPATH"},
		"number": {"GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0", "GIT_CONFIG_KEY_1", "GIT_CONFIG_VALUE_1"}, // TestGitReadsIt
		"unset": {
			"ALL_PROXY", "all_proxy", "GRPC_PROXY", "grpc_proxy", "NO_GRPC_PROXY", "no_grpc_proxy", "GLOBAL_AGENT_HTTP_PROXY", "GLOBAL_AGENT_NO_PROXY",
			"npm_config_noproxy", "npm_config_proxy", "npm_config_https_proxy", "npm_config_cafile", "CARGO_HTTP_PROXY", "PIP_PROXY", "YARN_HTTP_PROXY",
			"YARN_HTTPS_PROXY", "CLOUDSDK_PROXY_ADDRESS", "AGENTSECRETS_TOKEN", "AS_AGENT_TOKEN",
		},
		"left": {"SSL_CERT_DIR", "PATH", "HOME", "JAVA_HOME"},
	}
}

func TestEveryVariableHasItsKind(t *testing.T) {
	had := put(t, "had.pem", string(certificate("had")))
	var environ, all []string
	for kind, names := range kinds() {
		for _, name := range names {
			all = append(all, name)
			switch kind {
			case "file":
				environ = append(environ, name+"="+had)
			case "number":
			default:
				environ = append(environ, name+"=--had")
			}
		}
	}
	for _, name := range SetVars() {
		if !slices.Contains(all, name) {
			t.Errorf("Vars sets %s, of which nothing is said here", name)
		}
	}
	c := child(t, environ...)
	got, _ := vars(t, c)
	becomes := map[string]func(name, value string, has bool) bool{
		"proxy": func(_, v string, _ bool) bool { return v == proxyURL },
		"fixed": func(name, v string, _ bool) bool {
			return v == map[bool]string{true: loopback, false: "1"}[strings.EqualFold(name, "NO_PROXY")]
		},
		"file":   func(_, v string, _ bool) bool { return strings.HasPrefix(v, c.Dir+string(filepath.Separator)) },
		"behind": func(_, v string, _ bool) bool { return strings.HasPrefix(v, "--had") && len(v) > len("--had ") },
		"before": func(_, v string, _ bool) bool { return strings.HasPrefix(v, c.Dir) && strings.HasSuffix(v, ":--had") },
		"number": func(_, v string, _ bool) bool { return v != "" },
		"unset":  func(_, _ string, has bool) bool { return !has },
		"left":   func(_, v string, _ bool) bool { return v == "--had" },
	}
	for kind, names := range kinds() {
		for _, name := range names {
			if value, has := got[name]; !becomes[kind](name, value, has) {
				t.Errorf("%s, %s: it is %q", name, kind, value)
			}
		}
	}
	if len(got) != len(all)-len(kinds()["unset"]) {
		t.Errorf("%d variables, %d of them known here", len(got), len(all))
	}
}
