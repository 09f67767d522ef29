package trust

import (
	"bytes"
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// testDebian is a store of the distribution's own tool, in a directory.
type testDebian struct {
	debian
	dir string
}

func newDebian(t *testing.T) testDebian {
	t.Helper()
	path, err := find("update-ca-certificates")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, d := range []string{"etc", "local", "shipped", "hooks"} {
		if err := os.Mkdir(in(d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	d := testDebian{debian{
		tool:   path,
		bundle: in("etc/ca-certificates.crt"), local: in("local"), shipped: in("shipped"), selected: in("conf"),
		options: []string{"--certsconf", in("conf"), "--etccertsdir", in("etc"), "--localcertsdir", in("local"), "--certsdir", in("shipped"), "--hooksdir", in("hooks")},
	}, dir}
	d.write(t, "shipped/acme.crt", certificate(t, func(*x509.Certificate) {}))
	d.write(t, "local/corporate.crt", certificate(t, func(*x509.Certificate) {}))
	d.write(t, "shipped/other.crt", certificate(t, func(*x509.Certificate) {}))
	d.write(t, "conf", []byte("acme.crt\nother.crt")) // without an end of line, for which the tool ignores the last
	hook := "#!/bin/sh\ncat >>" + in("hooked") + "\n"
	if err := os.WriteFile(in("hooks/log"), []byte(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := d.update(); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d testDebian) write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(d.dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (d testDebian) read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// names are all files, links included.
func (d testDebian) names(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(d.dir + "/*/*")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (d testDebian) has(t *testing.T, r *root, want bool) {
	t.Helper()
	if has, err := d.look(t.Context(), r); has != want || err != nil {
		t.Errorf("look: %v, %v; want %v", has, err, want)
	}
	if found, _ := r.in(d.read(t, "etc/ca-certificates.crt")); found != want {
		t.Errorf("in the bundle: %v", found)
	}
}

func TestDebian(t *testing.T) {
	d := newDebian(t)
	_, r := authority(t)
	names, bundle := d.names(t), d.read(t, "etc/ca-certificates.crt")
	if err := d.add(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	d.has(t, r, true)
	if err := d.remove(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	d.has(t, r, false)
	if got := d.names(t); !slices.Equal(got, names) {
		t.Errorf("left behind: %v; before %v", got, names)
	}
	if got := d.read(t, "etc/ca-certificates.crt"); !bytes.Equal(got, bundle) {
		t.Error("the bundle is not as before")
	}
	hooked, path := string(d.read(t, "hooked")), filepath.Join(d.dir, "etc", r.name+".pem")
	if !strings.Contains(hooked, "+"+path) || !strings.HasSuffix(hooked, "-"+path+"\n") {
		t.Errorf("the hooks were told: %s", hooked)
	}
}

// An update would take these certificates from whoever needs them.
func TestDebianAddedByHand(t *testing.T) {
	d := newDebian(t)
	_, r := authority(t)
	_, theirs := authority(t)
	bundle := append(d.read(t, "etc/ca-certificates.crt"), theirs.pem...)
	d.write(t, "etc/ca-certificates.crt", bundle)
	names := d.names(t)
	err := d.add(t.Context(), r)
	if got := result("install", System, "", false, err); got.State != Failed || !strings.Contains(got.Hint, d.local) {
		t.Errorf("%+v", got)
	}
	if got := d.read(t, "etc/ca-certificates.crt"); !bytes.Equal(got, bundle) || !slices.Equal(d.names(t), names) {
		t.Error("something was changed")
	}
	d.write(t, "local/theirs.crt", theirs.pem)
	if err := d.add(t.Context(), r); err != nil {
		t.Error(err)
	}
	d.has(t, r, true)
	d.has(t, theirs, true)
}

// What people may have done before there was a command for it.
func TestDebianPutThereByHand(t *testing.T) {
	d := newDebian(t)
	_, r := authority(t)
	d.write(t, "ca.pem", r.pem)
	d.write(t, "local/our root (of home), yes.crt", r.pem)
	if err := os.Symlink(filepath.Join(d.dir, "ca.pem"), filepath.Join(d.local, "link.crt")); err != nil {
		t.Fatal(err)
	}
	if err := d.update(); err != nil {
		t.Fatal(err)
	}
	d.has(t, r, true)
	if err := d.remove(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	d.has(t, r, false)
	if got := d.read(t, "ca.pem"); !bytes.Equal(got, r.pem) {
		t.Error("what the link led to is gone")
	}
	if names := strings.Join(d.names(t), " "); strings.Contains(names, "our") || strings.Contains(names, "link") {
		t.Errorf("left behind: %s", names)
	}
}

func TestDebianAmongOthers(t *testing.T) {
	d := newDebian(t)
	_, r := authority(t)
	_, theirs := authority(t)
	d.write(t, "local/both.crt", append(bytes.Clone(theirs.pem), r.pem...))
	if err := d.update(); err != nil {
		t.Fatal(err)
	}
	err := d.remove(t.Context(), r)
	if got := result("uninstall", System, "", false, err); got.State != Failed || !strings.Contains(got.Reason, "both.crt") {
		t.Errorf("%+v", got)
	}
	d.has(t, theirs, true)
}

// The file is there, and the tool has not run: the next update would trust it.
func TestDebianHalfInstalled(t *testing.T) {
	d := newDebian(t)
	_, r := authority(t)
	d.write(t, "local/"+r.name+".crt", r.pem)
	d.has(t, r, false)
	if err := d.remove(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := d.update(); err != nil {
		t.Fatal(err)
	}
	d.has(t, r, false)
}

// The bundle is one thing, the directory that OpenSSL reads another.
func TestDebianHalfRemoved(t *testing.T) {
	d := newDebian(t)
	_, r := authority(t)
	d.write(t, "etc/"+r.name+".pem", r.pem)
	if has, err := d.look(t.Context(), r); has || err == nil {
		t.Errorf("%v, %v", has, err)
	}
}

func TestDebianToolFails(t *testing.T) {
	d := newDebian(t)
	_, r := authority(t)
	d.write(t, "tool", []byte("#!/bin/sh\necho oh dear >&2\nexit 3\n"))
	d.tool = filepath.Join(d.dir, "tool")
	if err := os.Chmod(d.tool, 0o755); err != nil {
		t.Fatal(err)
	}
	names := d.names(t)
	if err := d.add(t.Context(), r); err == nil || !strings.Contains(err.Error(), "oh dear") {
		t.Error(err)
	}
	if got := d.names(t); !slices.Equal(got, names) {
		t.Errorf("left behind: %v", got)
	}
}

// The tool itself does not stand being run twice at a time.
func TestDebianConcurrent(t *testing.T) {
	d := newDebian(t)
	var roots []*root
	var all sync.WaitGroup
	for range 3 {
		_, r := authority(t)
		roots = append(roots, r)
		all.Go(func() {
			if err := d.add(context.Background(), r); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, r := range roots {
		d.has(t, r, true)
	}
	n := 0
	for range certificates(d.read(t, "etc/ca-certificates.crt")) {
		n++
	}
	if n != len(roots)+2 {
		t.Errorf("%d certificates in the bundle", n)
	}
}

func TestDebianLockIsTaken(t *testing.T) {
	d := newDebian(t)
	_, r := authority(t)
	unlock, err := lockDir(t.Context(), d.local)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := d.add(ctx, r); err == nil || !strings.Contains(err.Error(), "wait for") {
		t.Error(err)
	}
	unlock()
	if err := d.add(t.Context(), r); err != nil {
		t.Error(err)
	}
}
