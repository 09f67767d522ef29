package env

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/placeholder"
)

// keptVars are what a program has of a cleared environment: who and where it is, how
// it speaks, and which state of ours counts. None of them holds a credential. Names
// that end in * are beginnings.
func keptVars() []string {
	kept := []string{
		"PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "TERM", "COLORTERM", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "XDG_*",
		"AGENTSECRETS_HOME", "AGENTSECRETS_WORKSPACE", "AGENTSECRETS_PROJECT", "AGENTSECRETS_ENV", "AGENTSECRETS_OUTPUT", "AGENTSECRETS_PORT",
	}
	if runtime.GOOS == "windows" {
		kept = append(kept, "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERNAME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH",
			"APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES", "PROGRAMFILES(X86)", "COMMONPROGRAMFILES")
	}
	return kept
}

// CheckPass says what is wrong with a name of a variable to pass, or a beginning of
// names that ends in *.
func CheckPass(name string) error {
	begins, _ := strings.CutSuffix(name, "*")
	switch {
	case begins == "" || strings.ContainsAny(begins, "*=\x00"):
		return fmt.Errorf("%q is no name of a variable, nor the beginning of some with * behind it", name)
	case ownCredential(name):
		return fmt.Errorf("%s holds a credential of ours, which no program is given", name)
	}
	return nil
}

// ownCredential reports whether a variable holds a token of an agent: one of the user,
// not of the program.
func ownCredential(name string) bool {
	name = strings.ToUpper(name)
	return name == "AGENTSECRETS_TOKEN" || name == "AS_AGENT_TOKEN"
}

// Clear is what is left of environ, and of what pass names; missing is what it names in
// vain. Inside a run what the run has set stays, or it would be left.
func Clear(environ, pass []string, inRun bool) (left, missing []string) {
	v := parse(environ, runtime.GOOS == "windows")
	names := append(keptVars(), pass...)
	if inRun {
		names = append(append(names, SetVars()...), "GIT_CONFIG_*", javaLast)
	}
	for _, p := range pass {
		if !slices.ContainsFunc(v.order, func(name string) bool { return v.fits(name, p) }) {
			missing = append(missing, p)
		}
	}
	v.drop(func(name string) bool {
		held := inRun && v.get(name) == placeholder.For(name)
		kept := held || slices.ContainsFunc(names, func(pattern string) bool { return v.fits(name, pattern) })
		return !kept || ownCredential(name)
	})
	if runtime.GOOS != "windows" {
		v.odd = nil
	}
	return v.environ(), missing
}

// fits reports whether pattern is name, or with * behind it a beginning of it.
func (v *variables) fits(name, pattern string) bool {
	begins, some := strings.CutSuffix(pattern, "*")
	return v.key(name) == v.key(pattern) || some && strings.HasPrefix(v.key(name), v.key(begins))
}
