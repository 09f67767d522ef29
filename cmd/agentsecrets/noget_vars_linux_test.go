package main

import (
	"crypto/tls"
	"crypto/x509"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// worst is every variable that any package of the program reads, Go's own among
// them, with the worst that one could be set to; "ROOTS" stands for the attacker's
// root certificate, "OUT" for a directory where files are looked for, "PROXY" for
// the attacker's proxy. A variable that is read and not here fails the test.
func worst() map[string]string {
	return map[string]string{
		// Which roots verify an origin.
		"SSL_CERT_FILE": "ROOTS", "SSL_CERT_DIR": "OTHER", "CURL_CA_BUNDLE": "ROOTS", "REQUESTS_CA_BUNDLE": "ROOTS", "NODE_EXTRA_CA_CERTS": "ROOTS",
		"GIT_SSL_CAINFO": "ROOTS", "AWS_CA_BUNDLE": "ROOTS", "PIP_CERT": "ROOTS", "CARGO_HTTP_CAINFO": "ROOTS", "DENO_CERT": "ROOTS",
		"AGENTSECRETS_CA": "ROOTS",

		// Where it is dialled.
		"HTTPS_PROXY": "PROXY", "https_proxy": "PROXY", "HTTP_PROXY": "PROXY", "http_proxy": "PROXY", "ALL_PROXY": "PROXY", "all_proxy": "PROXY",
		"NO_PROXY": "none.test", "no_proxy": "none.test", "REQUEST_METHOD": "GET",
		"RES_OPTIONS": "use-vc ndots:15", "LOCALDOMAIN": "evil.example", "HOSTALIASES": "OUT/aliases", "ASR_CONFIG": "OUT/asr",

		// What Go's runtime and libraries print, weaken or write.
		"MCPGODEBUG": "hintomitempty=1,nowrapinvalidparams=1,nomethodnotfoundcodeinerror=1,blockingcancelnotify=1", "JSONSCHEMAGODEBUG": "typeschemasnull=1", "CODEX_HOME": "OUT",
		"GODEBUG":     "http2debug=2,netdns=go+2,x509usefallbackroots=1,x509sha1=1,tlsrsakex=1,tls10server=1,execerrdot=0,httplaxcontentlength=1,http2client=0",
		"GOTRACEBACK": "crash", "GOGC": "1", "GOMAXPROCS": "1", "GOMEMLIMIT": "1B", "GOROOT": "OUT", "GORACE": "log_path=OUT/race", "GOCOVERDIR": "OUT",
		"GOFIPS140": "off", "DEBUG_HTTP2_GOROUTINES": "1", "FSNOTIFY_DEBUG": "1", "GOPROTODEBUG": "all", "GOLANG_PROTOBUF_REGISTRATION_CONFLICT": "ignore",
		"SSLKEYLOGFILE": "OUT/keys", "BASH_COMP_DEBUG_FILE": "OUT/completion", "AGENTSECRETS_ACTIVE_HELP": "1", "COBRA_ACTIVE_HELP": "1",
		"AGENTSECRETS_COMPLETION_DESCRIPTIONS": "1",

		// Whose state, files and programs are used.
		"HOME": "OTHER", "home": "OTHER", "USER": "root", "PWD": "OTHER", "TMPDIR": "OUT", "PATH": "HELPERS", "JAVA_HOME": "OTHER", "SUDO_UID": "0", "SYSTEMROOT": "OTHER",
		"XDG_CACHE_HOME": "OTHER", "XDG_CONFIG_HOME": "OTHER", "XDG_DATA_HOME": "OTHER", "XDG_STATE_HOME": "OTHER", "XDG_RUNTIME_DIR": "OTHER",
		"AppData": "OTHER", "LocalAppData": "OTHER", "ZONEINFO": "OTHER", "TZ": "../../etc/passwd", "PSModulePath": "OTHER",
		"DBUS_SESSION_BUS_ADDRESS": "unixexec:path=HELPERS/sh", "DBUS_SYSTEM_BUS_ADDRESS": "unixexec:path=HELPERS/sh", "DISPLAY": ":99",

		// How text is shown.
		"TERM": "../../OUT", "TERMINFO": "OTHER", "TERMINFO_DIRS": "OTHER", "TERM_PROGRAM": "x", "TERM_PROGRAM_VERSION": "x", "COLORTERM": "truecolor", "FORCE_COLOR": "1",
		"LANG": "C", "LC_ALL": "C", "LC_CTYPE": "C", "RUNEWIDTH_EASTASIAN": "1",

		// What the dynamic linker would load.
		"LD_PRELOAD": "LIBRARY", "LD_AUDIT": "LIBRARY", "LD_LIBRARY_PATH": "OUT", "LD_DEBUG_OUTPUT": "OUT/linked", "LD_DEBUG": "files",

		// Ours.
		"AGENTSECRETS_HOME": "OTHER", "AGENTSECRETS_PORT": "1", "AGENTSECRETS_OUTPUT": "json", "AGENTSECRETS_WORKSPACE": "other", "AGENTSECRETS_PROJECT": "other",
		"AGENTSECRETS_ENV": "production", "AGENTSECRETS_CALLER_GODEBUG": "http2debug=2", "AGENTSECRETS_CALLER_GOTRACEBACK": "crash",
		"AGENTSECRETS_CALLER_MCPGODEBUG": "rubbish",
		"AGENTSECRETS_SERVER_URL":        "https://evil.example", "AGENTSECRETS_TOKEN": "", "AS_AGENT_TOKEN": "", // with a text that is no token there is no value to get
	}
}

// passedOn are the functions that read what somebody else names, with the variables
// that they come to read here.
func passedOn() map[string][]string {
	return map[string][]string{
		"?Getenv": nil, "?LookupEnv": nil, // the functions themselves
		"?UserHomeDir":         {"HOME", "home"},
		"?clientRoots":         {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "AWS_CA_BUNDLE", "PIP_CERT", "CARGO_HTTP_CAINFO", "DENO_CERT"},
		"?settle":              {"AGENTSECRETS_OUTPUT", "AGENTSECRETS_WORKSPACE", "AGENTSECRETS_PROJECT", "AGENTSECRETS_ENV"},
		"?leftProxies":         {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"},
		"?unsets":              {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE"},
		"?environment":         {"HOME", "PATH", "TMPDIR", "LANG", "JAVA_HOME"},
		"?getEnvAny":           {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"},
		"?getEnvConfig":        {"AGENTSECRETS_COMPLETION_DESCRIPTIONS"},
		"?GetActiveHelpConfig": {"AGENTSECRETS_ACTIVE_HELP"},
	}
}

func TestEveryVariableIsTried(t *testing.T) {
	tried, passed := worst(), passedOn()
	read := variablesRead(t)
	if len(read) < 50 {
		t.Fatalf("only %d variables are read: %q", len(read), slices.Sorted(maps.Keys(read)))
	}
	for name, by := range read {
		_, known := tried[name]
		if _, is := passed[name]; !known && !is {
			t.Errorf("%s is read by %q: worst says nothing of it", name, by)
		}
	}
	for name, list := range passed {
		if read[name] == nil {
			t.Errorf("nothing reads %s any more", name)
		}
		for _, v := range list {
			if tried[v] == "" {
				t.Errorf("%s reads %s: worst says nothing of it", name, v)
			}
		}
	}
}

// helpers makes a directory with a program for each that somebody might start, which
// writes down all that it is given.
func (w *attack) helpers(t *testing.T) {
	t.Helper()
	told := filepath.Join(w.path("out"), "told")
	if err := os.Mkdir(w.path("helpers"), 0o700); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\n{ echo \"$0 $*\"; /usr/bin/env; } >>%s\nexit 1\n", told)
	for _, name := range []string{
		"agentsecrets", "age", "bash", "certutil", "curl", "dbus-daemon", "dbus-launch", "env", "getent", "git", "gnome-keyring-daemon", "id", "java", "keyctl", "keytool",
		"openssl", "ps", "python3", "security", "secret-tool", "sh", "stty", "sudo", "systemd-ask-password", "tput", "trust", "update-ca-certificates", "update-ca-trust", "xdg-open",
	} {
		writeFile(t, filepath.Join(w.path("helpers"), name), script)
		if err := os.Chmod(filepath.Join(w.path("helpers"), name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// set fills in what stands for something of w in a hostile value.
func (w *attack) set(name, value string) string {
	return name + "=" + strings.NewReplacer("ROOTS", w.path("attacker.pem"), "OUT", w.path("out"), "PROXY", w.parent,
		"HELPERS", w.path("helpers"), "OTHER", w.path("other"), "LIBRARY", "libc.so.6").Replace(value)
}

// untrusted is how a request ends that comes to the attacker without more.
var untrusted = try{code: 1, says: "origin_untrusted: the origin's certificate was not accepted: unknown authority", hint: "agentsecrets workspace allowlist add WANTED --ca FILE"}

// otherEnd is how the tries end whose variable changes more than nothing: outside a
// run, then inside one.
func otherEnd(name string) (outside, inside try) {
	outside, inside = untrusted, untrusted
	stays := try{code: 3, says: "inside a run its project and environment stay"}
	switch name {
	case "AGENTSECRETS_HOME": // another's, where nothing is known of this project
		outside = try{code: 1, says: "project pay is not known on this machine", hint: "agentsecrets init"}
	case "AGENTSECRETS_WORKSPACE":
		outside, inside = try{code: 1, says: "there is no workspace \"other\""}, stays
	case "AGENTSECRETS_PROJECT":
		outside, inside = try{code: 1, says: "there is no project \"other\""}, stays
	case "AGENTSECRETS_ENV":
		outside, inside = try{code: 4, says: "secret '" + wantedName + "' not found"}, stays
	case "AGENTSECRETS_OUTPUT":
		outside = try{code: 1, says: `"error":"origin_untrusted`}
		inside = outside
	case "HTTPS_PROXY": // leads the call around its run: there is no value on that way
		inside = try{code: 5, says: "the run's proxy cannot be reached"}
	case "AGENTSECRETS_CA":
		inside = try{code: 5, says: "the run's proxy cannot be reached"}
	}
	return outside, inside
}

// alone are the variables that are tried one by one: they say whose roots count, what
// is dialled, or whose state it is. The others are tried together.
func alone(name string) bool {
	return strings.HasPrefix(name, "AGENTSECRETS_") || strings.HasPrefix(strings.ToLower(name), "http") || strings.HasPrefix(name, "GO") ||
		slices.Contains(slices.Concat(passedOn()["?clientRoots"], []string{"SSL_CERT_DIR", "HOME", "PATH", "TMPDIR", "DBUS_SESSION_BUS_ADDRESS", "LD_PRELOAD"}), name)
}

// testVariables tries each: on a call, on a run around a call, and on a call in a run.
func testVariables(t *testing.T, w *attack) {
	pem, err := os.ReadFile(w.path("attacker.pem"))
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, w.path("other")+"/roots.pem", string(pem)) // Go reads every file of SSL_CERT_DIR
	var others []string
	for name, value := range worst() {
		if alone(name) {
			t.Run(name, func(t *testing.T) {
				outside, inside := otherEnd(name)
				w.tryVariables(t, []string{w.set(name, value)}, outside, inside)
			})
		} else {
			others = append(others, w.set(name, value))
		}
	}
	w.tryVariables(t, others, untrusted, untrusted)
	left, err := filepath.Glob(w.path("out") + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range left { // those of env, which has a linker; helpers write to told
		if !strings.HasPrefix(filepath.Base(file), "linked.") {
			t.Errorf("%s was written", file)
		}
	}
}

func (w *attack) tryVariables(t *testing.T, variables []string, outside, inside try) {
	t.Helper()
	outside.variables, outside.args = variables, w.call(wantedHost, "--parent", "env")
	w.fails(t, outside)

	around := outside
	around.inside, around.args = true, w.call(wantedHost)
	switch name, _, _ := strings.Cut(variables[0], "="); name {
	case "AGENTSECRETS_HOME", "AGENTSECRETS_WORKSPACE", "AGENTSECRETS_PROJECT":
		around.code = exitOurs
	}
	w.fails(t, around)

	inside.args = slices.Concat([]string{"run", "--quiet", "--intercept", "--", "/usr/bin/env"}, variables, []string{w.exe}, w.call(wantedHost))
	w.fails(t, inside)
}

// testPrinting sets all that could have us print or write what we carry, and
// sends the value to where it may go.
func testPrinting(t *testing.T, w *attack) {
	var all []string
	for name, value := range worst() {
		if strings.HasPrefix(name, "GO") && name != "GOMEMLIMIT" || !alone(name) && strings.ToLower(name) != "no_proxy" {
			all = append(all, w.set(name, value))
		}
	}
	flags := []string{"--origin-ca", w.path("attacker.pem"), "--resolve", w.pin(testHost), "--log-level", "debug"}
	for _, args := range [][]string{
		w.call(testHost, flags...),
		slices.Concat([]string{"run", "--intercept"}, flags, []string{"--", w.exe}, w.call(testHost)),
	} {
		out, err := w.command(all, w.exe, args...).CombinedOutput()
		if err != nil || !strings.Contains(w.taken(), wantedValue) {
			t.Errorf("%q: the value does not arrive: %v\n%s", args, err, out)
		}
		w.clean(t, strings.Join(args, " "), out, false)
	}
	if left, err := filepath.Glob(w.path("out") + "/*"); err != nil || len(left) > 0 {
		t.Errorf("it wrote %q, %v", left, err)
	}
}

// testPreloading: the program has no dynamic linker that could be told to load more.
func testPreloading(t *testing.T, w *attack) {
	f, err := elf.Open(w.exe)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has a segment %v", p.Type)
		}
	}
	variables := []string{w.set("LD_DEBUG", "files"), w.set("LD_DEBUG_OUTPUT", "OUT/linked"), w.set("LD_PRELOAD", "LIBRARY")}
	linked := func() []string {
		files, err := filepath.Glob(w.path("out") + "/linked.*")
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	_ = w.command(variables, w.exe, w.call(wantedHost, "--parent", "env")...).Run()
	if got := linked(); len(got) > 0 {
		t.Errorf("a dynamic linker ran for us: %q", got)
	}
	if err := w.command(variables, "/usr/bin/env", "true").Run(); err != nil || len(linked()) == 0 {
		t.Errorf("and none runs for others: %v", err)
	}
}

// testClientRoots: variables that name roots for programs verify what
// has no value in it, and that alone, on one connection too.
func testClientRoots(t *testing.T, w *attack) {
	for _, name := range passedOn()["?clientRoots"] {
		variable := w.set(name, "ROOTS")
		two := "curl -s " + w.url(wantedHost) + " " + w.url(wantedHost) + " && curl -s " + w.url(wantedHost) + " " + w.url(wantedHost) + " -H 'X-Key: AS_SECRET_" + wantedName + "'"
		w.fails(t, try{
			variables: []string{variable}, args: []string{"run", "--quiet", "--intercept", "--", "sh", "-c", two},
			says: `"error":"origin_untrusted"`, arrives: true,
		})
	}
}

// testDaemon starts the proxy with all of them at once.
func testDaemon(t *testing.T, w *attack) {
	var all []string
	for name, value := range worst() {
		if !strings.HasPrefix(name, "AGENTSECRETS_") && !slices.Contains([]string{"NO_PROXY", "no_proxy", "GOMEMLIMIT"}, name) {
			all = append(all, w.set(name, value))
		}
	}
	start := w.command(all, w.exe, "proxy", "start", "--port", "0", "--parent", "env")
	if out, err := start.CombinedOutput(); err != nil {
		t.Fatalf("proxy start: %v\n%s", err, out)
	}
	defer func() { _ = w.command(nil, w.exe, "proxy", "stop", "--drain", "0s").Run() }()
	printed := w.throughDaemon(t)
	if !strings.Contains(printed, `"error":"origin_untrusted"`) {
		t.Errorf("through the daemon: %s", printed)
	}
	w.clean(t, "the daemon", []byte(printed), false)
	log, err := filepath.Glob(w.path("home") + "/*.log")
	if err != nil || len(log) == 0 {
		t.Fatalf("no log of the daemon: %v", err)
	}
	if left, err := filepath.Glob(w.path("out") + "/*"); err != nil || len(left) > 0 {
		t.Errorf("it wrote %q, %v", left, err)
	}
}

// throughDaemon makes a request as a program in a shell that proxy env set up.
func (w *attack) throughDaemon(t *testing.T) string {
	t.Helper()
	out, err := w.command(nil, w.exe, "proxy", "env", "--output", "json").Output()
	if err != nil {
		t.Fatalf("proxy env: %v", err)
	}
	var shell struct{ Set map[string]string }
	if err := json.Unmarshal(out, &shell); err != nil {
		t.Fatal(err)
	}
	proxy, err := url.Parse(shell.Set["HTTPS_PROXY"])
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(shell.Set["AGENTSECRETS_CA"])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}}}
	req, err := http.NewRequest(http.MethodGet, w.url(wantedHost), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer AS_SECRET_"+wantedName)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Status + " " + string(body)
}
