package clients_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/errors.md lists the slugs that there are: none that no code gives, and
// none that code gives is missing.
func TestErrorsAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	row := regexp.MustCompile("(?m)^\\| [^|]+ \\| `([a-z_]+)` \\|")
	for _, m := range row.FindAllStringSubmatch(repoFile(t, "docs/errors.md"), -1) {
		documented[m[1]] = true
	}
	code := sources(t)
	for slug := range documented {
		if !bytes.Contains(code, []byte(`"`+slug+`"`)) && !bytes.Contains(code, []byte(`"`+slug+`: `)) { // the latter begin a message of a command
			t.Errorf("docs/errors.md lists %s, which no code gives", slug)
		}
	}
	for _, m := range regexp.MustCompile(`Slug: +"([a-z_]+)"`).FindAllSubmatch(code, -1) {
		if !documented[string(m[1])] {
			t.Errorf("docs/errors.md does not list %s", m[1])
		}
	}
}

// The documents' links lead somewhere.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	for _, doc := range []string{
		"README.md", "CHANGELOG.md", "docs/CONTRIBUTING.md", "docs/SECURITY.md", "docs/clients.md", "docs/errors.md", "docs/redaction.md", "docs/threat-model.md",
	} {
		for _, m := range link.FindAllStringSubmatch(repoFile(t, doc), -1) {
			if _, err := os.Stat(filepath.Join("..", "..", filepath.Dir(doc), m[1])); err != nil {
				t.Errorf("%s: %v", doc, err)
			}
		}
	}
}

// sources is all Go code that is not a test.
func sources(t *testing.T) []byte {
	t.Helper()
	var all []byte
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
			if err == nil {
				err = filepath.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		b, err := os.ReadFile(path)
		all = append(all, b...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
