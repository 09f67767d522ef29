package password

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHashAndVerify(t *testing.T) {
	pw := []byte("correct horse battery staple \x00ü")
	encoded, err := Hash(pw)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(encoded, "$argon2id$v=19$m=65536,t=3,p=") || strings.Contains(encoded, "horse") {
		t.Errorf("%s", encoded)
	}
	for text, want := range map[string]bool{string(pw): true, string(pw[1:]): false, string(pw) + "\n": false} {
		if got, err := Verify(encoded, []byte(text)); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	again, err := Hash(pw)
	if err != nil || again == encoded {
		t.Errorf("the same verifier twice: %v", err)
	}
	if _, err := Hash(nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty: %v", err)
	}
	if ok, err := Verify(encoded, nil); ok || !errors.Is(err, ErrEmpty) {
		t.Errorf("empty: %v %v", ok, err)
	}
}

// Made by the authors' library (argon2-cffi 25.1 on libargon2), and not by this one.
func TestVerifyOthersHash(t *testing.T) {
	const encoded = "$argon2id$v=19$m=65536,t=3,p=2$c29tZXNhbHRzb21lc2FsdA$Mc+sH87aNueUO4cq5d9rZS4RyohL9+MBTCoI77yQ/cE"
	if ok, err := Verify(encoded, []byte("password")); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	salt, hash := strings.Repeat("A", 22), strings.Repeat("A", 43)
	good := "$argon2id$v=19$m=65536,t=3,p=1$" + salt + "$" + hash
	if _, err := parse(good); err != nil {
		t.Fatal(err)
	}
	for _, encoded := range []string{
		"", "x", "$", "$$$$$", good + "$", good + "\n", " " + good, "$2a$10$abc",
		strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1), strings.Replace(good, "$v=19", "", 1),
		strings.Replace(good, "m=65536", "m=65535", 1), strings.Replace(good, "m=65536", "m=8", 1), strings.Replace(good, "m=65536", "m=4294967295", 1),
		strings.Replace(good, "m=65536", "m=1048577", 1), strings.Replace(good, "m=65536", "m=065536", 1), strings.Replace(good, "m=65536", "m=+65536", 1),
		strings.Replace(good, "m=65536", "m=4295032832", 1), // 65536 after 32 bits
		strings.Replace(good, "t=3", "t=2", 1), strings.Replace(good, "t=3", "t=0", 1), strings.Replace(good, "t=3", "t=17", 1), strings.Replace(good, "t=3", "t=-3", 1),
		strings.Replace(good, "p=1", "p=0", 1), strings.Replace(good, "p=1", "p=5", 1), strings.Replace(good, "p=1", "p=257", 1),
		strings.Replace(good, ",p=1", "", 1), strings.Replace(good, "p=1", "p=1,x=1", 1), strings.Replace(good, "m=65536,t=3", "t=3,m=65536", 1),
		strings.Replace(good, salt, salt[2:], 1), strings.Replace(good, salt, "", 1), strings.Replace(good, salt, salt+"==", 1), strings.Replace(good, salt, salt[1:]+"B", 1),
		strings.Replace(good, hash, hash[2:], 1), strings.Replace(good, hash, "", 1), strings.Replace(good, hash, hash[:21]+"\n"+hash[21:], 1), strings.Replace(good, hash, strings.Repeat("A", 200), 1),
		strings.Replace(good, hash, strings.Repeat("!", 43), 1),
	} {
		ok, err := Verify(encoded, []byte("pw"))
		if ok || !errors.Is(err, ErrVerifier) {
			t.Errorf("%q: %v, %v", encoded, ok, err)
			continue
		}
		if strings.Contains(err.Error(), "AAA") {
			t.Errorf("the error quotes the verifier: %v", err)
		}
	}
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw")
	for _, c := range []struct{ text, want string }{
		{"pw", "pw"}, {"pw\n", "pw"}, {"pw\r\n", "pw"}, {"pw\nwhat it is for\n", "pw"}, {" p w \n", " p w "}, {"pw\r\r\n", "pw\r"}, {"\xff\x00\n", "\xff\x00"},
		{strings.Repeat("x", maxFile), strings.Repeat("x", maxFile)},
		{"", ""}, {"\n", ""}, {"\r\n", ""}, {"\npw\n", ""},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadFile(path)
		if !bytes.Equal(got, []byte(c.want)) || (err != nil) != (c.want == "") || c.want == "" && !errors.Is(err, ErrEmpty) {
			t.Errorf("%.20q: %.20q, %v", c.text, got, err)
		}
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, path + ".missing", filepath.Dir(path), "/dev/zero"} {
		if got, err := ReadFile(path); err == nil || len(got) > 0 || strings.Contains(err.Error(), "xxx") {
			t.Errorf("%s: %d bytes, %v", path, len(got), err)
		}
	}
}

func TestExposed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(path, []byte("pw\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode os.FileMode
		want bool
	}{{0o600, false}, {0o400, false}, {0o640, true}, {0o604, true}, {0o644, true}} {
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		if got := Exposed(path); got != c.want {
			t.Errorf("%o: %v", c.mode, got)
		}
	}
	if Exposed(path+".missing") || Exposed(os.DevNull) {
		t.Error("what is no file is exposed")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=3,p=1$" + strings.Repeat("A", 22) + "$" + strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, encoded string) {
		p, err := parse(encoded)
		if err != nil {
			return
		}
		if p.memory < memory || p.memory > maxMemory || p.passes < passes || p.passes > maxPasses || p.lanes < 1 || p.lanes > maxLane || p.String() != encoded {
			t.Errorf("%q is %+v", encoded, p)
		}
	})
}
