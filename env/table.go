package env

import "strings"

// Which variable counts for which client was measured; what is set here makes
// clients use the proxy and trust its CA with nothing changed in them.

// proxyVars hold the proxy's URL. Lower case is what wget, aria2, gRPC and, for
// http, curl read; Ruby's Net::HTTP takes HTTP_PROXY for https as well; npm's
// own beat what is in npmrc.
func proxyVars() []string {
	return []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NPM_CONFIG_HTTPS_PROXY", "NPM_CONFIG_PROXY"}
}

// onVars switch proxy variables on in Node (where a script overwrites
// NODE_OPTIONS) and in Perl's LWP and Mojo.
func onVars() []string { return []string{"NODE_USE_ENV_PROXY", "PERL_LWP_ENV_PROXY", "MOJO_PROXY"} }

// unwanted reports whether a variable would beat one of ours in some client, or
// is no business of the program's.
func unwanted(name string) bool {
	switch upper := strings.ToUpper(name); upper {
	case "ALL_PROXY", "GRPC_PROXY", "NO_GRPC_PROXY", "CARGO_HTTP_PROXY", "PIP_PROXY", "YARN_HTTP_PROXY", "YARN_HTTPS_PROXY":
		return true
	default:
		return ownCredential(name) || strings.HasPrefix(upper, "GLOBAL_AGENT_") || strings.HasPrefix(upper, "CLOUDSDK_PROXY_") || npmOption(upper)
	}
}

// npmOption reports whether name sets one of the options of npm that we set, in
// any spelling.
func npmOption(name string) bool {
	switch npmSpelling(name) {
	case "NPM_CONFIG_PROXY", "NPM_CONFIG_HTTPS_PROXY", "NPM_CONFIG_NOPROXY", "NPM_CONFIG_CAFILE":
		return true
	}
	return false
}

// npmSpelling brings together what npm takes for one option: neither case nor -
// or _ count.
func npmSpelling(name string) string { return strings.ReplaceAll(strings.ToUpper(name), "-", "_") }

// rootVars name a file of roots that replaces those of the client; it gets the
// system's, those that the client trusted before, and ours. A client with a
// variable of its own falls back to a common one, whose roots it would lose.
func rootVars() []rootVar {
	return []rootVar{
		{"SSL_CERT_FILE", nil}, // OpenSSL's users, Go, rustls, Bun and .NET on Linux
		{"CURL_CA_BUNDLE", nil},
		{"REQUESTS_CA_BUNDLE", []string{"CURL_CA_BUNDLE"}},
		{"GIT_SSL_CAINFO", nil},
		{"AWS_CA_BUNDLE", []string{"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}},
		{"PIP_CERT", []string{"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}},
		{"HTTPLIB2_CA_CERTS", nil},
		{"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", nil},
		{"CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", nil},
		{"CARGO_HTTP_CAINFO", []string{"SSL_CERT_FILE"}},
		{"NPM_CONFIG_CAFILE", []string{"NODE_EXTRA_CA_CERTS"}}, // a cafile in npmrc hides NODE_EXTRA_CA_CERTS
		{"YARN_HTTPS_CA_FILE_PATH", []string{"NODE_EXTRA_CA_CERTS"}},
		{"BUNDLE_SSL_CA_CERT", []string{"SSL_CERT_FILE"}},
		{"HEX_CACERTS_PATH", nil},
		{"COMPOSER_CAFILE", []string{"SSL_CERT_FILE"}},
		{"NIX_SSL_CERT_FILE", []string{"SSL_CERT_FILE"}},
		{"WEBSOCKET_CLIENT_CA_BUNDLE", []string{"SSL_CERT_FILE"}},
		{"CODEX_CA_CERTIFICATE", []string{"SSL_CERT_FILE"}},
		{"MOJO_CA_FILE", []string{"SSL_CERT_FILE"}},
		{"PERL_LWP_SSL_CA_FILE", []string{"SSL_CERT_FILE"}}, // Debian's LWP reads no other
	}
}

type rootVar struct {
	name      string
	fallbacks []string
}

// extraVars name a file of roots that are trusted in addition: ours, and those
// that it named before. Bun, Deno and agents built on them read Node's.
func extraVars() []string { return []string{"NODE_EXTRA_CA_CERTS", "DENO_CERT"} }
