package mitm_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
)

const smallDiskEnv = "MITM_TEST_SMALL_DISK"

// A disk of 64 KiB fills up while values are sent. It is one of a mount
// namespace of the test's own: as root by unshare -m, otherwise in a user
// namespace. Where a system allows neither, TestA3AuditUnavailable here and the
// tests of audit with /dev/full and a file size limit are what is left.
func TestA3FullDisk(t *testing.T) {
	if dir := os.Getenv(smallDiskEnv); dir != "" {
		onSmallDisk(t, dir)
		return
	}
	args := []string{"-m"}
	if os.Getuid() != 0 {
		args = []string{"-m", "-r"}
	}
	if out, err := exec.Command("unshare", append(args, "true")...).CombinedOutput(); err != nil {
		t.Skipf("no mount namespace of one's own here: %v %s", err, out)
	}
	dir := t.TempDir()
	cmd := exec.Command("unshare", append(args, os.Args[0], "-test.run=^TestA3FullDisk$", "-test.count=1", "-test.v")...)
	cmd.Env = append(os.Environ(), smallDiskEnv+"="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestA3FullDisk")) {
		t.Fatalf("%v\n%s", err, out)
	}
}

func onSmallDisk(t *testing.T, dir string) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatal(err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	t.Setenv("TMPDIR", dir) // where the lab keeps its audit log
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 32<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	o := newRecorder()
	l, m := measured(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o})
	sent := 0
	for ; ; sent++ {
		resp, body := do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
		if resp.StatusCode == 503 {
			wantProblem(t, resp, body, 503, "audit_unavailable")
			break
		}
		o.take(t)
		if sent > 200 {
			t.Fatal("the disk did not fill up")
		}
	}
	if sent < 3 {
		t.Fatalf("full after %d requests", sent)
	}
	for range 5 {
		resp, body := do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
		wantProblem(t, resp, body, 503, "audit_unavailable")
		o.none(t)
		if resp, body := do(t, l, "GET", l.URL(host, "/plain"), "", nil); resp.StatusCode != 200 || body != "ok" {
			t.Fatalf("without a placeholder: %s %q", resp.Status, body)
		}
		o.take(t)
	}
	wait(t, m, `denials_total{reason="audit_unavailable"} 6`)

	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	for {
		resp, _ := do(t, l, "GET", l.URL(host, "/again"), "", bearer("KEY"))
		if resp.StatusCode == 200 {
			break
		}
		if time.Since(back) > 5*time.Second {
			t.Fatalf("no value is sent 5 s after there is space: %s", resp.Status)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("filled up after %d requests; back after %v", sent, time.Since(back))
	list, err := audit.Verify(l.AuditDir(), []byte("lab"))
	if err != nil || len(list) != 1 || list[0].State != audit.Whole || list[0].Lines < 2*sent {
		t.Errorf("the log afterwards: %+v, %v", list, err)
	}
}
