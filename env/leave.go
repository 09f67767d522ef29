package env

import (
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// loopback is what goes past the proxy.
const loopback = "localhost,127.0.0.1,::1"

// SetVars names the variables that Vars sets in an environment without any of
// them, the placeholders aside.
func SetVars() []string {
	names := append(proxyVars(), "NO_PROXY", "no_proxy", "NODE_OPTIONS", "PYTHONPATH", "AGENTSECRETS_CA", phpScan, "WGETRC", javaOptions, chromiumFlags)
	names = append(append(names, onVars()...), extraVars()...)
	for _, v := range rootVars() {
		names = append(names, v.name)
	}
	names = append(names, "GIT_CONFIG_COUNT")
	for i := range 2 {
		names = append(names, gitKey(i), gitValue(i))
	}
	slices.Sort(names)
	return names
}

// ReadVars names the variables by which Vars makes its files: where they hold the same,
// the files do.
func ReadVars() []string { return append(append(SetVars(), javaLater()...), "HOME") }

// Without is environ less what Vars set in it, with a Dir that is dir or below
// it. What Vars replaced is lost.
func Without(environ []string, dir string) []string {
	v := parse(environ, runtime.GOOS == "windows")
	led := slices.ContainsFunc(proxyVars(), func(name string) bool { return isProxyURL(v.get(name)) })
	set := SetVars()
	v.leavePython(dir)
	v.leavePHP(dir)
	v.drop(func(name string) bool {
		if !slices.ContainsFunc(set, func(s string) bool { return v.key(s) == v.key(name) }) {
			return false
		}
		value := v.get(name)
		constant := slices.Contains(onVars(), name) && value == "1" || strings.EqualFold(name, "NO_PROXY") && value == loopback
		return isProxyURL(value) && !isGit(name) || strings.HasPrefix(value, dir+string(filepath.Separator)) || led && constant
	})
	v.leaveGit()
	v.leaveNode(dir)
	v.leaveJava(dir)
	return v.environ()
}

func isGit(name string) bool { return strings.HasPrefix(name, "GIT_CONFIG_") }

// isProxyURL tells the URL of a run's proxy from those of other proxies.
func isProxyURL(value string) bool {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" || u.User.Username() != "run" {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.IsLoopback()
}

// leaveGit takes our pairs out and numbers the others anew.
func (v *variables) leaveGit() {
	count, err := strconv.ParseUint(v.get("GIT_CONFIG_COUNT"), 10, 10)
	if err != nil {
		return
	}
	var kept [][2]string
	found := false
	for i := range int(count) {
		key, value := v.get(gitKey(i)), v.get(gitValue(i))
		follows := i > 0 && isProxyURL(v.get(gitValue(i-1)))
		if key == "http.proxy" && isProxyURL(value) || key == "http.proxyAuthMethod" && follows {
			found = true
			continue
		}
		kept = append(kept, [2]string{key, value})
	}
	if !found {
		return
	}
	v.drop(isGitPair)
	for i, pair := range kept {
		v.put(gitKey(i), pair[0])
		v.put(gitValue(i), pair[1])
	}
	v.put("GIT_CONFIG_COUNT", strconv.Itoa(len(kept)))
	if len(kept) == 0 {
		v.drop(func(name string) bool { return name == "GIT_CONFIG_COUNT" })
	}
}

func gitKey(i int) string   { return fmt.Sprintf("GIT_CONFIG_KEY_%d", i) }
func gitValue(i int) string { return fmt.Sprintf("GIT_CONFIG_VALUE_%d", i) }

func isGitPair(name string) bool {
	return strings.HasPrefix(name, "GIT_CONFIG_KEY_") || strings.HasPrefix(name, "GIT_CONFIG_VALUE_")
}

// leaveNode takes our preload out of the options of Node and leaves the others.
func (v *variables) leaveNode(dir string) {
	quoted := strings.TrimSuffix(nodeQuote(dir), `"`)
	ours := regexp.MustCompile(` ?--require ` + regexp.QuoteMeta(quoted) + `[^"]*as-node-preload\.cjs"`)
	v.leaveOptions("NODE_OPTIONS", ours)
}

// leaveOptions takes what ours matches out of a variable that holds options.
func (v *variables) leaveOptions(name string, ours *regexp.Regexp) {
	had := v.get(name)
	rest := strings.TrimPrefix(ours.ReplaceAllString(had, ""), " ")
	switch {
	case rest == had:
	case rest == "":
		v.drop(func(other string) bool { return v.key(other) == v.key(name) })
	default:
		v.put(name, rest)
	}
}
