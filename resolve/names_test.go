package resolve

import (
	"errors"
	"strings"
	"testing"
)

func TestValidName(t *testing.T) {
	for _, name := range strings.Fields("A KEY STRIPE_KEY A1 A_ A__B X9_ OPENAI_API_KEY DATABASE_URL NPM_TOKEN AWS_SECRET_ACCESS_KEY " +
		"AWS_ACCESS_KEY_ID GITHUB_TOKEN GH_TOKEN PATHS HOMEPAGE ASSET_KEY PROXY PROXY_KEY ENVIRONMENT LDAP_PASSWORD SSL_KEY PIP_TOKEN " +
		strings.Repeat("N", 128)) {
		if err := ValidName(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReservedNames(t *testing.T) {
	for _, name := range strings.Fields("PATH HOME SHELL IFS ENV BASH_ENV LD_PRELOAD LD_LIBRARY_PATH LD_X DYLD_INSERT_LIBRARIES NODE_OPTIONS " +
		"PYTHONPATH PYTHONSTARTUP HTTPS_PROXY HTTP_PROXY ALL_PROXY NO_PROXY GRPC_PROXY NPM_CONFIG_HTTPS_PROXY AGENTSECRETS_HOME AGENTSECRETS_X AS_AGENT_TOKEN " +
		"AS_SECRET_KEY GIT_SSH_COMMAND GIT_CONFIG_COUNT SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE REQUESTS_CA_BUNDLE GIT_SSL_CAINFO AWS_CA_BUNDLE " +
		"PIP_CERT HTTPLIB2_CA_CERTS GRPC_DEFAULT_SSL_ROOTS_FILE_PATH CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE CARGO_HTTP_CAINFO NPM_CONFIG_CAFILE " +
		"YARN_HTTPS_CA_FILE_PATH BUNDLE_SSL_CA_CERT HEX_CACERTS_PATH COMPOSER_CAFILE NIX_SSL_CERT_FILE WEBSOCKET_CLIENT_CA_BUNDLE " +
		"CODEX_CA_CERTIFICATE MOJO_CA_FILE PERL_LWP_SSL_CA_FILE NODE_EXTRA_CA_CERTS DENO_CERT NODE_USE_ENV_PROXY PERL_LWP_ENV_PROXY MOJO_PROXY PHP_INI_SCAN_DIR " +
		"WGETRC JAVA_TOOL_OPTIONS PERL5OPT RUBYOPT PS4 PROMPT_COMMAND GODEBUG SSLKEYLOGFILE") {
		refusedName(t, name)
	}
}

func TestMalformedNames(t *testing.T) {
	for _, name := range []string{"", "a", "key", "1KEY", "_KEY", "K Y", "KEY-1", "KEY.A", "KEY\n", "KEY\x00", "KÉY", "K\xff", "KEY=1", " KEY", "ＫＥＹ",
		"AS_SECRET_STRIPE_KEY", "$KEY", strings.Repeat("N", 129)} {
		refusedName(t, name)
	}
}

func refusedName(t *testing.T, name string) {
	t.Helper()
	err := ValidName(name)
	var bad *NameError
	if !errors.As(err, &bad) || bad.Name != name || bad.Reason == "" {
		t.Errorf("%q: %v, want a NameError", name, err)
		return
	}
	command, found := strings.CutPrefix(bad.Hint(), "agentsecrets secrets set ")
	if !found || ValidName(command) != nil {
		t.Errorf("%q: the hint %q names no name that would do", name, bad.Hint())
	}
}

func TestNameHints(t *testing.T) {
	for name, want := range map[string]string{"stripe-key": "STRIPE_KEY", "stripe.key": "STRIPE_KEY", "AS_SECRET_STRIPE_KEY": "STRIPE_KEY",
		"PATH": "APP_PATH", "1password": "KEY_1PASSWORD", "MY_PROXY": "APP_MY_PROXY_SECRET", "GIT_PAGER": "APP_GIT_PAGER", "": "STRIPE_KEY", "$$": "STRIPE_KEY"} {
		if got := hintOf(ValidName(name)); got != "agentsecrets secrets set "+want {
			t.Errorf("%q: hint %q, want %s", name, got, want)
		}
	}
}

// A value that was given where a name belongs is not shown.
func TestNameErrorShowsNoValue(t *testing.T) {
	value := "test_value_4eC39HqLyjWDarjtT1zdp7dc"
	err := ValidName(value)
	for _, text := range []string{err.Error(), hintOf(err)} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(value[11:19])) {
			t.Errorf("shows the value: %s", text)
		}
	}
}

func FuzzValidName(f *testing.F) {
	for _, seed := range []string{"KEY", "", "as_secret_path", "____", "9", "é", "A_PROXY", strings.Repeat("a-", 70)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if err := ValidName(name); err != nil {
			refusedName(t, name)
			return
		}
		for i, c := range []byte(name) {
			if !(c >= 'A' && c <= 'Z' || i > 0 && (c >= '0' && c <= '9' || c == '_')) || i >= 128 {
				t.Fatalf("accepted %q", name)
			}
		}
	})
}
