package agefile

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	agetest "c2sp.org/CCTV/age"
)

// vector is one file of the age test vectors, as their README describes it.
type vector struct {
	expect, payload string
	identities      []age.Identity
	armored         bool
	file            []byte
}

// The format's own vectors go through the function that opens vaults: it gives the plaintext of every good file, and
// nothing at all of a bad one, however late in it the fault.
func TestA11AgeVectors(t *testing.T) {
	files, err := fs.ReadDir(agetest.Vectors, ".")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 143 {
		t.Errorf("only %d vectors", len(files))
	}
	for _, f := range files {
		t.Run(f.Name(), func(t *testing.T) {
			t.Parallel()
			v := readVector(t, f.Name())
			plain, err := v.open()
			sum := sha256.Sum256(plain)
			switch {
			case v.expect != "success" && (err == nil || plain != nil):
				t.Errorf("%d bytes, %v; want %s", len(plain), err, v.expect)
			case v.expect == "success" && (err != nil || hex.EncodeToString(sum[:]) != v.payload):
				t.Errorf("%d bytes, %v; want success", len(plain), err)
			}
		})
	}
}

func (v vector) open() ([]byte, error) {
	file := v.file
	if v.armored {
		var err error
		if file, err = io.ReadAll(armor.NewReader(bytes.NewReader(file))); err != nil {
			return nil, err
		}
	}
	return decrypt(file, v.identities...)
}

func readVector(t *testing.T, name string) (v vector) {
	t.Helper()
	rest, err := fs.ReadFile(agetest.Vectors, name)
	if err != nil {
		t.Fatal(err)
	}
	compressed := false
	for {
		var line []byte
		line, rest, _ = bytes.Cut(rest, []byte("\n"))
		if len(line) == 0 {
			break
		}
		key, text, _ := bytes.Cut(line, []byte(": "))
		switch string(key) {
		case "expect":
			v.expect = string(text)
		case "payload":
			v.payload = string(text)
		case "identity", "passphrase":
			v.identities = append(v.identities, identityOf(t, string(key), string(text)))
		case "armored":
			v.armored = true
		case "compressed":
			compressed = true
		case "comment", "file key":
		default:
			t.Fatalf("a header that is not known: %s", line)
		}
	}
	if v.file = rest; compressed {
		v.file = inflate(t, rest)
	}
	return v
}

func identityOf(t *testing.T, kind, text string) (id age.Identity) {
	t.Helper()
	var err error
	if kind == "passphrase" {
		id, err = age.NewScryptIdentity(text)
	} else if id, err = age.ParseX25519Identity(text); err != nil {
		id, err = age.ParseHybridIdentity(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func inflate(t *testing.T, b []byte) []byte {
	t.Helper()
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}
