package ca_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
)

func ephemeral(t testing.TB, c ca.Config) *ca.Authority {
	t.Helper()
	a, err := ca.NewEphemeral(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func leaf(t testing.TB, a *ca.Authority, host string) *tls.Certificate {
	t.Helper()
	cert, err := a.Leaf(host)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func root(t testing.TB, a *ca.Authority) *x509.Certificate {
	t.Helper()
	block, rest := pem.Decode(a.PEM())
	if block == nil || len(rest) > 0 {
		t.Fatalf("PEM is not one block: %q", a.PEM())
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func verify(t testing.TB, a *ca.Authority, cert *tls.Certificate, name string, at time.Time) error {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(root(t, a))
	c, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	return err
}

// longName needs more than a common name may have.
var longName = strings.Repeat("a", 50) + "." + strings.Repeat("b", 50) + ".test"

func TestLeafVerifies(t *testing.T) {
	a := ephemeral(t, ca.Config{})
	for _, c := range []struct{ host, verified, other string }{
		{"api.acme.test", "api.acme.test", "acme.test"},
		{"xn--bcher-kva.test", "xn--bcher-kva.test", "bcher.test"},
		{"UPPER.Test.", "upper.test", "lower.test"},
		{longName, longName, "b.test"},
		{"127.0.0.1", "127.0.0.1", "127.0.0.2"},
		{"2001:DB8::1", "[2001:db8::1]", "2001:db8::2"},
	} {
		cert := leaf(t, a, c.host)
		if err := verify(t, a, cert, c.verified, time.Now()); err != nil {
			t.Errorf("%s: %v", c.host, err)
		}
		if err := verify(t, a, cert, c.other, time.Now()); err == nil {
			t.Errorf("%s: passes for %s", c.host, c.other)
		}
		if err := verify(t, ephemeral(t, ca.Config{}), cert, c.verified, time.Now()); err == nil {
			t.Errorf("%s: passes under another root", c.host)
		}
	}
}

func TestRootFields(t *testing.T) {
	now := time.Now()
	r := root(t, ephemeral(t, ca.Config{}))
	if !r.IsCA || !r.BasicConstraintsValid || r.MaxPathLen != 0 || !r.MaxPathLenZero {
		t.Error("not a CA for leaves only")
	}
	if !critical(r, "2.5.29.19") || !critical(r, "2.5.29.15") {
		t.Error("basicConstraints and keyUsage must be critical")
	}
	if r.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign || len(r.SubjectKeyId) != 20 {
		t.Errorf("usage %b, key ID %x", r.KeyUsage, r.SubjectKeyId)
	}
	if k, ok := r.PublicKey.(*ecdsa.PublicKey); !ok || k.Curve != elliptic.P256() {
		t.Errorf("key %T", r.PublicKey)
	}
	if from, to := now.Sub(r.NotBefore), r.NotAfter.Sub(now); from < 24*time.Hour-time.Minute || to < 364*24*time.Hour || to > 366*24*time.Hour {
		t.Errorf("valid from %s ago for %s", from, to)
	}
	name := r.Subject.CommonName
	if !strings.HasPrefix(name, "AgentSecrets run CA ") || name == root(t, ephemeral(t, ca.Config{})).Subject.CommonName {
		t.Errorf("name %q", name)
	}
}

func TestLeafFields(t *testing.T) {
	a := ephemeral(t, ca.Config{})
	r := root(t, a)
	cert, other := leaf(t, a, "api.acme.test"), leaf(t, a, "127.0.0.1")
	c := cert.Leaf
	if len(cert.Certificate) != 2 || !bytes.Equal(cert.Certificate[1], r.Raw) {
		t.Error("the chain does not end with the root")
	}
	if c.IsCA || c.KeyUsage != x509.KeyUsageDigitalSignature || len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("usage %b %v", c.KeyUsage, c.ExtKeyUsage)
	}
	if !bytes.Equal(c.AuthorityKeyId, r.SubjectKeyId) || len(c.SubjectKeyId) != 20 || bytes.Equal(c.SubjectKeyId, c.AuthorityKeyId) {
		t.Errorf("key IDs %x %x", c.SubjectKeyId, c.AuthorityKeyId)
	}
	if c.Subject.CommonName != "api.acme.test" || len(c.DNSNames) != 1 || len(c.IPAddresses) != 0 {
		t.Errorf("%q %v %v", c.Subject.CommonName, c.DNSNames, c.IPAddresses)
	}
	if ip := other.Leaf; len(ip.DNSNames) != 0 || len(ip.IPAddresses) != 1 || !ip.IPAddresses[0].Equal(net.IPv4(127, 0, 0, 1)) {
		t.Errorf("%v %v", ip.DNSNames, ip.IPAddresses)
	}
	if cert.PrivateKey != other.PrivateKey || c.SerialNumber.Cmp(other.Leaf.SerialNumber) == 0 || c.SerialNumber.BitLen() < 64 {
		t.Error("leaves share the key, and not the serial number")
	}
	long := leaf(t, a, longName).Leaf
	if long.Subject.CommonName != "" || !critical(long, "2.5.29.17") {
		t.Error("a long name belongs in a critical alternative name alone")
	}
}

func critical(c *x509.Certificate, oid string) bool {
	for _, e := range c.Extensions {
		if e.Id.String() == oid {
			return e.Critical
		}
	}
	return false
}

func TestLeafRefuses(t *testing.T) {
	a := ephemeral(t, ca.Config{})
	for _, host := range []string{"", ".", "..", "a..b", ".a", "a b", "a\x00b", "*.test", "a/b", "bücher.test", "fe80::1%eth0", "[::1]", "a:80", strings.Repeat("a.", 127) + "aa"} {
		if cert, err := a.Leaf(host); err == nil {
			t.Errorf("%q: minted %v", host, cert.Leaf.DNSNames)
		}
	}
}

func TestL8MintedAgainAtHalfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var minted, hit int
		a := ephemeral(t, ca.Config{Minted: func() { minted++ }, Hit: func() { hit++ }})
		first := leaf(t, a, "a.test")
		if from, to := time.Since(first.Leaf.NotBefore), time.Until(first.Leaf.NotAfter); from != 24*time.Hour || to != 24*time.Hour {
			t.Errorf("valid from %s ago for %s", from, to)
		}
		time.Sleep(12*time.Hour - time.Second)
		if leaf(t, a, "a.test") != first {
			t.Error("not recalled before half of its life")
		}
		time.Sleep(time.Second)
		second := leaf(t, a, "a.test")
		if second == first {
			t.Error("recalled after half of its life")
		}
		if err := verify(t, a, second, "a.test", time.Now().Add(23*time.Hour)); err != nil {
			t.Error(err)
		}
		if minted != 2 || hit != 1 {
			t.Errorf("minted %d, hit %d", minted, hit)
		}
	})
}

// A clock that was set back is as bad as one that went on: clients judge by the clock.
func TestL8ClockSetBack(t *testing.T) {
	now := time.Now()
	a := ephemeral(t, ca.Config{Now: func() time.Time { return now }})
	first := leaf(t, a, "a.test")
	now = now.Add(-13 * time.Hour)
	second := leaf(t, a, "a.test")
	if second == first {
		t.Fatal("recalled")
	}
	if err := verify(t, a, second, "a.test", now); err != nil {
		t.Error(err)
	}
}

func TestL8RootOutOfValidity(t *testing.T) {
	start := time.Now()
	now := start
	a := ephemeral(t, ca.Config{Now: func() time.Time { return now }})
	end := root(t, a).NotAfter
	now = end.Add(-time.Hour)
	if last := leaf(t, a, "a.test").Leaf.NotAfter; !last.Equal(end) {
		t.Errorf("a leaf outlives its root: %s after %s", last, end)
	}
	for _, at := range []time.Time{end.Add(time.Minute), start.Add(-25 * time.Hour)} {
		now = at
		_, err := a.Leaf("b.test")
		var v *ca.ValidityError
		if !errors.As(err, &v) || v.Hint() == "" {
			t.Errorf("at %s: %v", at, err)
		}
	}
}

func TestSingleFlight(t *testing.T) {
	var minted atomic.Int32
	a := ephemeral(t, ca.Config{Minted: func() { minted.Add(1) }})
	const hosts, each = 8, 16
	var got [hosts][each]*tls.Certificate
	var wg sync.WaitGroup
	for h := range hosts {
		for i := range each {
			wg.Go(func() { got[h][i], _ = a.Leaf(fmt.Sprintf("host%d.test", h)) })
		}
	}
	wg.Wait()
	for h := range got {
		for _, cert := range got[h] {
			if cert == nil || cert != got[h][0] {
				t.Fatalf("host%d: two leaves", h)
			}
		}
	}
	if minted.Load() != hosts {
		t.Errorf("minted %d leaves for %d hosts", minted.Load(), hosts)
	}
}

func BenchmarkMint(b *testing.B) {
	a := ephemeral(b, ca.Config{})
	for i := 0; b.Loop(); i++ {
		leaf(b, a, fmt.Sprintf("h%d.test", i))
	}
}

func BenchmarkRecall(b *testing.B) {
	a := ephemeral(b, ca.Config{})
	for b.Loop() {
		leaf(b, a, "api.acme.test")
	}
}

func BenchmarkBundle(b *testing.B) {
	a := ephemeral(b, ca.Config{})
	for b.Loop() {
		if _, err := a.Bundle(""); err != nil {
			b.Fatal(err)
		}
	}
}
