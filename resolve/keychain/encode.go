package keychain

import (
	"encoding/base64"
	"strings"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// prefix tells the form of what is stored. Base64 because some keychains take text and nothing else, and would change
// or cut what is none.
const prefix = "as1:"

// encode makes text of v, if the keychain has room for it.
func encode(goos string, ref resolve.Ref, v resolve.Value) (string, error) {
	b := v.Reveal()
	if most := maxValue(goos, ref.String()); len(b) > most {
		return "", &SizeError{Size: len(b), Max: most, os: goos}
	}
	return prefix + base64.RawStdEncoding.EncodeToString(b), nil
}

func decode(ref resolve.Ref, secret string) (resolve.Value, error) {
	text, ours := strings.CutPrefix(secret, prefix)
	b, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if !ours || err != nil { // err stays here: it quotes
		return resolve.Value{}, &FormatError{Ref: ref}
	}
	return resolve.New(b), nil
}

// maxValue is how many bytes a value may have that is stored under account.
func maxValue(goos, account string) int {
	room := base64.RawStdEncoding.EncodedLen(resolve.MaxValue)
	switch goos {
	case "windows":
		room = 2560 - len(prefix) // CRED_MAX_CREDENTIAL_BLOB_SIZE
	case "darwin":
		room = maxDarwin(account) - len(prefix)
	}
	return min(resolve.MaxValue, base64.RawStdEncoding.DecodedLen(room))
}

// maxDarwin is how long a secret may be that go-keyring gives to security(1), in base64 once more, on a line that has
// at most 4096 bytes.
func maxDarwin(account string) int {
	const line = "add-generic-password -U -s " + service + " -a  -w go-keyring-base64:\n"
	return (4096 - len(line) - shellLen(account)) / 4 * 3
}

// shellLen is how long go-keyring's quoting makes a word.
func shellLen(word string) int {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-"
	if strings.Trim(word, plain) == "" {
		return len(word)
	}
	return len("''") + len(word) + strings.Count(word, "'")*len(`"'"'`)
}
