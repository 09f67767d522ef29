// Package password keeps and checks the workspace password.
//
//	pw, err := password.ReadFile(path)
//	encoded, err := password.Hash(pw) // "$argon2id$v=19$m=65536,t=3,p=2$…$…", to be stored
//	ok, err := password.Verify(encoded, pw)
//	if err != nil || !ok {
//		// refuse
//	}
//
// Guarantees: each hash has a salt of its own; a stored verifier that is weaker than what Hash makes, or dearer than a
// machine can bear, is an error and lets nobody in; comparing takes the same time whatever differs; no error quotes a
// password or a verifier.
package password

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

const (
	saltLen = 16
	hashLen = 32
	maxLane = 4
)

// The most that Verify takes, so that a planted verifier cannot eat the machine.
const (
	maxMemory = 1 << 20 // KiB
	maxPasses = 16
	maxBytes  = 64 // of salt and hash
)

// ErrEmpty says that a password is empty: it would protect nothing.
var ErrEmpty = errors.New("the password is empty")

// ErrVerifier says that a stored verifier is not one that Hash could have made.
var ErrVerifier = errors.New("the stored password verifier cannot be used")

type params struct {
	memory, passes uint32
	lanes          uint8
	salt, hash     []byte
}

// Hash returns a verifier for pw: an Argon2id hash as a PHC string.
func Hash(pw []byte) (string, error) {
	if len(pw) == 0 {
		return "", ErrEmpty
	}
	p := params{memory: memory, passes: passes, lanes: uint8(min(runtime.GOMAXPROCS(0), maxLane)), salt: make([]byte, saltLen)}
	_, _ = rand.Read(p.salt) // never fails (crypto/rand)
	p.hash = p.derive(pw, hashLen)
	return p.String(), nil
}

// Verify reports whether encoded was made from pw.
func Verify(encoded string, pw []byte) (bool, error) {
	p, err := parse(encoded)
	if err != nil {
		return false, err
	}
	if len(pw) == 0 {
		return false, ErrEmpty
	}
	return subtle.ConstantTimeCompare(p.derive(pw, len(p.hash)), p.hash) == 1, nil
}

func (p params) derive(pw []byte, n int) []byte {
	return argon2.IDKey(pw, p.salt, p.passes, p.memory, p.lanes, uint32(n))
}

func (p params) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.memory, p.passes, p.lanes,
		b64.EncodeToString(p.salt), b64.EncodeToString(p.hash))
}

// parse takes exactly the form that String gives.
func parse(encoded string) (params, error) {
	parts := strings.Split(encoded, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return params{}, fmt.Errorf("%w: it is not an Argon2id hash of version %d", ErrVerifier, argon2.Version)
	}
	p, err := costs(parts[3])
	if err != nil {
		return params{}, err
	}
	for _, f := range []struct {
		text string
		to   *[]byte
		min  int
	}{{parts[4], &p.salt, saltLen}, {parts[5], &p.hash, hashLen}} {
		b, err := base64.RawStdEncoding.Strict().DecodeString(f.text)
		if err != nil || len(b) < f.min || len(b) > maxBytes {
			return params{}, fmt.Errorf("%w: its salt or hash is damaged", ErrVerifier)
		}
		*f.to = b
	}
	if p.String() != encoded { // signs, leading zeros, line ends in base64
		return params{}, fmt.Errorf("%w: it is not in the usual form", ErrVerifier)
	}
	return p, nil
}

func costs(text string) (params, error) {
	var v [3]uint64
	fields := strings.Split(text, ",")
	if len(fields) != len(v) {
		return params{}, fmt.Errorf("%w: its costs are damaged", ErrVerifier)
	}
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(fields[i], name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil {
			return params{}, fmt.Errorf("%w: its costs are damaged", ErrVerifier)
		}
		v[i] = n
	}
	switch m, t, p := v[0], v[1], v[2]; {
	case m < memory || t < passes || p < 1:
		return params{}, fmt.Errorf("%w: it is weaker than this program allows", ErrVerifier)
	case m > maxMemory || t > maxPasses || p > maxLane:
		return params{}, fmt.Errorf("%w: it asks for more memory or time than this program allows", ErrVerifier)
	}
	return params{memory: uint32(v[0]), passes: uint32(v[1]), lanes: uint8(v[2])}, nil
}
