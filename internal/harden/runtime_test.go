package harden

import (
	"slices"
	"testing"
)

func TestRuntimeVariables(t *testing.T) {
	for _, c := range []struct {
		environ []string
		needed  bool
	}{
		{[]string{"A=1", "GODEBUG=http2debug=2", "GOTRACEBACK=crash"}, true},
		{[]string{"GOTRACEBACK=all"}, true},
		{[]string{"A=1", "GODEBUG=", "GOTRACEBACK=none"}, false},
		{[]string{"MYGODEBUG=x"}, false},
	} {
		clean, needed := withoutRuntime(c.environ)
		if needed != c.needed {
			t.Errorf("%q: needed is %v", c.environ, needed)
		}
		for _, kv := range clean {
			if kv == "GODEBUG=http2debug=2" || kv == "GOTRACEBACK=crash" {
				t.Errorf("%q stays", kv)
			}
		}
		if again, needed := withoutRuntime(clean); needed || !slices.Equal(again, clean) {
			t.Errorf("%q starts itself for ever", c.environ)
		}
		if got := CallerEnviron(clean); !slices.Equal(got, c.environ) {
			t.Errorf("the caller's is %q, want %q", got, c.environ)
		}
	}
}
