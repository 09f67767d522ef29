package trust

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// debian is the store of package ca-certificates: files in local, from which update-ca-certificates(8) makes the
// bundle, the links beside it and, by a hook, Java's store.
type debian struct {
	tool     string   // update-ca-certificates
	options  []string // for it
	bundle   string   // ca-certificates.crt, which programs read
	shipped  string   // directory of the package's roots
	local    string   // directory of the administrator's
	selected string   // ca-certificates.conf: which of shipped
}

func (d debian) name() string { return d.bundle }

func (d debian) look(_ context.Context, r *root) (bool, error) {
	data, err := os.ReadFile(d.bundle)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if found, _ := r.in(data); found {
		return true, nil
	}
	// OpenSSL reads the directory as well.
	holders, err := d.holders(filepath.Dir(d.bundle), r)
	if err == nil && len(holders.only)+len(holders.among) > 0 {
		err = fmt.Errorf("the bundle does not have it, and %s does", strings.Join(append(holders.only, holders.among...), ", "))
	}
	return false, err
}

func (d debian) add(ctx context.Context, r *root) error {
	unlock, err := d.begin(ctx, r)
	if err != nil {
		return err
	}
	defer unlock()
	path := filepath.Join(d.local, r.name+".crt")
	if err := atomicfile.Write(path, r.pem, 0o644); err != nil {
		return err
	}
	if err := d.update(); err != nil {
		return errors.Join(err, os.Remove(path)) // or the next update would trust it
	}
	return nil
}

// remove takes away the files that hold the root and nothing else.
func (d debian) remove(ctx context.Context, r *root) error {
	holders, err := d.holders(d.local, r)
	if err != nil {
		return err
	}
	trusted, lookErr := d.look(ctx, r)
	if len(holders.only) == 0 && !trusted && lookErr == nil {
		return nil
	}
	if len(holders.among) > 0 {
		return &problem{
			reason: strings.Join(holders.among, ", ") + " has it among other certificates",
			hint:   "take the certificate out of that file by hand, then: sudo update-ca-certificates",
		}
	}
	unlock, err := d.begin(ctx, r)
	if err != nil {
		return err
	}
	defer unlock()
	for _, path := range holders.only {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return d.updateWithout(append(holders.only, r.name+".crt"))
}

// begin sees that an update may be made, and that it would change nothing but what it is for.
func (d debian) begin(ctx context.Context, r *root) (unlock func(), err error) {
	for _, dir := range []string{d.local, filepath.Dir(d.bundle)} {
		if err := mayWrite(dir); errors.Is(err, fs.ErrPermission) {
			return nil, &rightsError{d.bundle}
		} else if err != nil {
			return nil, fmt.Errorf("change %s: %w", dir, err)
		}
	}
	// The tool appends to a file of a fixed name: two at a time make a bundle of two halves.
	if unlock, err = lockDir(ctx, d.local); err != nil {
		return nil, err
	}
	if err := d.foreign(r); err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// foreign refuses a bundle that somebody has added certificates to by hand. An update would drop them, and break
// whoever needs them.
func (d debian) foreign(r *root) error {
	data, err := os.ReadFile(d.bundle)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	known := map[string]bool{string(r.cert.Raw): true}
	for _, dir := range []string{d.shipped, d.local} {
		if err := eachFile(dir, func(_ string, data []byte) {
			for der := range certificates(data) {
				known[string(der)] = true
			}
		}); err != nil {
			return err
		}
	}
	n := 0
	for der := range certificates(data) {
		if !known[string(der)] {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return &problem{
		reason: fmt.Sprintf("%s has %d certificates that were added by hand, and an update would take them out", d.bundle, n),
		hint:   fmt.Sprintf("put them into %s, one in a file whose name ends in .crt, and try again", d.local),
	}
}

func (d debian) update() error { return d.run(d.options...) }

// run does not end the tool half way, whatever becomes of us: it would leave half a bundle for the next one to add to.
func (d debian) run(options ...string) error {
	t := tool{path: d.tool}
	_, err := t.start(exec.Command(t.path, options...), nil)
	return err
}

// updateWithout is update after files are gone. By itself the tool does not notice that: it leaves their links, and
// does not tell the hooks, so that Java's store keeps the roots. Deselected, they are taken out everywhere.
func (d debian) updateWithout(files []string) error {
	selection, err := os.ReadFile(d.selected)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.CreateTemp("", "agentsecrets-*.conf")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	text := ""
	for _, file := range files {
		text += "!" + filepath.Base(file) + "\n"
	}
	_, err = f.WriteString(text + string(selection))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return d.run(append(slices.Clip(d.options), "--certsconf", f.Name())...)
}

// holding are files that hold the root, by whether they hold others too.
type holding struct{ only, among []string }

// holders looks into the files that update-ca-certificates takes or makes one of for each certificate.
func (d debian) holders(dir string, r *root) (holding, error) {
	var h holding
	err := eachFile(dir, func(path string, data []byte) {
		switch found, others := r.in(data); {
		case found && others:
			h.among = append(h.among, path)
		case found:
			h.only = append(h.only, path)
		}
	})
	return h, err
}

// eachFile calls do with the certificate files in dir and below, wherever they are links to. What cannot be read, such
// as a link to nothing, is none.
func eachFile(dir string, do func(path string, data []byte)) error {
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ext := filepath.Ext(path); ext != ".crt" && ext != ".pem" {
			return nil
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return nil
		}
		if data, err := os.ReadFile(path); err == nil {
			do(path, data)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
