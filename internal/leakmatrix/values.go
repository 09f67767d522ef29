package main

import (
	"encoding/hex"
	"encoding/pem"
	"math/rand/v2"
	"strings"
)

// kind is a sort of values that people have.
type kind struct {
	name  string
	value string
	twins []string // the same with every secret character replaced by another of its class
}

// placeholder is what a client of ours sends for k.
func (k kind) placeholder() string { return "AS_SECRET_" + k.secret() }

// secret is the name that k has in the store.
func (k kind) secret() string { return "MATRIX_" + strings.ToUpper(k.name) }

// inField reports whether the value can stand in a header field.
func (k kind) inField() bool { return !strings.ContainsAny(k.value, "\r\n") }

const (
	lowers  = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
	letters = lowers + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	signs   = `!"#$%&'()*+,-./:;<=>?@[\]^_{|}~` + "`"
)

// manyTwins are enough that no byte which depends on a value is the same in all.
const manyTwins = 5

// madeUp are values that mean nothing to anybody, the same for the same seed. They
// begin and end with what twins change.
func madeUp(r *rand.Rand) []kind {
	values := []kind{
		{name: "token", value: "sk-live_" + text(r, letters+digits, 32)},
		{name: "password", value: text(r, letters, 3) + ` "` + text(r, letters+digits, 4) + `' &` + mixed(r) + "ö<" + text(r, digits, 3) + `>\/+` + text(r, letters, 1)},
		{name: "hex", value: text(r, digits+"abcdef", 40)},
		{name: "url", value: "postgres://svc_" + text(r, lowers, 5) + ":" + text(r, letters+digits, 18) + "@db.internal:5432/app?sslmode=require&n=" + text(r, digits, 2)},
		{name: "pem", value: key(r)},
	}
	for i := range values {
		for range manyTwins {
			values[i].twins = append(values[i].twins, twin(r, values[i].value))
		}
	}
	return values
}

// foreign is the one value that another proxy puts in.
func foreign(r *rand.Rand, value string) []kind {
	k := kind{name: "given", value: value}
	for range manyTwins {
		k.twins = append(k.twins, twin(r, value))
	}
	return []kind{k}
}

// mixed has letters, digits, signs, an accent and a space, in any order.
func mixed(r *rand.Rand) string {
	all := []rune(text(r, letters+digits, 9) + text(r, signs, 6) + "é ")
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return strings.TrimSpace(string(all)) + text(r, letters, 1)
}

// key looks as a private key on a curve does, as it is kept: without the last line break.
func key(r *rand.Rand) string {
	der, _ := hex.DecodeString("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420")
	for len(der) < 138 {
		der = append(der, byte(r.Uint32()))
	}
	return strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

func text(r *rand.Rand, alphabet string, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(out)
}

// classes are characters that every encoder writes with as many bytes.
var classes = []string{"01234", "56789", "abc", "def", "ghijklmnopqrstuvwxyz", "ABC", "DEF", "GHIJKLMNOPQRSTUVWXYZ"}

// twin is another value that every encoder writes alike: where the two texts
// differ, an echo shows something of the secret. Armour is no secret.
func twin(r *rand.Rand, value string) string {
	lines := strings.SplitAfter(value, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "-----") {
			continue
		}
		lines[i] = strings.Map(func(c rune) rune { return another(r, c) }, line)
	}
	return strings.Join(lines, "")
}

func another(r *rand.Rand, c rune) rune {
	for _, class := range classes {
		if strings.ContainsRune(class, c) {
			others := strings.ReplaceAll(class, string(c), "")
			return rune(others[r.IntN(len(others))])
		}
	}
	return c
}
