//go:build linux

package main

import (
	"context"
)

// Real names, in a network where the attacker answers every question about them,
// and where somebody without the right certificate waits behind the answer. What
// surrounds a command must not make it trust that one.

func nameProbes(w *world) []probe {
	rows := nameTable()
	for name, value := range surroundings() {
		rows = append(rows, commandRow{name: "call with " + name, want: "refused", says: "origin_untrusted", args: real(), env: []string{name + "=" + value}})
	}
	for _, setting := range godebug() {
		rows = append(rows, commandRow{name: "GODEBUG " + setting, want: "refused", says: "origin_untrusted", args: real(), env: []string{"GODEBUG=" + setting}})
	}
	if w.names != nil || w.options.list {
		return commandProbes(rows)
	}
	var all []probe
	for _, p := range commandProbes(rows) {
		if w.options.bare {
			continue
		}
		p.do = func(context.Context, *world) (answer, error) { return answer{}, errNoNetwork }
		all = append(all, p)
	}
	return all
}

// real is a call for the real name.
func real(more ...string) []string {
	return append([]string{"call", "--url", "https://api.example.com/", "--bearer", "API_KEY"}, more...)
}

// surroundings are variables that some program or library takes for an order.
func surroundings() map[string]string {
	bad := "$DIR/bad.pem"
	return map[string]string{
		"SSL_CERT_FILE": bad, "SSL_CERT_DIR": "$DIR", "CURL_CA_BUNDLE": bad, "REQUESTS_CA_BUNDLE": bad, "NODE_EXTRA_CA_CERTS": bad, "GIT_SSL_CAINFO": bad,
		"AGENTSECRETS_CALLER_SSL_CERT_FILE": bad, "AGENTSECRETS_CALLER_GODEBUG": "x509usefallbackroots=1",
		"HTTPS_PROXY": "http://$PARENT", "https_proxy": "http://$PARENT", "ALL_PROXY": "http://$PARENT", "HTTP_PROXY": "http://$PARENT",
		"AGENTSECRETS_PORT": "$PORT", "AGENTSECRETS_SERVER_URL": "http://$PARENT", "AGENTSECRETS_TOKEN": "", "AS_AGENT_TOKEN": "",
		"AGENTSECRETS_OUTPUT": "json", "AGENTSECRETS_WORKSPACE": "acme", "AGENTSECRETS_PROJECT": "pay", "AGENTSECRETS_ENV": "development",
		"RES_OPTIONS": "ndots:9 attempts:1", "LOCALDOMAIN": "evil.acme.test", "HOSTALIASES": "$DIR/loot/aliases",
		"DBUS_SESSION_BUS_ADDRESS": "tcp:host=127.0.0.1,port=$PORT", "SSLKEYLOGFILE": "$DIR/loot/keys", "GOTRACEBACK": "crash",
		"TMPDIR": "$DIR/loot", "XDG_CONFIG_HOME": "$DIR/loot", "XDG_RUNTIME_DIR": "$DIR/loot", "GOCOVERDIR": "$DIR/loot", "NO_PROXY": "*",
	}
}

// godebug are settings that weaken or tell.
func godebug() []string {
	return []string{
		"x509usefallbackroots=1", "x509usepolicies=0", "x509negativeserial=1", "x509keypairleaf=0", "x509sha1=1", "netdns=cgo", "netdns=go+2", "http2client=0", "http2debug=2",
		"tlsmaxrsasize=1", "tls10server=1", "tlsrsakex=1", "tls3des=1", "tlsmlkem=0", "httplaxcontentlength=1", "httpmuxgo121=1", "execerrdot=0", "http2xconnect=1",
		"gctrace=1,schedtrace=10,scheddetail=1,http2debug=2",
	}
}

