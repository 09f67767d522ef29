package agefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// attempts are all the ways to use a store in dir. None may succeed where something is wrong with it.
func attempts(t *testing.T, dir string) map[string]error {
	s := Config{Dir: dir}.store() // as one that was opened before the damage
	_, openErr := Open(dir)
	_, createErr := Create(dir)
	_, resolveErr := s.Resolve(t.Context(), ref("KEY"))
	return map[string]error{"open": openErr, "create": createErr, "resolve": resolveErr,
		"set": s.Set(t.Context(), ref("KEY"), resolve.New([]byte("new"))), "delete": s.Delete(t.Context(), ref("KEY"))}
}

// snapshot is every file's content and mode; those of the lock are no matter.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), lockName) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		content, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		fmt.Fprintf(&b, "%s %v %q\n", e.Name(), info.Mode(), content)
	}
	return b.String()
}

// refuses checks that each attempt fails as it should, changes nothing and says nothing of what is stored.
func refuses(t *testing.T, dir string, check func(error) bool) {
	t.Helper()
	before := snapshot(t, dir)
	for name, err := range attempts(t, dir) {
		if err == nil || !check(err) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		if text := err.Error() + hintOf(err); strings.Contains(text, "value") && !strings.Contains(text, "values") || strings.Contains(text, "AGE-SECRET-KEY") {
			t.Errorf("%s: says too much: %s", name, text)
		}
		if hintOf(err) == "" {
			t.Errorf("%s: no hint: %v", name, err)
		}
	}
	if after := snapshot(t, dir); after != before {
		t.Errorf("was\n%sis\n%s", before, after)
	}
}

func isCorrupt(path string) func(error) bool {
	return func(err error) bool {
		var corrupt *CorruptError
		return errors.As(err, &corrupt) && corrupt.Path == path
	}
}

