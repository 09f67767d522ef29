package main

import (
	"cmp"
	"strings"

	"github.com/agentsecrets/agentsecrets/audit"
)

// What is said of a client that does not work through the proxy: what it means,
// and what would change it, as far as that is known of its program.

func nothingAsked(e audit.Event) string {
	return "nothing: " + cmp.Or(e.Client, "a client") + " sent no request to " + e.TargetURL
}

// meaning is what a finding says, "" for any other event.
func meaning(e audit.Event) string {
	switch e.Reason {
	case reasonDistrusts:
		return "It does not trust the AgentSecrets CA, and so does not use the proxy for this host: it has certificates of its own, or lost the variables that name ours"
	case reasonPins:
		return "It takes our certificates for other hosts: for this one it knows the certificate or the CA that has to come (a pin), or a library in it brings certificates of its own"
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
	}
	return nil
}

// trusting is where the clients of a program look for certificates.
type trusting struct{ program, variable, beats string }

// trustings are known programs, by how their names begin, the longer first.
func trustings() []trusting {
	return []trusting{
		{"curl", "CURL_CA_BUNDLE", "--cacert, --capath and what ~/.curlrc says"},
		{"git", "GIT_SSL_CAINFO", "an environment that something in between cleared"},
		{"python", "SSL_CERT_FILE and REQUESTS_CA_BUNDLE", "verify=, cafile= and a context of the program's own; ssl.create_default_context() reads them"},
		{"pip", "PIP_CERT", "--cert"},
		{"aws", "AWS_CA_BUNDLE", "--ca-bundle, and ca_bundle in ~/.aws/config"},
		{"node", "NODE_EXTRA_CA_CERTS", "a ca: option in the program; it is read once, when node starts"},
		{"npm", "NPM_CONFIG_CAFILE", "--cafile"},
		{"bun", "NODE_EXTRA_CA_CERTS", "a ca: option in the program"},
		{"deno", "DENO_CERT", "--cert"},
		{"ruby", "SSL_CERT_FILE", "ca_file and cert_store in the program"},
		{"perl", "SSL_CERT_FILE", "SSL_ca_file in the program"},
		{"cargo", "CARGO_HTTP_CAINFO", "http.cainfo in its configuration"},
		{"openssl", "SSL_CERT_FILE", "-CAfile, -CApath and -no-CAfile"},
	}
}

// trustFix says what a program reads, and what makes it read something else.
func trustFix(program string) string {
	switch {
	case program == "wget" || program == "aria2c":
		return program + ` --ca-certificate="$SSL_CERT_FILE" …: it reads no variable about certificates`
	case strings.HasPrefix(program, "java"):
		return "let Java take the trust store of -Djavax.net.ssl.trustStore; agentsecrets ca bundle writes our certificate for keytool -importcert"
	case strings.HasPrefix(program, "php"):
		return `php -d curl.cainfo="$SSL_CERT_FILE" -d openssl.cafile="$SSL_CERT_FILE" …`
	}
	for _, t := range trustings() {
		if strings.HasPrefix(program, t.program) {
			return "let it have " + t.variable + ", which is set already: these win over it: " + t.beats
		}
	}
	return `let it have SSL_CERT_FILE, which is set already, or give it the file "$SSL_CERT_FILE" by an option of its own`
}
