package trust

import (
	"crypto/x509"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// testDatabase is one of NSS, asked by certutil and by NSS's own verifier.
type testDatabase struct{ dir string }

func newDatabase(t *testing.T, home, name string, options ...string) testDatabase {
	t.Helper()
	d := testDatabase{filepath.Join(home, name)}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if options == nil {
		options = []string{"--empty-password"}
	}
	output(t, "certutil", append([]string{"-N", "-d", "sql:" + d.dir}, options...)...)
	return d
}

func (d testDatabase) put(t *testing.T, nickname string, r *root) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, r.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, "certutil", "-A", "-d", "sql:"+d.dir, "-n", nickname, "-t", "C,,", "-i", file)
}

func (d testDatabase) has(t *testing.T, nickname string) bool {
	t.Helper()
	return exec.Command("certutil", "-L", "-d", "sql:"+d.dir, "-n", nickname).Run() == nil
}

// list is all that certutil prints of the database.
func (d testDatabase) list(t *testing.T) string {
	t.Helper()
	return output(t, "certutil", "-L", "-d", "sql:"+d.dir)
}

// verifies asks NSS whether it takes a server's leaf.
func (d testDatabase) verifies(t *testing.T, leaf []byte) bool {
	t.Helper()
	file := filepath.Join(t.TempDir(), "leaf.der")
	if err := os.WriteFile(file, leaf, 0o600); err != nil {
		t.Fatal(err)
	}
	const server = "1"
	return exec.Command("vfychain", "-d", "sql:"+d.dir, "-u", server, file).Run() == nil
}

func TestNSS(t *testing.T) {
	home := t.TempDir()
	db := newDatabase(t, home, ".pki/nssdb")
	a, _ := authority(t)
	leaf, err := a.Leaf("api.acme.test")
	if err != nil {
		t.Fatal(err)
	}
	rounds(t, Config{PEM: a.PEM(), Stores: []string{NSS}, Home: home}, func() bool { return db.verifies(t, leaf.Certificate[0]) })
}

