package env

import (
	"path/filepath"
	"slices"
	"strings"
)

const (
	phpScan = "PHP_INI_SCAN_DIR"
	phpDir  = "php" // holds nothing but our file: PHP reads all that end in .ini
)

// php has every PHP read a file behind its others that names the roots, which its curl
// takes from no variable.
func (w *writer) php(bundle string) {
	dir := filepath.Join(w.Dir, phpDir)
	if strings.ContainsRune(dir, filepath.ListSeparator) {
		w.notice("%q cannot stand in %s: PHP programs will not trust the proxy", dir, phpScan)
		return
	}
	if err := privateDir(dir); err != nil {
		w.fail(err)
		return
	}
	value := phpQuote(bundle)
	w.write(filepath.Join(phpDir, "agentsecrets.ini"), []byte("curl.cainfo = "+value+"\nopenssl.cafile = "+value+"\n"))
	// An empty part is the directory that is compiled in; an empty variable is none.
	if had := w.before.get(phpScan); had != "" || !w.before.has(phpScan) {
		dir = had + string(filepath.ListSeparator) + dir
	}
	w.after.set(phpScan, dir)
}

// phpQuote writes a path for a .ini file: nothing is special between single quotes, a
// line break neither, and what is quoted so or so and stands together is one text.
func phpQuote(path string) string { return "'" + strings.ReplaceAll(path, "'", `'"'"'`) + "'" }

// leavePHP takes our directories out of the list.
func (v *variables) leavePHP(dir string) {
	const separator = string(filepath.ListSeparator)
	parts := strings.Split(v.get(phpScan), separator)
	ours := func(part string) bool {
		return strings.HasPrefix(part, dir+string(filepath.Separator)) && filepath.Base(part) == phpDir
	}
	if !slices.ContainsFunc(parts, ours) {
		return
	}
	parts = slices.DeleteFunc(parts, ours)
	if slices.Equal(parts, []string{""}) {
		v.drop(func(name string) bool { return v.key(name) == phpScan })
		return
	}
	v.put(phpScan, strings.Join(parts, separator))
}
