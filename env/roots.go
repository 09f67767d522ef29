package env

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// maxRoots is more than any list of roots has; the system's is 200 KiB.
const maxRoots = 16 << 20

// roots points every variable about trust at a file that holds what the client
// trusted before as well as our CA. SSL_CERT_DIR stays: it is read in addition.
func (w *writer) roots() (store <-chan stored) {
	w.after.set("AGENTSECRETS_CA", w.merged("AGENTSECRETS_CA", "ca", "", w.withCA))
	for i, v := range rootVars() {
		by, existing := w.trusted(v)
		path := w.merged(by, "bundle", existing, w.Bundle)
		w.after.set(v.name, path)
		if i == 0 { // the common one
			store = w.makeStore(path)
			w.php(path)
		}
	}
	for _, name := range extraVars() {
		w.after.set(name, w.merged(name, "ca", w.before.get(name), w.withCA))
	}
	return store
}

// stored is a trust store for JVMs, with what could not be carried over into it.
type stored struct {
	content []byte
	notices []string
	err     error
}

// makeStore begins to make the trust store of what is in the file bundle. It takes as
// long as all the rest, so it is made beside it.
func (w *writer) makeStore(bundle string) <-chan stored {
	made := make(chan stored, 1)
	alone := &writer{Child: w.Child, before: w.before}
	go func() {
		var s stored
		var text []byte
		if text, s.err = readSmall(bundle, 2*maxRoots); s.err == nil {
			s.content, s.err = alone.trustStore(text)
		}
		s.notices = alone.notices
		made <- s
	}()
	return made
}

func (w *writer) store(s stored) {
	w.notices = append(w.notices, s.notices...)
	if s.err != nil {
		w.fail(s.err)
		return
	}
	w.write(javaStore, s.content)
}

// trusted is the file that a client took its roots from so far, and the variable
// that named it; "" for the system's.
func (w *writer) trusted(v rootVar) (by, path string) {
	if path := w.before.option(v.name); path != "" {
		return v.name, path
	}
	for _, name := range v.fallbacks {
		if path := w.before.get(name); path != "" {
			return name, path
		}
	}
	return v.name, ""
}

// merged is the path of the file that merge makes of existing, which variable
// names. Those of a kind that named the same file share one.
func (w *writer) merged(variable, kind, existing string, merge func(string) ([]byte, error)) string {
	key := kind + ":" + existing
	if path, done := w.files[key]; done {
		return path
	}
	content, err := merge(existing)
	switch {
	case err == nil:
		name := kind + ".pem"
		if n := len(w.files); n > 0 {
			name = fmt.Sprintf("%s-%d.pem", kind, n)
		}
		w.files[key] = w.write(name, content)
	case existing == "":
		w.fail(err)
	default:
		w.notice("%s names %q, which cannot be used%s: its roots are left out", variable, existing, reason(err))
		w.files[key] = w.merged(variable, kind, "", merge)
	}
	return w.files[key]
}

// reason is why a file was not read, without its path, which may be anything.
func reason(err error) string {
	if failed := (*fs.PathError)(nil); errors.As(err, &failed) {
		return " (" + failed.Err.Error() + ")"
	}
	return ""
}

// withCA appends our root to the certificates in existing. Whatever else is in
// there, a key for one, is not copied.
func (w *writer) withCA(existing string) ([]byte, error) {
	if existing == "" {
		return w.CA, nil
	}
	rest, err := readSmall(existing, maxRoots)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			if err := pem.Encode(&b, &pem.Block{Type: block.Type, Bytes: block.Bytes}); err != nil {
				return nil, err
			}
		}
	}
	if b.Len() == 0 {
		return nil, errors.New("it holds no certificate in PEM")
	}
	b.Write(w.CA)
	return b.Bytes(), nil
}

// write makes a file for the child to read, at once: another shell's programs
// may be reading the one that it replaces. Like the run it need not outlive a
// crash, so it is not synced.
func (w *writer) write(name string, content []byte) string {
	path := filepath.Join(w.Dir, name)
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-")
	if err != nil {
		w.fail(err)
		return path
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(fileMode()), f.Close()) // Chmod: whatever the umask
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		w.fail(errors.Join(err, os.Remove(f.Name())))
	}
	return path
}

// fileMode has a program not write what others of the run read. On Windows such a
// file could not be deleted everywhere, and the directory's access list has to do.
func fileMode() os.FileMode {
	if runtime.GOOS == "windows" {
		return 0o600
	}
	return 0o444
}
