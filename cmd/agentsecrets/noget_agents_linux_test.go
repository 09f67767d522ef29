package main

import (
	"slices"
	"testing"
)

// tryAgents: an agent may do nothing that programs may not without it, whatever its
// policy says, and a program inside a run makes none.
func tryAgents(t *testing.T, w *attack) {
	changes := [][]string{
		{"agent", "register", "other", "--label", "x", "--expires", "1d", "--env", "staging", "--save-token"},
		{"agent", "token", "issue", "bot", "--label", "x", "--expires", "1d", "--env", "staging", "--save-token"},
		{"agent", "policy", "set", "bot", "--allow", "*", "--deny", "", "--host", w.host(foreignHost), "--method", "GET", "--rate", "none"},
		{"agent", "token", "revoke", "--agent", "bot", "--all", "--confirm"},
		{"agent", "delete", "bot", "--confirm"},
	}
	w.mustDo(t, "", "agent", "register", "bot", "--save-token")
	for _, args := range changes {
		w.fails(t, try{args: args, inside: true, code: exitDenied, says: changingAgents + " is refused inside a run"})
	}
	w.mustDo(t, "", changes[2]...)
	for _, token := range []string{"BOT_TOKEN", "ast_wrong"} {
		says, hint := "domain_not_in_allowlist", "agentsecrets workspace allowlist add "+w.host(foreignHost)
		if token == "ast_wrong" {
			says, hint = "agent_token_invalid", ""
		}
		w.fails(t, try{args: w.call(foreignHost, "--parent", "env", "--token", token), code: exitDenied, says: says, hint: hint})
		for _, command := range []string{"run", "env"} {
			args := []string{command, "--token", token, "--quiet"}
			w.fails(t, try{args: append(slices.Clone(args), "--", "env"), code: exitOurs, says: "agent"})
			program := slices.Concat(args, []string{"--intercept", "--parent", "env", "--", w.exe}, w.call(foreignHost))
			at := try{args: program, code: exitDenied, says: says}
			if token == "ast_wrong" {
				at.code = exitOurs
			}
			w.fails(t, at)
		}
	}
	w.fails(t, try{args: []string{"proxy", "env", "--token", "ast_wrong"}, code: exitUnreachable, says: "the proxy is not running"})
	w.mustDo(t, "", changes[3]...)
	w.mustDo(t, "", changes[4]...)
}