func TestNSSAllProfiles(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home [of] a user")
	dbs := []testDatabase{
		newDatabase(t, home, ".pki/nssdb"),
		newDatabase(t, home, ".mozilla/firefox/x1.default"),
		newDatabase(t, home, ".mozilla/firefox/x2.a [b] c"),
		newDatabase(t, home, "snap/firefox/common/.mozilla/firefox/x3.default"),
		newDatabase(t, home, ".var/app/org.mozilla.firefox/.mozilla/firefox/x4.default"),
	}
	for _, not := range []string{".mozilla/firefox/Crash Reports", ".config/mozilla/firefox"} {
		if err := os.MkdirAll(filepath.Join(home, not), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(dbs[0].dir, filepath.Join(home, ".mozilla/firefox/again")); err != nil {
		t.Fatal(err)
	}
	a, r := authority(t)
	_, theirs := authority(t)
	for _, db := range dbs {
		db.put(t, "Acme root (of theirs), with  blanks", theirs)
	}
	c := Config{PEM: a.PEM(), Stores: []string{NSS}, Home: home}
	report, err := Install(t.Context(), c)
	if err != nil || len(report) != len(dbs) {
		t.Fatalf("%+v, %v", report, err)
	}
	for i, db := range dbs {
		if !db.has(t, r.name) || report[i].Place != db.dir && i > 0 {
			t.Errorf("%s: %s", db.dir, db.list(t))
		}
	}
	if report, err = Uninstall(t.Context(), c); err != nil || len(report) != len(dbs) {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, db := range dbs {
		if db.has(t, r.name) || !strings.Contains(db.list(t), "with  blanks                          C,,") {
			t.Errorf("%s: %s", db.dir, db.list(t))
		}
	}
}

// A root that somebody else put in, by another name and not trusted, is trusted after Install and gone after Uninstall.
func TestNSSByAnotherName(t *testing.T) {
	home := t.TempDir()
	db := newDatabase(t, home, ".pki/nssdb")
	a, r := authority(t)
	db.put(t, "put in by hand", r)
	output(t, "certutil", "-M", "-d", "sql:"+db.dir, "-n", "put in by hand", "-t", ",,")
	c := Config{PEM: a.PEM(), Stores: []string{NSS}, Home: home}
	report, err := Status(t.Context(), c)
	want(t, report, err, Failed)
	report, err = Install(t.Context(), c)
	want(t, report, err, Installed)
	report, err = Uninstall(t.Context(), c)
	want(t, report, err, Absent)
	if db.has(t, "put in by hand") {
		t.Error(db.list(t))
	}
}

// A password is not asked for, even where there is a terminal to ask on; and what cannot be trusted is not left behind.
func TestNSSWithPassword(t *testing.T) {
	home, a := t.TempDir(), func() []byte { a, _ := authority(t); return a.PEM() }()
	file := filepath.Join(home, "password")
	if err := os.WriteFile(file, []byte("acme-passphrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	locked := newDatabase(t, home, ".mozilla/firefox/x1.locked", "-f", file)
	before := locked.list(t)
	open := newDatabase(t, home, ".pki/nssdb")

	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), helperEnv+"="+NSS+"\n"+string(a), "HOME="+home)
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	late := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer late.Stop()
	said, _ := io.ReadAll(terminal) // EIO when it has ended
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	var answer struct {
		Report      Report
		Error, Hint string
	}
	if err := json.Unmarshal(said, &answer); err != nil {
		t.Fatalf("it said something else: %v\n%s", err, said)
	}
	if len(answer.Report) != 2 || answer.Report[0].State != Installed || answer.Report[1].State != Failed {
		t.Fatalf("%s", said)
	}
	if !strings.Contains(answer.Error, "password") || !strings.Contains(answer.Hint, "import") {
		t.Errorf("%s", said)
	}
	if after := locked.list(t); after != before {
		t.Errorf("left in the locked one: %s", after)
	}
	r, err := parseRoot(a)
	if err != nil || !open.has(t, r.name) {
		t.Errorf("%v: not in the open one: %s", err, open.list(t))
	}
}

func TestNSSNotAvailable(t *testing.T) {
	a, _ := authority(t)
	c := Config{PEM: a.PEM(), Stores: []string{NSS}, Home: t.TempDir()}
	report, err := Install(t.Context(), c)
	want(t, report, err, NotAvailable)
	if !strings.Contains(report[0].Reason, c.Home) {
		t.Error(report[0].Reason)
	}
}

func TestNSSBroken(t *testing.T) {
	home := t.TempDir()
	dir := filepath.Join(home, ".pki/nssdb")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "cert9.db"), []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{PEM: certificate(t, func(*x509.Certificate) {}), Stores: []string{NSS}, Home: home}
	report, err := Install(t.Context(), c)
	want(t, report, err, Failed)
}

// Root leaves nothing of its own in a user's directory.
func TestNSSOfAnotherUser(t *testing.T) {
	const uid = 65534
	parent, err := os.MkdirTemp("/tmp", "trust") // which another user may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	db := newDatabase(t, parent, ".pki/nssdb")
	if os.Geteuid() == 0 {
		for _, path := range []string{parent, filepath.Join(parent, ".pki"), db.dir, db.dir + "/cert9.db", db.dir + "/key4.db", db.dir + "/pkcs11.txt"} {
			if err := os.Chown(path, uid, uid); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Remove(db.dir + "/pkcs11.txt"); err != nil { // certutil makes it anew
		t.Fatal(err)
	}
	a, _ := authority(t)
	report, err := Install(t.Context(), Config{PEM: a.PEM(), Stores: []string{NSS}, Home: parent})
	want(t, report, err, Installed)
	entries, err := os.ReadDir(db.dir)
	if err != nil || len(entries) < 3 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if owner := int(info.Sys().(*syscall.Stat_t).Uid); os.Geteuid() == 0 && owner != uid {
			t.Errorf("%s belongs to %d", e.Name(), owner)
		}
	}
}

// An expired root must go, and cannot come.
func TestExpired(t *testing.T) {
	old := certificate(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	home := t.TempDir()
	db := newDatabase(t, home, ".pki/nssdb")
	c := Config{PEM: old, Stores: []string{NSS}, Home: home}
	report, err := Install(t.Context(), c)
	want(t, report, err, Failed)

	r, err := parseRoot(old)
	if err != nil {
		t.Fatal(err)
	}
	db.put(t, "of old", r)
	report, err = Status(t.Context(), c)
	want(t, report, err, Failed)
	report, err = Uninstall(t.Context(), c)
	want(t, report, err, Absent)
	if db.has(t, "of old") {
		t.Error("it is still there")
	}
}
