package main

import (
	"cmp"
	"strings"

	"github.com/agentsecrets/agentsecrets/audit"
)

// What is said of a client that does not work through the proxy: what it means,
// and what would change it, as far as that is known of its program.

func nothingAsked(e audit.Event) string {
	switch e.Reason {
	case reasonPast:
		return "nothing of the proxy: " + cmp.Or(e.Client, "a client") + " connected to " + strings.TrimPrefix(e.TargetURL, "tcp://")
	case reasonUnused:
		return "nothing of the proxy"
	}
	return "nothing: " + cmp.Or(e.Client, "a client") + " sent no request to " + e.TargetURL
}

// meaning is what a finding says, "" for any other event.
func meaning(e audit.Event) string {
	switch e.Reason {
	case reasonDistrusts:
		return "It did not trust the AgentSecrets CA, and so did not use the proxy for this host: it has certificates of its own, an option named others, or it lost the variables that name ours"
	case reasonPins:
		return "It takes our certificates for other hosts: for this one it knows the certificate or the CA that has to come (a pin), or a library in it brings certificates of its own"
	case reasonPast:
		return "It does not use HTTPS_PROXY there: a placeholder that it sends reaches the host as it is, and an API answers 401. If it sends none, nothing is wrong"
	case reasonUnused:
		return "If it was to call an API, it does not use HTTPS_PROXY, or does not have it; connections that begin and end within 50 ms are not seen"
	}
	return ""
}

// fixes are the ways out, the likeliest first.
func fixes(e audit.Event) []string {
	switch e.Reason {
	case reasonDistrusts:
		return []string{trustFix(e.Client)}
	case reasonPins:
		return []string{
			"switch the pin off in the program's own settings, or let it trust our CA as well: " + trustFix(e.Client),
			"with --tunnel the host is relayed unread: the program reaches it, and placeholders stay as they are, without values",
		}
	case reasonPast, reasonUnused:
		return []string{proxyFix(e.Client)}
	}
	return nil
}

// proxyFix says what in a program ignores HTTPS_PROXY, and what does not.
func proxyFix(program string) string {
	for begins, fix := range map[string]string{
		"python":  "http.client, urllib3 by itself and tornado ignore HTTPS_PROXY: requests, httpx and urllib.request use it, urllib3 as ProxyManager, aiohttp with trust_env=True",
		"php":     "streams (file_get_contents) ignore HTTPS_PROXY: the curl extension and Guzzle use it",
		"ruby":    "http.rb ignores the variables: Net::HTTP reads http_proxy, Faraday and Excon https_proxy",
		"java":    "Java takes its proxy from JAVA_TOOL_OPTIONS, which is set already: -Dhttps.proxyHost on its command line and a proxy that the program names win over it",
		"node":    "Node uses HTTPS_PROXY by what NODE_OPTIONS loads, which is set already; leave it, or set NODE_USE_ENV_PROXY=1",
		"escript": "httpc of Erlang ignores HTTPS_PROXY: httpc:set_options([{https_proxy, …}])",
		"beam":    "httpc of Erlang ignores HTTPS_PROXY: httpc:set_options([{https_proxy, …}])",
		"curl":    "let it have HTTPS_PROXY, which is set already (sudo, env and services may drop it), and leave out --noproxy and --proxy, and what ~/.curlrc says of them",
	} {
		if strings.HasPrefix(program, begins) {
			return fix
		}
	}
	return "let it have HTTPS_PROXY, which is set already (sudo, env -i and services drop it); what builds its own transport has to ask for it, as Go's http.ProxyFromEnvironment does"
}

// trusting is where the clients of a program look for certificates.
type trusting struct{ program, variable, beats string }

// trustings are known programs, by how their names begin.
func trustings() []trusting {
	return []trusting{
		{"curl", "CURL_CA_BUNDLE", "--cacert, --capath and what ~/.curlrc says"},
		{"wget", "WGETRC", "--ca-certificate, --config and --no-config"},
		{"git", "GIT_SSL_CAINFO", "what clears the environment on the way"},
		{"python", "SSL_CERT_FILE and REQUESTS_CA_BUNDLE", "verify=, cafile= and a context of the program's own; ssl.create_default_context() reads them"},
		{"pip", "PIP_CERT", "--cert"},
		{"aws", "AWS_CA_BUNDLE", "--ca-bundle, and ca_bundle in ~/.aws/config"},
		{"node", "NODE_EXTRA_CA_CERTS", "a ca: option in the program; it is read once, when node starts"},
		{"npm", "NPM_CONFIG_CAFILE", "--cafile"},
		{"bun", "NODE_EXTRA_CA_CERTS", "a ca: option in the program"},
		{"deno", "DENO_CERT", "--cert"},
		{"java", "JAVA_TOOL_OPTIONS", "-Djavax.net.ssl.trustStore on its command line, and a trust store that the program opens itself"},
		{"dotnet", "SSL_CERT_FILE", "a callback of the program's own that validates certificates, and a CustomTrustStore"},
		{"php", "PHP_INI_SCAN_DIR", "-n, curl.cainfo and openssl.cafile on its command line, and CURLOPT_CAINFO in the program"},
		{"ruby", "SSL_CERT_FILE", "ca_file and cert_store in the program"},
		{"perl", "SSL_CERT_FILE", "SSL_ca_file in the program"},
		{"cargo", "CARGO_HTTP_CAINFO", "http.cainfo in its configuration"},
		{"openssl", "SSL_CERT_FILE", "-CAfile, -CApath and -no-CAfile"},
	}
}

// trustFix says what a program reads, and what makes it read something else.
func trustFix(program string) string {
	switch program {
	case "aria2c":
		return `aria2c --ca-certificate="$SSL_CERT_FILE" …: it reads no variable about certificates`
	case "mono", "mono-sgen", "mono-boehm":
		return `sh -c 'export XDG_CONFIG_HOME=$(mktemp -d); cert-sync --user "$SSL_CERT_FILE"; exec mono …': Mono trusts its own store alone, which lies there`
	}
	for _, t := range trustings() {
		if strings.HasPrefix(program, t.program) {
			return "let it have " + t.variable + ", which is set already, and leave out what beats it: " + t.beats
		}
	}
	return `let it have SSL_CERT_FILE, which is set already, or give it the file "$SSL_CERT_FILE" by an option of its own`
}
