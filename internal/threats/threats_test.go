package threats

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const table = "../../docs/threats.md"

func TestOwner(t *testing.T) {
	for test, want := range map[string]string{
		"TestD1Fronting":              "D1",
		"TestD12Pool":                 "D12",
		"FuzzA1LogInjection":          "A1",
		"TestScripts/L9_seal":         "L9",
		"TestScripts/seal":            "",
		"TestScripts":                 "",
		"TestDocumented":              "",
		"TestD1":                      "",
		"TestD1fronting":              "",
		"TestFuzzA1Injection":         "",
		"TestScripts/tty/L9_not_here": "",
	} {
		if got := Owner(test); got != want {
			t.Errorf("Owner(%q) = %q, want %q", test, got, want)
		}
	}
}

func TestRead(t *testing.T) {
	for name, c := range map[string]struct{ text, fails string }{
		"good":  {"# T\n\n| row | attack | defence |\n|---|---|---|\n| D1 | a | b |\n\n## Later\n\n| S1 | c | why |\n", ""},
		"twice": {"| D1 | a | b |\n| D1 | a | b |\n", "stands twice"},
		"none":  {"# nothing\n", "no row"},
	} {
		path := filepath.Join(t.TempDir(), "threats.md")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		rows, err := Read(path)
		switch {
		case c.fails == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
			t.Errorf("%s: %v, want an error with %q", name, err, c.fails)
		case c.fails == "" && (len(rows) != 2 || rows[0] != (Row{ID: "D1", Attack: "a"}) || rows[1] != (Row{ID: "S1", Attack: "c", Later: "why"})):
			t.Errorf("%s: %+v", name, rows)
		}
	}
}

// Every row that is in force has a test or script with its number, and no test
// claims a row that the table does not have.
func TestRowsHaveTests(t *testing.T) {
	rows, err := Read(table)
	if err != nil {
		t.Fatal(err)
	}
	named := testsOfTheTree(t)
	for _, r := range rows {
		if len(named[r.ID]) == 0 && r.Later == "" {
			t.Errorf("row %s (%s) has no test named by it", r.ID, r.Attack)
		}
		delete(named, r.ID)
	}
	for id, tests := range named {
		t.Errorf("%v claim row %s, which %s does not have", tests, id, table)
	}
}

var testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)

// testsOfTheTree returns the tests of the whole module by row.
func testsOfTheTree(t *testing.T) map[string][]string {
	t.Helper()
	named := map[string][]string{}
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
			return filepath.SkipDir
		}
		var tests []string
		switch {
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
				tests = append(tests, m[1])
			}
		case strings.HasSuffix(path, ".txtar"):
			tests = []string{"TestScripts/" + strings.TrimSuffix(d.Name(), ".txtar")}
		}
		for _, test := range tests {
			if id := Owner(test); id != "" {
				named[id] = append(named[id], test)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return named
}
