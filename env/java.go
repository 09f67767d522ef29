package env

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// JVMs read no variable of the others, but options of one of their own. It holds no
// credential: they print it, and could not send one.
const javaOptions = "JAVA_TOOL_OPTIONS"

// javaLast is read behind a JVM's command line.
const javaLast = "_JAVA_OPTIONS"

// javaLater are read behind javaOptions, each behind those before it: by the
// launcher, by scripts that start JVMs, by JVMs themselves.
func javaLater() []string {
	return []string{"JDK_JAVA_OPTIONS", "JAVA_OPTS", "MAVEN_OPTS", "GRADLE_OPTS", "SBT_OPTS", "ANT_OPTS", javaLast}
}

const (
	javaStore = "roots.p12"
	// javaPassword is what everybody has for a trust store, for programs that open
	// it themselves. This one is not encrypted.
	javaPassword = "changeit"
	javaDirect   = "-Dhttp.nonProxyHosts=localhost|127.0.0.1|[::1]"
)

// java has JVMs trust our CA, by a trust store of the roots that they trusted before,
// the bundle's, and ours. In a run they are led to its proxy wherever that is: one that
// cannot tell who they are refuses them, which is better than their going past it.
func (w *writer) java() {
	ours := "-Djavax.net.ssl.trustStore=" + javaQuote(filepath.Join(w.Dir, javaStore)) +
		" -Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=" + javaPassword
	if !w.Shell || w.PeersTold {
		u, err := url.Parse(w.ProxyURL)
		if err != nil {
			w.fail(errors.New("the proxy's URL is none")) // url.Parse would quote it
			return
		}
		for _, scheme := range []string{"https", "http"} {
			ours += " -D" + scheme + ".proxyHost=" + u.Hostname() + " -D" + scheme + ".proxyPort=" + u.Port()
		}
		ours += " " + javaDirect
	}
	w.after.set(javaOptions, after(w.before.get(javaOptions), ours))
	if slices.ContainsFunc(javaLater(), func(name string) bool { return steersJava(w.before.get(name)) }) {
		w.after.set(javaLast, after(w.before.get(javaLast), ours))
	}
}

// after is options with more behind them.
func after(options, more string) string {
	if options == "" {
		return more
	}
	return options + " " + more
}

// steersJava reports whether options name a proxy or a trust store.
func steersJava(options string) bool {
	for _, word := range javaWords(options) {
		name, _, _ := strings.Cut(word, "=")
		switch name {
		case "-Djavax.net.ssl.trustStore", "-Djavax.net.ssl.trustStoreType", "-Djavax.net.ssl.trustStorePassword",
			"-Dhttps.proxyHost", "-Dhttps.proxyPort", "-Dhttp.proxyHost", "-Dhttp.proxyPort", "-Dhttp.nonProxyHosts":
			return true
		}
	}
	return false
}

// trustStore is a PKCS#12 file of the certificates in bundle, which is PEM, and of
// those in the trust store that JVMs had. It has no password, since nothing in it is
// secret and its directory is: every JVM reads it so, whichever password it is told.
func (w *writer) trustStore(bundle []byte) ([]byte, error) {
	var entries []pkcs12.TrustStoreEntry
	seen := map[string]bool{}
	for _, c := range slices.Concat(w.hadJava(), ders(bundle), ders(w.CA)) {
		if !seen[string(c)] {
			seen[string(c)] = true
			entries = append(entries, pkcs12.TrustStoreEntry{
				Cert:         &x509.Certificate{Raw: c},            // all that is written of one: to parse them costs as much as the rest
				FriendlyName: "root-" + strconv.Itoa(len(entries)), // of two of one name Java keeps one
			})
		}
	}
	return pkcs12.Passwordless.EncodeTrustStoreEntries(entries, "")
}

// ders are the certificates in a PEM of nothing else.
func ders(text []byte) (certs [][]byte) {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return certs
		}
		certs = append(certs, block.Bytes)
	}
}

// hadJava are the roots in the trust store that options of before named.
func (w *writer) hadJava() [][]byte {
	by, path, password := "", "", ""
	for _, name := range append([]string{javaOptions}, javaLater()...) {
		for _, word := range javaWords(w.before.get(name)) {
			if store, ok := strings.CutPrefix(word, "-Djavax.net.ssl.trustStore="); ok {
				by, path = name, store
			}
			if word, ok := strings.CutPrefix(word, "-Djavax.net.ssl.trustStorePassword="); ok {
				password = word
			}
		}
	}
	if path == "" || path == "NONE" {
		return nil
	}
	certs, err := readStore(path, password)
	if err != nil {
		w.notice("%s names %q, which cannot be used%s: its roots are left out", by, path, reason(err))
	}
	return certs
}

// readStore reads a trust store. The library's errors say nothing of a password.
func readStore(path, password string) (ders [][]byte, err error) {
	content, err := readSmall(path, maxRoots)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(content, []byte{0xfe, 0xed, 0xfe, 0xed}) {
		return nil, &fs.PathError{Err: errors.New("it is in the format JKS, of which keytool -importkeystore -deststoretype PKCS12 makes one that can be")}
	}
	for _, p := range []string{password, javaPassword, ""} {
		certs, e := pkcs12.DecodeTrustStore(content, p)
		if e == nil {
			for _, c := range certs {
				ders = append(ders, c.Raw)
			}
			return ders, nil
		}
		err = &fs.PathError{Err: e}
	}
	return nil, err
}

// javaWords splits options as a JVM does: quotes of either kind hold a word together,
// and nothing escapes them.
func javaWords(options string) (words []string) {
	var word strings.Builder
	quote, begun := rune(0), false
	for _, c := range options {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, begun = c, true
		case quote == 0 && strings.ContainsRune(" \t\n\v\f\r", c):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if begun {
		words = append(words, word.String())
	}
	return words
}

// javaQuote makes s one word of such options.
func javaQuote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `"'"'"`) + `"` }

// leaveJava takes our options out and leaves the others.
func (v *variables) leaveJava(dir string) {
	quoted := strings.TrimSuffix(javaQuote(dir), `"`)
	proxy := ""
	for _, scheme := range []string{"https", "http"} {
		proxy += ` -D` + scheme + `\.proxyHost=\S+ -D` + scheme + `\.proxyPort=\d+`
	}
	ours := regexp.MustCompile(` ?-Djavax\.net\.ssl\.trustStore=` + regexp.QuoteMeta(quoted) + `[^"]*` + regexp.QuoteMeta(javaStore) + `"` +
		` -Djavax\.net\.ssl\.trustStoreType=PKCS12 -Djavax\.net\.ssl\.trustStorePassword=` + javaPassword + `(` + proxy + ` ` + regexp.QuoteMeta(javaDirect) + `)?`)
	for _, name := range []string{javaOptions, javaLast} {
		v.leaveOptions(name, ours)
	}
}
