//go:build unix

package atomicfile

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestMkdirPrivate(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o002))
	base := t.TempDir()
	path := filepath.Join(base, "parent", "home")
	for range 2 { // made, then found
		if err := MkdirPrivate(path); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{path, filepath.Dir(path)} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
}

func TestL10MkdirPrivateRefuses(t *testing.T) {
	base := t.TempDir()
	file := filepath.Join(base, "file")
	mustWrite(t, file, "", 0o600)
	link, dangling := filepath.Join(base, "link"), filepath.Join(base, "dangling")
	mustLink(t, base, link)
	mustLink(t, filepath.Join(base, "nothing"), dangling)
	cases := map[string]string{file: "not a directory", link: "symbolic link", dangling: "symbolic link", theirs(t, true): "another user"}
	for path, want := range cases {
		refused(t, MkdirPrivate(path), path, want)
	}
	if _, err := os.Stat(filepath.Join(base, "nothing")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("made a directory through a dangling link")
	}
	for mode, ok := range map[fs.FileMode]bool{0o700: true, 0o755: true, 0o770: false, 0o702: false, 0o777: false} {
		path := filepath.Join(base, "d")
		if err := errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
		if err := MkdirPrivate(path); ok != (err == nil) {
			t.Errorf("mode %04o: %v", mode, err)
		} else if !ok {
			refused(t, err, path, "changed by other users")
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	mustWrite(t, path, "content", 0o600)
	for mode := range fs.FileMode(0o1000) {
		if mode&0o400 == 0 {
			continue // that even the owner may not read it is for the kernel to say
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		data, err := ReadPrivate(path)
		if mode&0o077 != 0 {
			refused(t, err, path, "open to other users")
		} else if err != nil || string(data) != "content" {
			t.Errorf("mode %04o: %q, %v", mode, data, err)
		}
	}
}

func TestL10ReadPrivateRefuses(t *testing.T) {
	dir := t.TempDir()
	file, link, fifo := filepath.Join(dir, "f"), filepath.Join(dir, "link"), filepath.Join(dir, "fifo")
	mustWrite(t, file, "content", 0o600)
	mustLink(t, file, link)
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{link: "symbolic link", fifo: "not a file", dir: "not a file", theirs(t, false): "another user"} {
		_, err := ReadPrivate(path)
		refused(t, err, path, want)
	}
	if _, err := ReadPrivate(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

func TestWriteSetsTheModeWhateverTheUmask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	path := filepath.Join(t.TempDir(), "f")
	for _, mode := range []fs.FileMode{0o644, 0o600, 0o400} {
		if err := Write(path, nil, mode); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
			t.Errorf("mode %v, %v; want %04o", info.Mode(), err, mode)
		}
	}
}

func TestHintsCanBePasted(t *testing.T) {
	for path, want := range map[string]string{"/a/b-c.txt": "/a/b-c.txt", "/a b": "'/a b'", "/it's": `'/it'\''s'`, "$(x)": "'$(x)'", "": "''"} {
		if got := ShellWord(path); got != want {
			t.Errorf("ShellWord(%q) = %s, want %s", path, got, want)
		}
	}
}

// A file is put aside once, and whatever is pasted again takes nothing away.
func TestAsideLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "it's here.json")
	paste := func(command string) {
		if out, err := exec.Command("sh", "-c", command).CombinedOutput(); err != nil {
			t.Logf("%s: %v, %s", command, err, out) // mv -n: some say that nothing was moved
		}
	}
	var first string
	for _, text := range []string{"one", "two"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		command := Aside(path, Damaged)
		first = cmp.Or(first, command)
		paste(command)
	}
	if err := os.WriteFile(path, []byte("three"), 0o600); err != nil {
		t.Fatal(err)
	}
	paste(first)
	for path, want := range map[string]string{path: "three", path + ".damaged": "one", path + ".damaged-2": "two"} {
		if got, err := os.ReadFile(path); string(got) != want {
			t.Errorf("%s holds %q, want %q: %v", path, got, want, err)
		}
	}
}

// theirs is a path of somebody else: root can give one away, others find one in every system.
func theirs(t *testing.T, dir bool) string {
	t.Helper()
	if os.Geteuid() != 0 {
		return map[bool]string{true: "/etc", false: "/etc/passwd"}[dir]
	}
	path := filepath.Join(t.TempDir(), "theirs")
	if dir {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	} else {
		mustWrite(t, path, "", 0o600)
	}
	if err := os.Chown(path, 65534, -1); err != nil {
		t.Fatal(err)
	}
	return path
}

func refused(t *testing.T, err error, path, reason string) {
	t.Helper()
	var insecure *InsecureError
	if !errors.As(err, &insecure) || insecure.Path != path || !strings.Contains(err.Error(), reason) {
		t.Errorf("%s: error %v, want an InsecureError with %q", path, err, reason)
		return
	}
	if reason != "not a file" && reason != "not a directory" && insecure.Hint() == "" {
		t.Errorf("%s: no hint", err)
	}
}

// A hard link that is planted at path is another file of ours, which keeps what it has.
func TestL10HardLink(t *testing.T) {
	dir := t.TempDir()
	victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "path")
	mustWrite(t, victim, "content", 0o600)
	if err := os.Link(victim, path); err != nil {
		t.Fatal(err)
	}
	for _, flag := range []int{os.O_RDWR, os.O_WRONLY, os.O_RDWR | os.O_CREATE | os.O_APPEND} {
		f, err := OpenPrivate(path, flag)
		if err == nil {
			f.Close()
		}
		refused(t, err, path, "another name")
	}
	_, err := Lock(path)
	refused(t, err, path, "another name")
	if data, err := ReadPrivate(path); err != nil || string(data) != "content" {
		t.Errorf("read: %q, %v", data, err)
	}
	if err := Write(path, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(victim); err != nil || string(data) != "content" {
		t.Errorf("the other file holds %q, %v", data, err)
	}
	f, err := OpenPrivate(path, os.O_RDWR|os.O_APPEND) // it has one name again
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestL10OpenRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFile(path); err != nil || string(data) != "content" {
		t.Errorf("%q, %v", data, err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{link, dir, "/dev/zero"} {
		if f, err := Open(bad); err == nil {
			f.Close()
			t.Errorf("%s was opened", bad)
		}
	}
	if _, err := ReadFile(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
