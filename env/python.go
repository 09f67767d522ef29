package env

import (
	_ "embed" // of the hook
	"path/filepath"
	"slices"
	"strings"
)

//go:embed files/sitecustomize.py
var pythonHook []byte

// pythonDir holds nothing but the hook: whatever lies there can be imported.
const pythonDir = "python"

// python makes every Python load a module before its program that lets TLS
// clients trust our CA which bring roots of their own, as stripe does, and
// aiohttp read the proxy variables. Pythons with -I, -E or -S do without.
func (w *writer) python() {
	dir := filepath.Join(w.Dir, pythonDir)
	if strings.ContainsRune(dir, filepath.ListSeparator) {
		w.notice("%q cannot stand in PYTHONPATH: Python programs with roots of their own will not trust the proxy", dir)
		return
	}
	if err := privateDir(dir); err != nil {
		w.fail(err)
		return
	}
	w.write(filepath.Join(pythonDir, "sitecustomize.py"), pythonHook)
	if had := w.before.get("PYTHONPATH"); had != "" {
		dir += string(filepath.ListSeparator) + had
	}
	w.after.set("PYTHONPATH", dir)
}

// leavePython takes our hooks out of PYTHONPATH. Its parts are split by hand:
// an empty one means the current directory, and stays.
func (v *variables) leavePython(dir string) {
	const separator = string(filepath.ListSeparator)
	parts := strings.Split(v.get("PYTHONPATH"), separator)
	ours := func(part string) bool {
		return strings.HasPrefix(part, dir+string(filepath.Separator)) && filepath.Base(part) == pythonDir
	}
	if !slices.ContainsFunc(parts, ours) {
		return
	}
	parts = slices.DeleteFunc(parts, ours)
	if len(parts) == 0 {
		v.drop(func(name string) bool { return v.key(name) == "PYTHONPATH" })
		return
	}
	v.put("PYTHONPATH", strings.Join(parts, separator))
}
