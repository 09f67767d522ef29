package allowlist

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Options say how the exchanges may be made that a rule allows. The zero Options are the strictest.
type Options struct {
	Private   bool   // its hosts may have private addresses
	Plaintext bool   // values go to http:// as well, on loopback addresses
	Range     bool   // parts of responses may be asked for
	CA        string // more roots for its hosts: certificates in PEM form, as ParseCA writes them
}

// maxCA is what the certificates of one rule may take in the policy file.
const maxCA = 256 << 10

// ParseCA reads certificates in PEM form and returns them in the one form in which a rule keeps them: each once, in an
// order that says nothing, without what else was in the file.
func ParseCA(data []byte) (string, error) {
	var texts []string
	for rest := data; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return "", fmt.Errorf("holds a %q: give certificates alone", printable(block.Type))
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return "", errors.New("holds a certificate that cannot be read")
		}
		texts = append(texts, string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})))
	}
	if len(texts) == 0 || bytes.Count(data, []byte("-----BEGIN ")) != bytes.Count(data, []byte("-----END ")) {
		return "", errors.New("holds no certificate in PEM form, or one that is cut off")
	}
	ca := joinCA(texts)
	if len(ca) > maxCA {
		return "", fmt.Errorf("holds more than %d KiB of certificates", maxCA>>10)
	}
	return ca, nil
}

func joinCA(texts []string) string {
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), "")
}

// splitCA is the inverse of joinCA.
func splitCA(ca string) []string {
	const end = "-----END CERTIFICATE-----\n"
	var texts []string
	for text := range strings.SplitAfterSeq(ca, end) {
		if text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// Certificates are those of CA.
func (o Options) Certificates() []*x509.Certificate {
	var all []*x509.Certificate
	for _, text := range splitCA(o.CA) {
		if block, _ := pem.Decode([]byte(text)); block != nil {
			if cert, err := x509.ParseCertificate(block.Bytes); err == nil {
				all = append(all, cert)
			}
		}
	}
	return all
}

// or is what either says.
func (o Options) or(other Options) Options {
	if o.CA != other.CA {
		o.CA = joinCA(append(splitCA(o.CA), splitCA(other.CA)...))
	}
	o.Private, o.Plaintext, o.Range = o.Private || other.Private, o.Plaintext || other.Plaintext, o.Range || other.Range
	return o
}

// Text is o as a record shows it: certificates by a digest of them all.
func (o Options) Text() string {
	if o.CA == "" {
		return o.words("")
	}
	sum := sha256.Sum256([]byte(o.CA))
	return o.words("sha256:" + hex.EncodeToString(sum[:8]))
}

// words are the flags that make o, with what to call its certificates.
func (o Options) words(ca string) string {
	var words []string
	for _, f := range []struct {
		flag string
		set  bool
	}{{"--private", o.Private}, {"--plaintext", o.Plaintext}, {"--range", o.Range}, {"--ca " + ca, o.CA != ""}} {
		if f.set {
			words = append(words, f.flag)
		}
	}
	return strings.Join(words, " ")
}

// Options are those of the rules that allow u, each of which was added for it; of a use without a place, those of the
// rules that name its host, method and path.
func (l *List) Options(u Use) Options {
	var all Options
	l.eachAllowing(u, func(r *Rule) { all = all.or(r.Options) })
	return all
}

func (l *List) eachAllowing(u Use, do func(*Rule)) {
	if l == nil {
		return
	}
	host, err := NormalHost(u.Host)
	if err != nil {
		return
	}
	for i := range l.Rules {
		r := &l.Rules[i]
		if r.match(host, u.Port) && r.allowsMethod(u.Method) && r.allowsPath(u.Path) && (u.Place == "" || r.allowsPlace(u.Place)) {
			do(r)
		}
	}
}

// Adding is the command that adds the rule again that allows u, so that an option can be put behind it; where none does,
// one for its host.
func (l *List) Adding(u Use) string {
	const add = "agentsecrets workspace allowlist add "
	var r *Rule // the first
	l.eachAllowing(u, func(allows *Rule) { r = cmp.Or(r, allows) })
	if r == nil {
		return add + quote(hostPort(u.Host, u.Port))
	}
	text := add + quote(r.String())
	for _, p := range r.Places {
		text += " --in " + quote(p)
	}
	if words := r.words("FILE"); words != "" {
		text += " " + words
	}
	return text
}
