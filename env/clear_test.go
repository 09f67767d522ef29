package env

import (
	"slices"
	"strings"
	"testing"
)

func TestClear(t *testing.T) {
	environ := []string{
		"PATH=/bin", "HOME=/h", "LC_TIME=C", "XDG_RUNTIME_DIR=/run/x", "AGENTSECRETS_HOME=/a", "LCX=1", "AWS_SECRET_ACCESS_KEY=deep", "AWS_REGION=eu", "KEY=AS_SECRET_KEY",
		"HTTPS_PROXY=http://run:t@127.0.0.1:1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=a", "GIT_CONFIG_VALUE_0=b", "AS_AGENT_TOKEN=t", "AGENTSECRETS_TOKEN=t", "AS_X=1", "odd",
	}
	base := "PATH HOME LC_TIME XDG_RUNTIME_DIR AGENTSECRETS_HOME"
	for _, test := range []struct {
		name, pass, want, missing string
		inRun                     bool
	}{
		{"", "", base, "", false},
		{"by name", "AWS_REGION NOPE", base + " AWS_REGION", "NOPE", false},
		{"by beginning", "AWS_* ZZ*", base + " AWS_SECRET_ACCESS_KEY AWS_REGION", "ZZ*", false},
		{"never a token", "AS_* AGENTSECRETS_*", base + " AS_X", "", false},
		{"in a run", "", base + " KEY HTTPS_PROXY GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0", "", true},
	} {
		left, missing := Clear(environ, strings.Fields(test.pass), test.inRun)
		var names []string
		for _, entry := range left {
			name, _, _ := strings.Cut(entry, "=")
			names = append(names, name)
			if !slices.Contains(environ, entry) {
				t.Errorf("%s: %s", test.name, entry)
			}
		}
		want := strings.Fields(test.want)
		slices.Sort(want)
		slices.Sort(names)
		if !slices.Equal(names, want) || strings.Join(missing, " ") != test.missing {
			t.Errorf("%s: left %q, want %q; missing %q", test.name, names, want, missing)
		}
	}
}

func TestCheckPass(t *testing.T) {
	for name, ok := range map[string]bool{
		"A": true, "AWS_*": true, "a-b": true, "": false, "*": false, "A=b": false, "A*B": false, "A**": false, "AS_AGENT_TOKEN": false, "agentsecrets_token": false,
	} {
		if err := CheckPass(name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