// What the hint says goes back to the backup, and loses nothing of what is damaged.
func TestHintKeepsDamagedVault(t *testing.T) {
	dir := create(t)
	set(t, dir, "KEY", "one")
	set(t, dir, "KEY", "two")
	backup := read(t, dir.path(backupName))
	for _, damaged := range []bool{true, false} {
		if err := os.Remove(dir.path(vaultName)); err != nil {
			t.Fatal(err)
		}
		if damaged {
			if err := os.WriteFile(dir.path(vaultName), []byte("damaged"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		command := (&CorruptError{Path: dir.path(vaultName)}).Command()
		if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
		if read(t, dir.path(vaultName)) != backup || read(t, dir.path(vaultName+".damaged")) != "damaged" {
			t.Errorf("%s: the backup is not in place, or what was damaged is lost", command)
		}
	}
}

func TestA11DamagedVaultIsLeftAsItIs(t *testing.T) {
	base := create(t)
	set(t, base, "KEY", "one")
	set(t, base, "KEY", "two")
	good := []byte(read(t, base.path(vaultName)))
	flipped := func(at int) []byte {
		b := append([]byte(nil), good...)
		b[at] ^= 1
		return b
	}
	stranger, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := seal(values{}, stranger.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	const plain = `{"version":1,"values":{"p1:production:KEY":"dmFsdWU="}}`
	for name, content := range map[string][]byte{
		"empty": {}, "zeros": make([]byte, 300), "text": []byte("hello"), "cut": good[:len(good)-1], "cut in the header": good[:40],
		"longer": append(append([]byte(nil), good...), 0), "twice": append(append([]byte(nil), good...), good...),
		"first bit": flipped(0), "header bit": flipped(60), "MAC bit": flipped(170), "last bit": flipped(len(good) - 1),
		"foreign": foreign, "no JSON": base.sealed(t, "hello"), "nothing": base.sealed(t, ""), "null": base.sealed(t, "null"),
		"no version": base.sealed(t, `{"values":{}}`), "version 0": base.sealed(t, `{"version":0,"values":{}}`), "no values": base.sealed(t, `{"version":1}`),
		"unknown field": base.sealed(t, strings.Replace(plain, `{"version"`, `{"bindings":{},"version"`, 1)),
		"not base64":    base.sealed(t, strings.Replace(plain, "dmFsdWU=", "%value%", 1)), "more": base.sealed(t, plain+plain),
	} {
		t.Run(name, func(t *testing.T) {
			write(t, base.path(vaultName), content)
			refuses(t, base.dir, isCorrupt(base.path(vaultName)))
		})
	}
}

// The hint is a command: it is run here.
func TestHintBringsTheBackupBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's $HOME")
	s, err := Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	set(t, s, "KEY", "one")
	set(t, s, "KEY", "two")
	write(t, s.path(vaultName), []byte("damaged"))
	_, err = Open(dir)
	_, command, found := strings.Cut(hintOf(err), "to go back to it: ")
	if !found {
		t.Fatalf("hint %q", hintOf(err))
	}
	if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
	if s, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	expect(t, s, "KEY", "one")
}

func TestA11NewerVaultIsLeftAsItIs(t *testing.T) {
	s := create(t)
	set(t, s, "KEY", "one")
	write(t, s.path(vaultName), s.sealed(t, `{"version":2,"values":"elsewhere","more":[]}`))
	refuses(t, s.dir, func(err error) bool {
		var version *resolve.VersionError
		return errors.As(err, &version) && version.Version == 2 && version.Path == s.path(vaultName) && strings.Contains(err.Error(), "newer")
	})
}

func TestLostFilesAreNotMadeAgain(t *testing.T) {
	for _, c := range []struct{ remove, names string }{{identityName, identityName}, {vaultName, vaultName}, {vaultName + " " + identityName, ""}} {
		t.Run(c.remove, func(t *testing.T) {
			s := create(t)
			set(t, s, "KEY", "one")
			for name := range strings.FieldsSeq(c.remove) {
				if err := os.Remove(s.path(name)); err != nil {
					t.Fatal(err)
				}
			}
			refuses(t, s.dir, func(err error) bool {
				return c.names == "" && (isCorrupt(s.path(vaultName))(err) || isCorrupt(s.path(identityName))(err)) || isCorrupt(s.path(c.names))(err)
			})
		})
	}
}

func TestA11DamagedIdentityIsLeftAsItIs(t *testing.T) {
	s := create(t)
	set(t, s, "KEY", "one")
	good := read(t, s.path(identityName))
	key := good[strings.Index(good, "AGE-SECRET-KEY"):]
	post, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"empty": "", "only comments": strings.TrimSuffix(good, key), "zeros": strings.Repeat("\x00", 200),
		"cut": good[:len(good)-5], "letter": strings.Replace(good, key[20:21], "B", 1) + "x", "two": good + good, "of another kind": post.String() + "\n",
		"public key": strings.ToLower(key)} {
		t.Run(name, func(t *testing.T) {
			write(t, s.path(identityName), []byte(content))
			refuses(t, s.dir, isCorrupt(s.path(identityName)))
		})
	}
}

func TestFilesOpenToOthersAreRefused(t *testing.T) {
	for _, name := range []string{identityName, vaultName} {
		for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o644, 0o666, 0o777} {
			s := create(t)
			set(t, s, "KEY", "one")
			if err := os.Chmod(s.path(name), mode); err != nil {
				t.Fatal(err)
			}
			refuses(t, s.dir, func(err error) bool {
				return insecure(err, s.path(name)) && hintOf(err) == "chmod 600 "+s.path(name)
			})
		}
	}
}

func TestDirectoryOpenToOthersIsRefused(t *testing.T) {
	s := create(t)
	if err := os.Chmod(s.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	_, openErr := Open(s.dir)
	_, createErr := Create(s.dir)
	for _, err := range []error{openErr, createErr} {
		if !insecure(err, s.dir) {
			t.Errorf("error %v", err)
		}
	}
}

func TestLinksAreRefused(t *testing.T) {
	for _, name := range []string{identityName, vaultName} {
		s := create(t)
		set(t, s, "KEY", "one")
		moved := filepath.Join(t.TempDir(), "moved")
		if err := errors.Join(os.Rename(s.path(name), moved), os.Symlink(moved, s.path(name))); err != nil {
			t.Fatal(err)
		}
		refuses(t, s.dir, func(err error) bool { return insecure(err, s.path(name)) })
	}
	for _, name := range []string{backupName, lockName} { // only written, so only changes are refused
		s := create(t)
		set(t, s, "KEY", "one")
		target := filepath.Join(t.TempDir(), "target")
		write(t, target, []byte("theirs"))
		_ = os.Remove(s.path(name))
		if err := os.Symlink(target, s.path(name)); err != nil {
			t.Fatal(err)
		}
		if err := s.Set(t.Context(), ref("KEY"), resolve.New([]byte("two"))); !insecure(err, s.path(name)) {
			t.Errorf("%s: %v", name, err)
		}
		expect(t, s, "KEY", "one")
		if got := read(t, target); got != "theirs" {
			t.Errorf("wrote %q through the link %s", got, name)
		}
	}
}

func insecure(err error, path string) bool {
	var e *atomicfile.InsecureError
	return errors.As(err, &e) && e.Path == path
}
