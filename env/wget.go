package env

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// maxWgetrc is a hundred times any file of that kind.
const maxWgetrc = 1 << 20

// wget gets a file of settings that is the user's, less what beats ours, and names the
// roots, which wget takes from no variable. The system's file is read in any case.
func (w *writer) wget() {
	by, path := "WGETRC", w.before.get("WGETRC")
	if path == "" {
		by, path = "HOME", filepath.Join(w.before.get("HOME"), ".wgetrc")
		if _, err := os.Lstat(path); err != nil || w.before.get("HOME") == "" { // wget does without, too
			path = ""
		}
	}
	had, err := readWgetrc(path)
	if err != nil {
		w.notice("%s leads to %q, which cannot be used%s: its settings are left out", by, path, reason(err))
	}
	text, roots := ownWgetrc(had)
	if roots == "" {
		by, roots = w.trusted(rootVars()[0])
	}
	text = append(text, "use_proxy = on\nca_certificate = "+w.merged(by, "bundle", roots, w.Bundle)+"\n"...)
	w.after.set("WGETRC", w.write("wgetrc", text))
}

func readWgetrc(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readSmall(path, maxWgetrc)
	if err == nil && bytes.IndexByte(text, 0) >= 0 {
		text, err = nil, &fs.PathError{Err: errors.New("it is no text")}
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}

// ownWgetrc is text without settings of a proxy, which would beat variables, and of
// roots, and the file of roots that it named last.
func ownWgetrc(text []byte) (rest []byte, roots string) {
	for line := range bytes.Lines(text) {
		name, value, _ := strings.Cut(string(line), "=")
		switch wgetName(name) {
		case "httpproxy", "httpsproxy", "noproxy", "proxyuser", "proxypassword", "proxypasswd", "useproxy":
			continue
		case "cacertificate":
			roots = strings.Trim(value, " \t\r\n\"'")
			continue
		}
		rest = append(rest, line...)
	}
	if len(rest) > 0 && !bytes.HasSuffix(rest, []byte("\n")) {
		rest = append(rest, '\n')
	}
	return rest, roots
}

// wgetName is a setting's name as wget compares them: neither case nor - or _ count.
func wgetName(name string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(strings.TrimSpace(name)))
}
