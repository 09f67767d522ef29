package trust

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

type helperAnswer struct {
	Report      Report
	Error, Hint string
}

// asNobody runs a helper without rights, also if we are root.
func asNobody(t *testing.T, cmd *exec.Cmd) helperAnswer {
	t.Helper()
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var answer helperAnswer
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("it said something else: %v\n%s", err, out)
	}
	return answer
}

func TestSystemWithoutRights(t *testing.T) {
	before := systemState(t)
	a, _ := authority(t)
	answer := asNobody(t, helper(System, a))
	if len(answer.Report) != 1 || answer.Report[0].State != Failed || answer.Hint != "sudo agentsecrets ca install" {
		t.Errorf("%+v", answer)
	}
	if after := systemState(t); !slices.Equal(before, after) {
		t.Errorf("changed: %v", after)
	}
}

// systemState is every certificate of the bundle, and everything of ours beside it.
func systemState(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for der := range certificates(data) {
		all = append(all, string(der))
	}
	slices.Sort(all)
	for _, dir := range []string{"/etc/ssl/certs", "/usr/local/share/ca-certificates"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			to, _ := os.Readlink(filepath.Join(dir, e.Name()))
			if strings.Contains(e.Name()+to, "agentsecrets-") {
				all = append(all, e.Name())
			}
		}
	}
	return all
}

// curl is a client without a variable or option that names roots.
func curl(t *testing.T, url, resolve string) bool {
	t.Helper()
	cmd := exec.Command("curl", "-q", "-sS", "--resolve", resolve, url)
	cmd.Env = []string{"PATH=" + toolPath}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	const untrusted = 60 // CURLE_PEER_FAILED_VERIFICATION
	switch {
	case err == nil && string(out) == "hello\n":
		return true
	case errors.As(err, &exit) && exit.ExitCode() == untrusted:
		return false
	}
	t.Fatalf("curl: %v: %s", err, out)
	return false
}

// The real store of this machine, which is as before in the end. Others may only be refused.
func TestSystem(t *testing.T) {
	if os.Geteuid() != 0 {
		return // as TestSystemWithoutRights
	}
	a, r := authority(t)
	url, resolve := origin(t, a, "api.acme.test")
	c := Config{PEM: a.PEM(), Stores: []string{System}}
	before := systemState(t)
	t.Cleanup(func() {
		if _, err := Uninstall(context.Background(), c); err != nil {
			t.Error(err)
		}
		if after := systemState(t); !slices.Equal(before, after) {
			t.Errorf("the store of this machine is not as before: %d entries, now %d", len(before), len(after))
		}
		inJava(t, r, false)
	})
	path := filepath.Join("/usr/local/share/ca-certificates", r.name+".crt")
	rounds(t, c, func() bool {
		trusted := curl(t, url, resolve)
		info, err := os.Stat(path)
		if (err == nil) != trusted || err == nil && info.Mode().Perm() != 0o644 {
			t.Errorf("trusted: %v; %v, %v", trusted, info, err)
		}
		if trusted { // OpenSSL's links as well
			output(t, "openssl", "verify", "-no-CAfile", "-CApath", "/etc/ssl/certs", path)
		}
		return trusted
	})
}

// inJava looks into the machine's own Java, which Debian's hook changes with the system's store.
func inJava(t *testing.T, r *root, want bool) {
	t.Helper()
	report, err := Status(context.Background(), Config{PEM: r.pem, Stores: []string{Java}})
	if err != nil {
		t.Error(err)
	}
	for _, one := range report {
		if (one.State == Installed) != want {
			t.Errorf("%+v", one)
		}
	}
}
