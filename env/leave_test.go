package env

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
)

// What Vars did is undone whole, however often it was done and whatever stood
// there before, but for the variables that it had to replace.
func TestWithoutUndoesVars(t *testing.T) {
	for _, before := range [][]string{
		{"PATH=/bin"},
		{"PATH=/bin", "PYTHONPATH=/lib/a::/lib/b"},
		{"PATH=/bin", "PHP_INI_SCAN_DIR=/etc/php::/x", "JAVA_TOOL_OPTIONS=-Xmx1g", "_JAVA_OPTIONS=-Dhttp.proxyHost=corp"},
		{"PATH=/bin", "PHP_INI_SCAN_DIR="},
		{"PATH=/bin", "NODE_OPTIONS=--title=x", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=user.name", "GIT_CONFIG_VALUE_0=Acme"},
	} {
		c := child(t, before...)
		c.Shell, c.PeersTold = true, true
		dir := filepath.Dir(c.Dir)
		for range 2 {
			after, _, err := c.Vars()
			if err != nil {
				t.Fatal(err)
			}
			c.Environ = after
		}
		got := Without(c.Environ, dir)
		slices.Sort(got)
		slices.Sort(before)
		if !slices.Equal(got, before) {
			t.Errorf("left is %q, want %q", got, before)
		}
	}
}

// What is the user's own stays.
func TestWithoutLeavesOthers(t *testing.T) {
	own := []string{
		"HTTPS_PROXY=http://corp.example:3128", "NO_PROXY=localhost,127.0.0.1,::1", "NODE_USE_ENV_PROXY=1", "SSL_CERT_FILE=/etc/corp.pem",
		"NODE_OPTIONS=--require /x/as-node-preload.cjs", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.proxy", "GIT_CONFIG_VALUE_0=http://corp.example",
		"PYTHONPATH=/x/python:/home/acme/.agentsecrets/shell/mine",
	}
	if got := Without(own, "/home/acme/.agentsecrets/shell"); !slices.Equal(got, own) {
		t.Errorf("left is %q, want %q", got, own)
	}
}

func TestSetVarsAreThoseOfVars(t *testing.T) {
	got, _ := vars(t, child(t))
	if set := slices.Sorted(maps.Keys(got)); !slices.Equal(set, SetVars()) {
		t.Errorf("SetVars are %q, Vars sets %q", SetVars(), set)
	}
}
