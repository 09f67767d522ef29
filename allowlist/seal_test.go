package allowlist

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sealedPolicy is a policy file after three changes, and what it held after each.
func sealedPolicy(t *testing.T) (path string, texts []string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "policy", "wsp_1.json")
	for i := range 3 {
		allow(t, path, fmt.Sprintf("h%d.test", i))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
	return path, texts
}

func allow(t *testing.T, path, host string) {
	t.Helper()
	err := UpdatePolicy(path, func(p *Policy) error {
		p.Rules, p.Password = append(p.Rules, Rule{Host: host}), "$argon2id$ours"
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// refused demands that no way into the policy takes the file, and that it stays.
func refused(t *testing.T, path, what, want string) {
	t.Helper()
	before, readErr := os.ReadFile(path)
	_, err := LoadPolicy(path)
	var s *SealError
	if !errors.As(err, &s) || !strings.Contains(s.Reason, want) || s.Hint() == "" {
		t.Errorf("%s: load: %v, want one that says %q", what, err, want)
	}
	called := false
	if err := UpdatePolicy(path, func(*Policy) error { called = true; return nil }); !errors.As(err, &s) || called {
		t.Errorf("%s: update: %v, called %v", what, err, called)
	}
	if after, err := os.ReadFile(path); string(after) != string(before) || (err == nil) != (readErr == nil) {
		t.Errorf("%s: the file has become %q", what, after)
	}
}

// L9: a client edits the policy file.
func TestL9EditedPolicy(t *testing.T) {
	path, texts := sealedPolicy(t)
	good := texts[2]
	var f map[string]json.RawMessage
	if err := json.Unmarshal([]byte(good), &f); err != nil {
		t.Fatal(err)
	}
	delete(f, "seal")
	bare, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	mac := load(t, path).seal.MAC
	for what, text := range map[string]string{
		"another host":     strings.Replace(good, "h1.test", "evil.test", 1),
		"another password": strings.Replace(good, "ours", "mine", 1),
		"no password":      strings.Replace(good, "$argon2id$ours", "", 1),
		"a later count":    strings.Replace(good, `"count": 3`, `"count": 4`, 1),
		"an earlier form":  strings.Replace(good, `"version": 3`, `"version": 2`, 1),
		"something beside": strings.Replace(good, `"version"`, `"more": 1, "version"`, 1),
		"a name twice":     strings.Replace(good, `"password"`, `"password": "", "rules": [], "password"`, 1),
		"no seal":          string(bare),
		"no seal, earlier": strings.Replace(string(bare), `"version":3`, `"version":1`, 1),
		"an empty MAC":     strings.Replace(good, mac, "", 1),
		"a cut MAC":        strings.Replace(good, mac, mac[:32], 1),
	} {
		if text == good {
			t.Fatalf("%s: nothing was changed", what)
		}
		save(t, path, text)
		if what == "a name twice" { // what counts is the last, which is what was sealed
			if p := load(t, path); len(p.Rules) != 3 || p.Password == "" {
				t.Errorf("%s: %+v", what, p)
			}
			continue
		}
		refused(t, path, what, "something else than agentsecrets")
	}
	save(t, path, strings.Join(strings.Fields(good), " ")) // the same content
	if p := load(t, path); len(p.Rules) != 3 || !p.Sealed() {
		t.Errorf("%+v", p)
	}
}

// L9: a client puts an older policy back, or that of another workspace, or takes it away.
func TestL9SwappedPolicy(t *testing.T) {
	path, texts := sealedPolicy(t)
	for i, text := range texts[:2] {
		save(t, path, text)
		refused(t, path, fmt.Sprint("change ", i+1), "is an older one")
	}
	other := filepath.Join(filepath.Dir(path), "wsp_2.json")
	for range 3 {
		allow(t, other, "other.test")
	}
	foreign, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	save(t, path, string(foreign))
	refused(t, path, "another workspace's", "does not hold")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refused(t, path, "none", "is gone")

	save(t, path, texts[2])
	allow(t, path, "h3.test") // and all is well again
	save(t, path, texts[2])
	refused(t, path, "the one before", "is an older one")
}

// L9: a policy that was sealed is not believed when its key is gone, and a damaged key is not replaced.
func TestL9LostKey(t *testing.T) {
	path, _ := sealedPolicy(t)
	key := filepath.Dir(path) + ".key"
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	kept, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{", `{"version":1,"key":"ab","policies":{}}`, `{"version":0}`, strings.Replace(string(kept), `"version": 1`, `"version": 2`, 1)} {
		save(t, key, text)
		refused(t, path, text, "")
		if b, err := os.ReadFile(key); err != nil || string(b) != text {
			t.Errorf("the key %q has become %q", text, b)
		}
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	refused(t, path, "no key", "is gone")
}

// A crash between the two files leaves the policy one ahead: it counts, and is not taken for a step back.
func TestCrashBetweenPolicyAndCount(t *testing.T) {
	path, texts := sealedPolicy(t)
	key := filepath.Dir(path) + ".key"
	before, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	allow(t, path, "h3.test")
	save(t, key, string(before))
	if p := load(t, path); len(p.Rules) != 4 {
		t.Errorf("%+v", p.Rules)
	}
	allow(t, path, "h4.test")
	save(t, path, texts[2])
	refused(t, path, "before the crash", "is an older one")
}

// A policy that is changed all the time never looks as if it had been put back.
func TestLoadBesideUpdates(t *testing.T) {
	path, _ := sealedPolicy(t)
	ended := make(chan error, 1)
	go func() {
		var err error
		for range 60 {
			err = errors.Join(err, UpdatePolicy(path, func(*Policy) error { return nil }))
		}
		ended <- err
	}()
	for n := 0; ; n++ {
		select {
		case err := <-ended:
			if err != nil || n == 0 {
				t.Errorf("%v after %d", err, n)
			}
			return
		default:
			if _, err := LoadPolicy(path); err != nil {
				t.Fatalf("load %d: %v", n, err)
			}
		}
	}
}

// L9: recovering asks for the password that was set, not for one that the edited file brings along.
func TestL9Recover(t *testing.T) {
	path, texts := sealedPolicy(t)
	r, err := OpenRecovery(path)
	if err != nil || r.Broken != nil || r.Verifier != "$argon2id$ours" {
		t.Errorf("%+v, %v", r, err)
	}
	save(t, path, strings.NewReplacer("ours", "mine", "h1.test", "evil.test").Replace(texts[2]))
	r, err = OpenRecovery(path)
	var s *SealError
	if err != nil || !errors.As(r.Broken, &s) || r.Verifier != "$argon2id$ours" || r.Policy.Rules[1].Host != "evil.test" {
		t.Fatalf("%+v, %v", r, err)
	}
	save(t, path, texts[1])
	if err := r.Reseal(Change{Action: "recover"}); !errors.As(err, &s) || !strings.Contains(s.Reason, "while you looked") {
		t.Errorf("%v", err)
	}
	refused(t, path, "still", "is an older one")
	if r, err = OpenRecovery(path); err != nil || r.Broken == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := r.Reseal(Change{Action: "recover"}); err != nil {
		t.Fatal(err)
	}
	if p := load(t, path); len(p.Rules) != 2 || p.Password != "$argon2id$ours" || !p.Sealed() {
		t.Errorf("%+v", p)
	}
	save(t, path, texts[2])
	refused(t, path, "the one before", "is an older one")

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if r, err = OpenRecovery(path); err != nil || r.Broken == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := r.Reseal(Change{Action: "recover"}); err != nil {
		t.Fatal(err)
	}
	if p := load(t, path); len(p.Rules) != 0 || p.Password != "$argon2id$ours" {
		t.Errorf("%+v", p)
	}
}

// Who reads while the first key is made, and the first policy sealed by it, believes that policy.
func TestLoadBesideTheFirstUpdate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy", "wsp_1.json")
	before, err := keeperOf(path)
	if err != nil {
		t.Fatal(err)
	}
	allow(t, path, "h.test")
	if p, err := loadBy(path, before); err != nil || len(p.Rules) != 1 {
		t.Errorf("%v, %v", p, err)
	}
}
