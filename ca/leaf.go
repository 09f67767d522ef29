package ca

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

const (
	leafLife      = day
	maxCommonName = 64 // RFC 5280, A.1: ub-common-name
	maxDNSName    = 253
)

// hostName is a host as a certificate names it.
type hostName struct {
	text string
	addr netip.Addr // zero for a DNS name
}

// parseHost takes what the proxy's strict grammar has passed. It still refuses what a certificate must not say.
func parseHost(host string) (hostName, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" {
			return hostName{}, errors.New("an address with a zone cannot stand in a certificate")
		}
		return hostName{text: addr.String(), addr: addr}, nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if name == "" || len(name) > maxDNSName || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
		return hostName{}, errors.New("not a host name")
	}
	for _, r := range name {
		if !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '.' || r == '_') {
			return hostName{}, errors.New("not a host name")
		}
	}
	return hostName{text: name}, nil
}

// mint makes a leaf that is valid around now, and no longer than the root. A subject without a common name is empty,
// which makes the alternative name critical (RFC 5280, 4.2.1.6).
func (a *Authority) mint(name hostName, now time.Time) (*tls.Certificate, error) {
	if err := validity(a.root, now, a.path); err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		NotBefore:    latest(now.Add(-skew), a.root.NotBefore),
		NotAfter:     earliest(now.Add(leafLife), a.root.NotAfter),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		SubjectKeyId: a.keyID,

		BasicConstraintsValid: true, // and IsCA false
	}
	if name.addr.IsValid() {
		template.IPAddresses = []net.IP{name.addr.AsSlice()}
	} else {
		template.DNSNames = []string{name.text}
	}
	constrained := a.root.PermittedDNSDomainsCritical // then OpenSSL takes the common name of an address for a DNS name
	if len(name.text) <= maxCommonName && !(constrained && name.addr.IsValid()) {
		template.Subject = pkix.Name{CommonName: name.text}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.root, a.leaves.Public(), a.key)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read what was signed: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der, a.root.Raw}, PrivateKey: a.leaves, Leaf: leaf}, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