func nameTable() []commandRow {
	person := []string{"--origin-ca", "$DIR/good.pem", "--password-file", "$DIR/pw"}
	right := []string{genuineAddr}
	adopting := []string{"!env", "HTTPS_PROXY=http://$PARENT", "$SELF", "run", "--intercept", "--quiet", "--", "curl", "-s", "--fail-with-body", "-m", "10", "https://api.example.com/", "-H", authField}
	return []commandRow{
		{name: "the person, and the genuine API", want: "sent", may: genuine, args: real(person...), lead: right},
		{name: "the person, and an impostor", want: "refused", says: "origin_untrusted", args: real(person...)},
		{name: "without the password: the genuine API's root", want: "refused", says: "origin_untrusted", args: real("--origin-ca", "$DIR/good.pem"), lead: right},
		{name: "without the password: the impostor's root", want: "refused", says: "origin_untrusted", args: real("--origin-ca", "$DIR/bad.pem")},
		{name: "--resolve", want: "refused", args: real("--resolve", "api.example.com:443:"+impostorAddr, "--origin-ca", "$DIR/bad.pem")},
		{name: "--parent", want: "refused", says: "origin_untrusted", args: real("--parent", "http://$PARENT", "--origin-ca", "$DIR/bad.pem")},
		{name: "--parent env", want: "refused", says: "origin_untrusted", args: real("--parent", "env", "--origin-ca", "$DIR/bad.pem"), env: []string{"HTTPS_PROXY=http://$PARENT"}},
		{name: "--allow-private", want: "refused", says: "private_address", args: real("--allow-private", "--origin-ca", "$DIR/bad.pem"), lead: []string{"127.0.0.1"}},
		{name: "run adopts the attacker's proxy", want: "refused", says: "origin_untrusted", args: adopting},
		{name: "run with the attacker's roots for programs", want: "refused", says: "origin_untrusted",
			args: []string{"!env", "SSL_CERT_FILE=$DIR/bad.pem", "NODE_EXTRA_CA_CERTS=$DIR/bad.pem", "$SELF", "run", "--intercept", "--quiet", "--", "curl", "-s", "--fail-with-body", "-m", "10", "https://api.example.com/", "-H", authField}},
		{name: "DNS: the metadata service", want: "refused", says: "private_address", args: real(person...), lead: []string{metadataAddr}},
		{name: "DNS: this machine", want: "refused", says: "private_address", args: real(person...), lead: []string{"127.0.0.1"}},
		{name: "DNS: first right, then the metadata service", want: "sent", may: genuine, args: real(person...), lead: []string{genuineAddr, metadataAddr}},
		{name: "DNS: first the metadata service, then right", want: "refused", says: "private_address", args: real(person...), lead: []string{metadataAddr, genuineAddr}},
		{name: "DNS: the metadata service, with --allow-private", want: "refused", says: "private_address", args: real(append(person, "--allow-private")...), lead: []string{metadataAddr}},
		{name: "the metadata service by its address", want: "refused", args: []string{"call", "--url", "https://" + metadataAddr + "/", "--bearer", "API_KEY"}},
		{name: "in a run: an impostor", want: "refused", says: "origin_untrusted", inside: true, args: real()},
		{name: "in a run: an impostor, its root in the client's variables", want: "refused", says: "origin_untrusted", inside: true, args: real(), env: []string{"SSL_CERT_FILE=$DIR/bad.pem"}},
		{name: "in a run: DNS leads to the metadata service", want: "refused", says: "private_address", inside: true, args: real(), lead: []string{metadataAddr}},
		{name: "in a run: DNS leads to this machine", want: "refused", says: "private_address", inside: true, args: real(), lead: []string{"127.0.0.1"}},
		{name: "in a run: the genuine API", want: "sent", may: genuine, inside: true, args: real(), lead: right}, // last: the proxy keeps the connection
		{name: "a home of the attacker's own", want: "refused", args: real(), env: []string{"AGENTSECRETS_HOME=$DIR/loot/home"}},
		{name: "another user's HOME", want: "refused", says: "origin_untrusted", args: real(), env: []string{"HOME=$DIR/loot"}},
		{name: "helpers first on PATH", want: "refused", says: "origin_untrusted", args: real(), env: []string{"PATH=$DIR/loot/bin:/usr/bin:/bin", "EDITOR=$DIR/loot/bin/vi", "PAGER=$DIR/loot/bin/vi", "SHELL=$DIR/loot/bin/vi", "DISPLAY="}, prepare: helpers, check: absent("$DIR/loot/helped")},
		{name: "LD_PRELOAD", want: "refused", says: "origin_untrusted", args: real(), env: []string{"LD_PRELOAD=$DIR/loot/p.so"}, prepare: preload, check: notPreloaded},
		{name: "LD_AUDIT and LD_LIBRARY_PATH", want: "refused", says: "origin_untrusted", args: real(), env: []string{"LD_AUDIT=$DIR/loot/p.so", "LD_LIBRARY_PATH=$DIR/loot", "LD_DEBUG=all", "LD_DEBUG_OUTPUT=$DIR/loot/ld"}, prepare: preload, check: notPreloaded},
		{name: "HOSTALIASES", want: "refused", says: "origin_untrusted", args: real(), env: []string{"HOSTALIASES=$DIR/loot/aliases"}, prepare: aliases},
		{name: "SSLKEYLOGFILE, where a value goes", want: "sent", may: genuine, args: real(person...), lead: right, env: []string{"SSLKEYLOGFILE=$DIR/loot/keylog"}, check: absent("$DIR/loot/keylog")},
		{name: "GODEBUG http2debug, where a value goes", want: "sent", may: genuine, args: real(person...), lead: right, env: []string{"GODEBUG=http2debug=2"}},
		{name: "TMPDIR that all can read, where a value goes", want: "sent", may: genuine, args: real(person...), lead: right, env: []string{"TMPDIR=$DIR/loot"}},
		{name: "a variable of the attacker's under the secret's name", want: "sent", may: genuine, args: real(person...), lead: right, env: []string{"API_KEY=https://evil.acme.test/"}},
	}
}
