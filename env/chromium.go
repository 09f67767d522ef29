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

// chromium has the browser that Debian starts by a script believe our root, which it
// knows by its key. It believes whoever shows that certificate, so a run's alone is
// named, which nobody else has, and not that of shells, which gets about.
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
	for _, flag := range strings.Fields(w.before.get(chromiumFlags)) { // as the script does
		if more, ok := strings.CutPrefix(flag, chromiumTrust); ok {
			list = more + "," + list // of two lists the last counts
		} else {
			flags = append(flags, flag)
		}
	}
	w.after.set(chromiumFlags, strings.Join(append(flags, chromiumTrust+list), " "))
}
