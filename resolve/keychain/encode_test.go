package keychain

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/resolve"
)

func ref(name string) resolve.Ref {
	return resolve.Ref{Project: "p1", Environment: "production", Name: name}
}

func hintOf(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

func FuzzEncode(f *testing.F) {
	for _, seed := range []string{"", "value", "\x00\xff\r\n", prefix, strings.Repeat("x", 1000)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		secret, err := encode("linux", ref("KEY"), resolve.New(b))
		if tooLong := (*SizeError)(nil); errors.As(err, &tooLong) && len(b) > resolve.MaxValue {
			return
		}
		v, err2 := decode(ref("KEY"), secret)
		if err != nil || err2 != nil || !bytes.Equal(v.Reveal(), b) {
			t.Errorf("%q: %v, %v", b, err, err2)
		}
		for _, r := range secret {
			if r < ' ' || r > '~' {
				t.Errorf("%q is not plain text", secret)
			}
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	for _, secret := range []string{"", "as1", "plain text", "as2:dmFsdWU", "as1:dmFsdWU=", "as1:dmFsdW", "as1:dmFs dWU", "as1:dmFsdWV", "AS1:dmFsdWU", " as1:dmFsdWU"} {
		v, err := decode(ref("KEY"), secret)
		var format *FormatError
		if !errors.As(err, &format) || !v.IsZero() || !strings.Contains(hintOf(err), "agentsecrets secrets set KEY") {
			t.Errorf("%q: %v, hint %q", secret, err, hintOf(err))
		} else if secret != "" && strings.Contains(err.Error(), strings.TrimPrefix(secret, prefix)) {
			t.Errorf("%v shows what is stored", err)
		}
	}
}

func TestMaxValue(t *testing.T) {
	const account = "p_0123456789:production:STRIPE_KEY"
	for goos, want := range map[string]int{"linux": 65536, "freebsd": 65536, "windows": 1917, "darwin": 2244} {
		if got := maxValue(goos, account); got != want {
			t.Errorf("%s: %d, want %d", goos, got, want)
		}
		for size, fits := range map[int]bool{want: true, want + 1: false} {
			r := resolve.Ref{Project: "p_0123456789", Environment: "production", Name: "STRIPE_KEY"}
			secret, err := encode(goos, r, resolve.New(make([]byte, size)))
			if fits != (err == nil) {
				t.Errorf("%s: %d bytes: %v", goos, size, err)
			}
			if err == nil && !takes(goos, account, secret) {
				t.Errorf("%s: go-keyring refuses %d bytes", goos, size)
			}
			var tooLong *SizeError
			if err != nil && (!errors.As(err, &tooLong) || tooLong.Max != want || goos != "linux" && goos != "freebsd" && hintOf(err) == "") {
				t.Errorf("%s: %v, hint %q", goos, err, hintOf(err))
			}
		}
	}
	// One more byte than ours would not have been taken, so that no room is wasted.
	for _, goos := range []string{"windows", "darwin"} {
		b := make([]byte, maxValue(goos, account)+3)
		if takes(goos, account, prefix+base64.RawStdEncoding.EncodeToString(b)) {
			t.Errorf("%s: there was room for %d bytes", goos, len(b))
		}
	}
	quoted := "it's p1:production:STRIPE_KEY"
	b := make([]byte, maxValue("darwin", quoted))
	if !takes("darwin", quoted, prefix+base64.RawStdEncoding.EncodeToString(b)) {
		t.Errorf("go-keyring refuses %d bytes under %s", len(b), quoted)
	}
}

// takes is go-keyring's own limit (keyring_darwin.go, keyring_windows.go).
func takes(goos, account, secret string) bool {
	switch goos {
	case "windows":
		return len(secret) <= 2560
	case "darwin":
		if strings.ContainsAny(account, "' ") {
			account = "'" + strings.ReplaceAll(account, "'", `'"'"'`) + "'"
		}
		line := "add-generic-password -U -s AgentSecrets -a " + account + " -w go-keyring-base64:" +
			base64.StdEncoding.EncodeToString([]byte(secret)) + "\n"
		return len(line) <= 4096
	}
	return true
}
