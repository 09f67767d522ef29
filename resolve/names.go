package resolve

import (
	"cmp"
	"fmt"
	"strings"
)

// maxName is the longest name. Names are those of environment variables, so this is no limit to anybody.
const maxName = 128

// A name is reserved when setting a variable of that name would do more to a child process than hand it a secret.
const (
	loadsCode = "programs take code, or settings that lead to code, from a variable of that name"
	routes    = "a run sets a variable of that name itself, to lead requests through the proxy"
	system    = "shells and systems give a variable of that name another meaning"
	ours      = "names that begin so are kept for agentsecrets itself"
)

type reservation struct {
	why   string
	names string // separated by spaces; a * stands for anything, at one end
}

// reservations leave alone what only carries a credential in the tool it belongs to (NPM_TOKEN, AWS_SECRET_ACCESS_KEY).
func reservations() []reservation {
	return []reservation{
		{ours, "AGENTSECRETS* AS_*"},
		{system, "PATH HOME SHELL IFS ENV CDPATH PWD OLDPWD USER LOGNAME TERM TERMINFO LANG LANGUAGE LC_* TZ TZDIR " +
			"TMPDIR TMP TEMP HOSTALIASES LOCALDOMAIN RES_OPTIONS DISPLAY WAYLAND_DISPLAY XAUTHORITY XDG_* DBUS_* " +
			"SSH_AUTH_SOCK COMSPEC PATHEXT SYSTEMROOT SYSTEMDRIVE WINDIR USERPROFILE APPDATA LOCALAPPDATA HOMEDRIVE HOMEPATH"},
		{loadsCode, "LD_* DYLD_* GLIBC_TUNABLES GCONV_PATH LOCPATH NLSPATH MALLOC_* " +
			"BASH_* BASHOPTS SHELLOPTS PROMPT_COMMAND PS1 PS2 PS4 ZDOTDIR FPATH GLOBIGNORE INPUTRC " +
			"NODE_OPTIONS NODE_PATH NODE_REPL_EXTERNAL_MODULE ELECTRON_RUN_AS_NODE NPM_CONFIG_* PYTHON* " +
			"RUBYOPT RUBYLIB PERL5LIB PERL5OPT PERL5DB PERLLIB PHPRC PHP_INI_SCAN_DIR LUA_PATH LUA_CPATH LUA_INIT " +
			"JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS JAVA_OPTS JAVA_HOME CLASSPATH MAVEN_OPTS MAVEN_ARGS GRADLE_OPTS " +
			"DOTNET_STARTUP_HOOKS DOTNET_ADDITIONAL_DEPS CORECLR_* COMPLUS_* GODEBUG GOFLAGS GOTRACEBACK " +
			"RUSTFLAGS RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER ERL_FLAGS ERL_AFLAGS ERL_ZFLAGS ERL_LIBS " +
			"R_PROFILE R_ENVIRON JULIA_LOAD_PATH OPENSSL_* KRB5_CONFIG " +
			"EDITOR VISUAL PAGER MANPAGER BROWSER LESSOPEN LESSCLOSE VIMINIT EXINIT SSH_ASKPASS SUDO_ASKPASS " +
			"GIT_SSH GIT_SSH_* GIT_CONFIG* GIT_EXEC_PATH GIT_TEMPLATE_DIR GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY " +
			"GIT_ALTERNATE_* GIT_ASKPASS GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_PAGER GIT_EXTERNAL_DIFF GIT_PROXY_* GIT_SSL_* GIT_TRACE* " +
			"GIT_CURL_* GIT_HTTP_* GIT_ALLOW_PROTOCOL GIT_ATTR_*"},
		{routes, "*_PROXY PERL_LWP_* MOJO_* GLOBAL_AGENT_* WGETRC CURL_HOME SSLKEYLOGFILE SSL_CERT_* *_SSL_CERT_FILE " +
			"*_CA_BUNDLE *_CA_CERTS *_CA_CERT *_CA_CERTIFICATE *_CAINFO *_CAFILE NODE_EXTRA_CA_CERTS " +
			"NODE_TLS_REJECT_UNAUTHORIZED PIP_CERT PIP_PROXY DENO_CERT HEX_CACERTS_PATH YARN_HTTPS_CA_FILE_PATH " +
			"CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE GRPC_DEFAULT_SSL_ROOTS_FILE_PATH GRPC_PROXY_EXP"},
	}
}

// NameError says why a name cannot be that of a secret.
type NameError struct {
	Name   string
	Reason string
	try    string
}

func (e *NameError) Error() string {
	return fmt.Sprintf("%s cannot be the name of a secret: %s", shown(e.Name), e.Reason)
}

// Hint is the command with a name that would do.
func (e *NameError) Hint() string { return "agentsecrets secrets set " + e.try }

// hidden tells texts that may well be a value, typed or pasted where a name belongs.
func hidden(name string) bool { return len(name) > 24 && fault(name) != "" }

func shown(name string) string {
	if hidden(name) {
		return fmt.Sprintf("a text of %d bytes (not shown: it may be a value)", len(name))
	}
	return fmt.Sprintf("%q", name)
}

// ValidName returns a *NameError for a name that no secret can have: one that no placeholder could hold, or one that
// is reserved.
func ValidName(name string) error {
	if err := wellFormed(name); err != nil {
		return err
	}
	if why := reserved(name); why != "" {
		return &NameError{Name: name, Reason: why, try: proposal(name)}
	}
	return nil
}

// wellFormed holds names to the grammar of placeholders: [A-Z][A-Z0-9_]{0,127}.
func wellFormed(name string) error {
	if reason := fault(name); reason != "" {
		return &NameError{Name: name, Reason: reason, try: proposal(name)}
	}
	return nil
}

func fault(name string) string {
	switch {
	case name == "":
		return "it is empty"
	case len(name) > maxName:
		return fmt.Sprintf("it has more than %d characters", maxName)
	case name[0] < 'A' || name[0] > 'Z':
		return "it must begin with a letter A to Z"
	case strings.ContainsFunc(name, foreign):
		return "it may hold only A to Z, 0 to 9 and _"
	}
	return ""
}

func foreign(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
}

func reserved(name string) (why string) {
	for _, r := range reservations() {
		for pattern := range strings.FieldsSeq(r.names) {
			if matches(pattern, name) {
				return r.why
			}
		}
	}
	return ""
}

func matches(pattern, name string) bool {
	switch {
	case strings.HasPrefix(pattern, "*"):
		return strings.HasSuffix(name, pattern[1:])
	case strings.HasSuffix(pattern, "*"):
		return strings.HasPrefix(name, pattern[:len(pattern)-1])
	}
	return name == pattern
}

// Spelling is a name near to name that ValidName accepts: in upper case, with _ for what a name may not hold. It is ""
// where there is none. It spells out what name holds.
func Spelling(name string) string {
	words := strings.FieldsFunc(strings.ToUpper(name), func(r rune) bool { return r == '_' || foreign(r) })
	try := strings.TrimPrefix(strings.Join(words, "_"), "AS_SECRET_") // a placeholder, given for the name
	if try == "" || len(try) > maxName/2 {
		return ""
	}
	if try[0] < 'A' || try[0] > 'Z' {
		try = "KEY_" + try
	}
	if reserved(try) != "" {
		try = "APP_" + try
	}
	if reserved(try) != "" { // for its end
		try += "_SECRET"
	}
	return try
}

// proposal is a Spelling, or an example where that would show what name holds.
func proposal(name string) string {
	const example = "STRIPE_KEY"
	if hidden(name) {
		return example
	}
	return cmp.Or(Spelling(name), example)
}
