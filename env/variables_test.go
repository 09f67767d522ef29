package env

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestVariablesOnWindows(t *testing.T) {
	v := parse([]string{`=C:=C:\dir`, "Path=p", "HTTPS_PROXY=a", "https_proxy=b", "all_proxy=x"}, true)
	v = v.clone()
	v.drop(unwanted)
	v.set("HTTPS_PROXY", "ours")
	v.set("https_proxy", "ours")
	v.set("PATH", "q")
	if got, want := fmt.Sprint(v.environ()), `[=C:=C:\dir Path=q HTTPS_PROXY=ours]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if !v.touched("Https_Proxy") || v.get("path") != "q" {
		t.Error("names are told apart by case")
	}
}

// The last of several entries counts, in its first one's place.
func FuzzVariables(f *testing.F) {
	f.Add("A=1\nB=2\nA=3")
	f.Add("=C:=x\n=\nodd\n\nA==\nA=")
	f.Fuzz(func(t *testing.T, text string) {
		entries := strings.Split(text, "\n")
		v := parse(entries, false)
		got := v.environ()
		naive := map[string]string{}
		for _, e := range entries {
			if i := strings.Index(e, "="); i > 0 {
				naive[e[:i]] = e[i+1:]
			}
		}
		for name, value := range naive {
			if !slices.Contains(got, name+"="+value) || v.get(name) != value {
				t.Errorf("%q=%q is missing in %q", name, value, got)
			}
		}
		again := parse(got, false)
		if !slices.Equal(again.environ(), got) {
			t.Errorf("%q became %q", got, again.environ())
		}
	})
}

// nodeWords splits NODE_OPTIONS as Node's documentation describes.
func nodeWords(s string) (words []string) {
	var word []byte
	quoted, begun := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
			word = append(word, s[i])
		case c == ' ' && !quoted:
			begun = false
		case c == '"':
			quoted = !quoted
		default:
			if !begun {
				words, word, begun = append(words, ""), nil, true
			}
			word = append(word, c)
		}
		if len(words) > 0 {
			words[len(words)-1] = string(word)
		}
	}
	return words
}

func FuzzNodeQuote(f *testing.F) {
	f.Add(`/tmp/a "b" \ c`)
	f.Add(`C:\Users\me\`)
	f.Fuzz(func(t *testing.T, path string) {
		got := nodeWords("--require " + nodeQuote("/"+path))
		if len(got) != 2 || got[1] != "/"+path {
			t.Errorf("%q is read as %q", path, got)
		}
	})
}
