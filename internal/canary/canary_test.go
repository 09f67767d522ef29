package canary

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the page lists is what is shown to the redactor, form by form.
func TestFormsAreThoseOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/redaction.md")
	if err != nil {
		t.Fatal(err)
	}
	_, found, _ := strings.Cut(string(page), "\n## Found\n")
	found, _, _ = strings.Cut(found, "\n## ")
	listed, shown := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)`").FindAllStringSubmatch(found, -1) {
		listed[m[1]] = true
	}
	for _, f := range Forms(Value()) {
		shown[f.Name] = true
	}
	if a, b := slices.Sorted(maps.Keys(listed)), slices.Sorted(maps.Keys(shown)); len(a) < 10 || !slices.Equal(a, b) {
		t.Errorf("the page lists\n%q, shown are\n%q", a, b)
	}
}

// Each value is another one, and each form of it another text.
func TestValuesDiffer(t *testing.T) {
	if v, w := Value(), Value(); v == w {
		t.Error("the same value twice")
	}
	bases := 0
	for _, f := range Forms(Value()) {
		if f.Name == "base64" {
			bases++
		}
	}
	if bases != 8 {
		t.Errorf("base64 in %d ways, not 2 alphabets from 4 places", bases)
	}
	for _, v := range Values() {
		seen := map[string]bool{}
		for _, f := range Forms(v) {
			if seen[f.Text] || f.to-f.from < 10 {
				t.Errorf("%s (%s) of %q is %q", f.Name, f.By, v, f.Text)
			}
			seen[f.Text] = true
		}
	}
}

func TestCovered(t *testing.T) {
	f := Form{Text: "<0123456789>", from: 1, to: 11}
	long := Form{Text: "<" + strings.Repeat("ab", 20) + ">", from: 1, to: 41}
	const marker = "[REDACTED_BY_AGENTSECRETS]"
	for _, c := range []struct {
		form Form
		out  string
		want bool
	}{
		{f, "<**********>", true},
		{f, "<0*********>", false},
		{f, "<*********9>", false},
		{f, "<0123456789>", false},
		{f, "<*********>", false},
		{f, "", false},
		{Form{Text: "abc<0123456789>", from: 4, to: 14}, "*bc<**********>", false}, // nothing else may be covered
		{long, "<" + marker + strings.Repeat("*", 14) + ">", true},
		{long, "<" + marker + strings.Repeat("*", 13) + "b>", false},
	} {
		if got := c.form.Covered(c.out); got != c.want {
			t.Errorf("%q of %q: %v", c.out, c.form.Text, got)
		}
	}
}

func TestMissed(t *testing.T) {
	forms := []Form{{Name: "a", By: "x", Text: "<0123456789>", from: 1, to: 11}, {Name: "b", By: "y", Text: "<abcdefghij>", from: 1, to: 11}}
	for got, want := range map[string]int{
		"<**********> <**********>": 0, "<0123456789> <**********>": 1, "<**********> <abcdefghij>": 1,
		Joined(forms, " "): 2, "": 2, "<**********>": 2,
	} {
		if missed := Missed(forms, " ", got); len(missed) != want {
			t.Errorf("%q: %q", got, missed)
		}
	}
}
