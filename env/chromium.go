package env

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"strings"
)

const (
	chromiumFlags = "CHROMIUM_FLAGS"
	chromiumTrust = "--ignore-certificate-errors-spki-list="
)

// chromium has a browser believe our root that is started with these switches. Whoever
// starts it hands them on: the variable is that of distributions' scripts, some of which
// heed it, while that of Debian 12 empties it. The browser knows the root by its key, if it
// is also told which directory holds its data, and believes whoever shows that certificate.
// So a run's alone is named, which nobody else has, and not that of shells, which gets about.
func (w *writer) chromium() {
	if w.Shell {
		return
	}
	root, err := x509.ParseCertificate(ders(w.CA)[0])
	if err != nil {
		w.fail(err)
		return
	}
	sum := sha256.Sum256(root.RawSubjectPublicKeyInfo)
	list := base64.StdEncoding.EncodeToString(sum[:])
	var flags []string
	for _, flag := range strings.Fields(w.before.get(chromiumFlags)) { // as a shell does without quotes
		if more, ok := strings.CutPrefix(flag, chromiumTrust); ok {
			list = more + "," + list // of two lists the last counts
		} else {
			flags = append(flags, flag)
		}
	}
	w.after.set(chromiumFlags, strings.Join(append(flags, chromiumTrust+list), " "))
}
