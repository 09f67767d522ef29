//go:build unix

package daemon

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Another user's process is refused also where the modes of files would let it in.
func TestL3Stranger(t *testing.T) {
	cred := nobody()
	if cred == nil {
		return // only root has another user at hand; make test is run as root in CI
	}
	home := openHome(t)
	if _, err := launch(t, home, "daemon"); err != nil {
		t.Fatal(err)
	}
	defer Stop(t.Context(), home, -1)
	socket := filepath.Join(home, socketFile)
	if out := asStranger(t, cred, "stranger", socket); !strings.Contains(out, "permission denied") {
		t.Errorf("with the modes that the daemon gave: %s", out)
	}
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	if out := asStranger(t, cred, "stranger", socket); strings.Count(out, "another user's process") != 4 {
		t.Errorf("another user's process got: %s", out)
	}
	if _, err := Ask(t.Context(), home); err != nil {
		t.Errorf("it is gone: %v", err)
	}
}

// A socket that another user put where ours would be is told nothing.
func TestL3Squatter(t *testing.T) {
	cred := nobody()
	if cred == nil {
		return
	}
	home := openHome(t)
	if err := os.Chmod(home, 0o777); err != nil {
		t.Fatal(err)
	}
	out := asStranger(t, cred, "squatter", filepath.Join(home, socketFile))
	if _, err := Ask(t.Context(), home); err == nil || !strings.Contains(err.Error(), "belongs to another user") {
		t.Errorf("%v; the squatter says %q", err, out)
	}
}

// nobody is another user; nil where this one may not choose.
func nobody() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	return &syscall.Credential{Uid: 65534, Gid: 65534}
}

// openHome is a home that others can go into.
func openHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	for dir := home; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	return home
}

// asStranger runs a helper as another user until it has said a line.
func asStranger(t *testing.T, cred *syscall.Credential, as, arg string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", arg)
	cmd.Env = append(os.Environ(), "DAEMON_TEST="+as)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	buf := make([]byte, 4<<10)
	n, _ := r.Read(buf)
	return string(buf[:n])
}
