package keyring

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// helperEnv makes the test binary another process: one that joins a new session without a link to the user keyring, as
// systemd starts services, and says what it finds under an ID.
const helperEnv = "KEYRING_TEST"

func TestMain(m *testing.M) {
	words := strings.Fields(os.Getenv(helperEnv))
	if len(words) == 0 {
		os.Exit(m.Run())
	}
	if err := help(words[0], words[1]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func help(what, id string) error {
	runtime.LockOSThread() // which alone is in it
	if _, err := unix.KeyctlJoinSessionKeyring(id); err != nil {
		return err
	}
	if what == "keep" {
		return Keyring{}.Keep(id, []byte("from another session"), time.Minute)
	}
	secret, _ := Keyring{}.Held(id)
	fmt.Printf("%s", secret)
	return nil
}

func inAnotherSession(t *testing.T, uid int, what, id string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), helperEnv+"="+what+" "+id)
	if uid != os.Geteuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// usableHere is false where this machine forbids keyrings, as containers do. Then it tests what is said there.
func usableHere(t *testing.T) (k Keyring, id string, usable bool) {
	t.Helper()
	id = fmt.Sprintf("test-%d-%s", os.Getpid(), t.Name())
	if k.Usable() == nil {
		t.Cleanup(func() { _ = k.Forget(id) })
		return k, id, true
	}
	var none *UnavailableError
	if err := k.Keep(id, []byte("secret"), time.Hour); !errors.As(err, &none) {
		t.Errorf("keep: %v", err)
	}
	if secret, _ := k.Held(id); secret != nil || k.Generation(id) != "none" {
		t.Errorf("%q is held", secret)
	}
	return k, id, false
}

func TestKeepHeldForget(t *testing.T) {
	k, id, usable := usableHere(t)
	if !usable {
		return
	}
	if secret, _ := k.Held(id); secret != nil || k.Forget(id) != nil {
		t.Fatalf("%q is there already", secret)
	}
	seen := map[string]bool{k.Generation(id): true}
	for _, text := range []string{"one", "two\nlines", "two\nlines"} {
		if err := k.Keep(id, []byte(text), time.Hour); err != nil {
			t.Fatal(err)
		}
		secret, until := k.Held(id)
		if left := time.Until(until); string(secret) != text || left < 59*time.Minute || left > time.Hour {
			t.Errorf("%q until %v, want %q", secret, until, text)
		}
		if g := k.Generation(id); seen[g] || g != k.Generation(id) {
			t.Errorf("generation %s", g)
		} else {
			seen[g] = true
		}
	}
	if err := k.Forget(id); err != nil {
		t.Fatal(err)
	}
	if secret, _ := k.Held(id); secret != nil || k.Generation(id) != "none" {
		t.Errorf("%q is still there", secret)
	}
	if k.Keep(id, nil, time.Hour) == nil || k.Keep(id, []byte("x"), time.Second-1) == nil || k.Keep(id, make([]byte, maxBytes), time.Hour) == nil {
		t.Error("kept what cannot be kept")
	}
}

func TestItEndsByItself(t *testing.T) {
	k, id, usable := usableHere(t)
	if !usable {
		return
	}
	if err := k.Keep(id, []byte("secret"), time.Second); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if secret, _ := k.Held(id); secret == nil && k.Generation(id) == "none" {
			return
		}
	}
	t.Error("it is there long after its time")
}

func TestOtherSessionsOfThisUser(t *testing.T) {
	k, id, usable := usableHere(t)
	if !usable {
		return
	}
	if err := k.Keep(id, []byte("from this session"), time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := inAnotherSession(t, os.Geteuid(), "read", id); got != "from this session" {
		t.Errorf("another session reads %q", got)
	}
	inAnotherSession(t, os.Geteuid(), "keep", id)
	if secret, _ := k.Held(id); string(secret) != "from another session" {
		t.Errorf("this session reads %q", secret)
	}
	if err := k.Forget(id); err != nil {
		t.Fatal(err)
	}
	if got := inAnotherSession(t, os.Geteuid(), "read", id); got != "" {
		t.Errorf("after Forget another session reads %q", got)
	}
}

// Nobody else: not under the name, not by the serial number, whatever they possess.
func TestOtherUsers(t *testing.T) {
	k, id, usable := usableHere(t)
	if !usable {
		return
	}
	if err := k.Keep(id, []byte("secret"), time.Minute); err != nil {
		t.Fatal(err)
	}
	serial, err := find(describe(id))
	if err != nil {
		t.Fatal(err)
	}
	text, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, serial)
	if err != nil || !strings.Contains(text, fmt.Sprintf(";%08x;", mode)) || mode&0xffff != 0 {
		t.Errorf("the kernel says %q, %v", text, err)
	}
	if os.Geteuid() != 0 {
		return // nobody to be
	}
	if got := inAnotherSession(t, 65534, "read", id); got != "" {
		t.Errorf("another user reads %q", got)
	}
}

func TestDecodeTakesOnlyItsOwn(t *testing.T) {
	until := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	if secret, at := decode(encode([]byte("a\nb"), until)); string(secret) != "a\nb" || !at.Equal(until) {
		t.Errorf("%q %v", secret, at)
	}
	for _, text := range []string{"", "secret", "until 2030-01-02T03:04:05Z", "until 2030-01-02T03:04:05Z\n", "until soon\nsecret", "2030-01-02T03:04:05Z\nsecret"} {
		if secret, _ := decode([]byte(text)); secret != nil {
			t.Errorf("%q is %q", text, secret)
		}
	}
}
