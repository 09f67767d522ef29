package main

import (
	"fmt"
	"slices"
	"testing"
)

// tryTools: what the command call does not do, its tool does not either.
func tryTools(t *testing.T, w *attack) {
	inside := try{inside: true, code: exitDenied, says: "inside a run --origin-ca, --resolve, --parent, --allow-private"}
	need := try{code: exitDenied, says: "--resolve for " + wantedHost + " needs the password of workspace acme", hint: "agentsecrets mcp serve … --password-file F"}
	wrong := try{code: exitDenied, says: "that is not the password of workspace acme"}
	roots, pin := []string{"--origin-ca", w.path("attacker.pem")}, []string{"--resolve", w.pin(wantedHost)}
	for _, c := range []struct {
		flags   []string
		outside try
	}{
		{slices.Concat(roots, pin), need},
		{slices.Concat(roots, pin, []string{"--password-file", w.path("wrong")}), wrong},
		{slices.Concat(roots, []string{"--parent", "env"}), w.tool(wantedHost, "origin_untrusted")},
		{[]string{"--allow-private", "--parent", w.parent}, w.tool("127.0.0.1", "private_address")},
		{[]string{"--egress", "inspect", "--parent", "env"}, w.tool(wantedHost, "origin_untrusted")},
		{[]string{"--parent", "env", "--tunnel", w.host(wantedHost)}, w.tool(wantedHost, "tunnelled_host")},
		{[]string{"--parent", "env", "--log-level", "debug"}, w.tool(foreignHost, "domain_not_in_allowlist")},
	} {
		args := append([]string{"mcp", "serve"}, c.flags...)
		in := inside
		in.args = args
		if c.outside.name != "" {
			args = append([]string{w.exe}, args...)
		}
		c.outside.args = append(c.outside.args, args...)
		w.fails(t, c.outside)
		w.fails(t, in)
	}
	// In a run without flags: by its proxy, by its rules.
	for host, says := range map[string]string{foreignHost: "domain_not_in_allowlist", wantedHost: "origin_untrusted"} {
		at := w.tool(host, says)
		at.args = slices.Concat([]string{"run", "--quiet", "--intercept", "--parent", "env", "--", at.name}, at.args, []string{w.exe, "mcp", "serve"})
		at.name = ""
		w.fails(t, at)
	}
}

// tool is a try in which a program starts the server that stands behind its args, has
// the tool call send the value to a host, and prints the answer.
func (w *attack) tool(host, says string) try {
	message := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}
{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"call","arguments":{"url":%q,"bearer":%q}}}
`, w.url(host), wantedName)
	const script = `: >"$0"; message=$1; shift
{ printf %s "$message"; timeout 30 sh -c 'until grep -q isError "$0"; do sleep .05; done' "$0"; } | "$@" >"$0"
cat "$0"; rm "$0"`
	return try{name: "sh", args: []string{"-c", script, w.path("out") + "/answer", message}, says: says}
}
