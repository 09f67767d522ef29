package allowlist

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// testRoot is a self-signed certificate in PEM form.
func testRoot(t *testing.T, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestParseCA(t *testing.T) {
	a, b := testRoot(t, "a"), testRoot(t, "b")
	one, err := ParseCA([]byte("# ours\n" + a + b + a))
	if err != nil {
		t.Fatal(err)
	}
	two, err := ParseCA([]byte(b + "\n" + a))
	if err != nil || one != two || strings.Contains(one, "ours") || len(splitCA(one)) != 2 {
		t.Errorf("%v\n%s\n%s", err, one, two)
	}
	if got := (Options{CA: one}).Certificates(); len(got) != 2 || got[0].Subject.CommonName+got[1].Subject.CommonName == "aa" {
		t.Errorf("%d certificates", len(got))
	}
	for _, bad := range []string{
		strings.ReplaceAll(a, "CERTIFICATE", "PRIVATE KEY"), a + strings.ReplaceAll(b, "CERTIFICATE", "TRUSTED CERTIFICATE"),
		"", "no PEM", a[:len(a)/2], a + b[:len(b)/2], a + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		if ca, err := ParseCA([]byte(bad)); err == nil {
			t.Errorf("%q is taken for %q", bad, ca)
		}
	}
	var many strings.Builder
	for many.Len() < maxCA {
		many.WriteString(testRoot(t, "many"))
	}
	if _, err := ParseCA([]byte(many.String())); err == nil {
		t.Errorf("%d bytes of certificates are taken", many.Len())
	}
}

// One use has what any of the rules says that allow it, and nothing of the others.
func TestOptionsOfTheAllowingRules(t *testing.T) {
	ca, other := testRoot(t, "ca"), testRoot(t, "other")
	list := &List{Rules: []Rule{
		{Host: "a.test"},
		{Host: "a.test", Method: "GET", Path: "/files/*", Options: Options{Range: true, CA: ca}},
		{Host: "a.test", Places: []string{"query"}, Options: Options{Private: true, CA: other}},
		{Host: "b.test", Port: 80, Options: Options{Plaintext: true}},
	}}
	for _, c := range []struct {
		use  Use
		want Options
	}{
		{Use{Host: "a.test", Method: "GET", Path: "/", Place: "header:x"}, Options{}},
		{Use{Host: "A.test.", Method: "GET", Path: "/files/1", Place: "header:x"}, Options{Range: true, CA: ca}},
		{Use{Host: "a.test", Method: "POST", Path: "/files/1", Place: "header:x"}, Options{}},
		{Use{Host: "a.test", Method: "POST", Path: "/", Place: "query:k"}, Options{Private: true, CA: other}},
		{Use{Host: "a.test", Method: "GET", Path: "/files/1", Place: "query:k"}, Options{Private: true, Range: true, CA: joinCA([]string{ca, other})}},
		{Use{Host: "a.test", Method: "POST", Path: "/"}, Options{Private: true, CA: other}},
		{Use{Host: "b.test", Port: 80, Place: "query:k"}, Options{Plaintext: true}},
		{Use{Host: "b.test", Port: 443, Place: "query:k"}, Options{}},
		{Use{Host: "c.test"}, Options{}},
		{Use{Host: "%"}, Options{}},
	} {
		if c.use.Port == 0 {
			c.use.Port = 443
		}
		if got := list.Options(c.use); got != c.want {
			t.Errorf("%+v: %s, want %s", c.use, got.Text(), c.want.Text())
		}
	}
	if (*List)(nil).Options(Use{Host: "a.test"}) != (Options{}) {
		t.Error("no list has options")
	}
}

// What a hint says can be given as it is, and keeps what the rule says already.
func TestAddingKeepsTheRule(t *testing.T) {
	list := &List{Rules: []Rule{{
		Host: "a.test", Port: 9443, Method: "POST", Path: "/v1/*", Places: []string{"header"}, Options: Options{Range: true, CA: testRoot(t, "a")},
	}}}
	for use, want := range map[Use]string{
		{Host: "a.test", Port: 9443, Method: "POST", Path: "/v1/x", Place: "header:a"}: "'POST a.test:9443/v1/*' --in header --range --ca FILE",
		{Host: "a.test", Port: 9443, Method: "GET", Path: "/v1/x", Place: "header:a"}:  "a.test:9443",
		{Host: "::1", Port: 80, Method: "GET", Path: "/"}:                              "'[::1]:80'",
	} {
		if got := list.Adding(use); got != "agentsecrets workspace allowlist add "+want {
			t.Errorf("%+v: %s", use, got)
		}
	}
}

// A rule with options is never read by a program that knows none, and comes back as it was.
func TestOptionsInTheFile(t *testing.T) {
	ca := testRoot(t, "a")
	for _, o := range []Options{{Private: true}, {Plaintext: true}, {Range: true}, {CA: ca}, {true, true, true, ca}} {
		path := filepath.Join(t.TempDir(), "policy.json")
		want := requestRule(t, "POST a.test:9443/v1/*", "header")
		want.Options = o
		if err := UpdatePolicy(path, func(p *Policy) error { p.Rules = []Rule{want}; return nil }); err != nil {
			t.Fatal(err)
		}
		p := load(t, path)
		if len(p.Rules) != 1 || !reflect.DeepEqual(p.Rules[0], want) || p.Version != 5 {
			t.Errorf("%s: version %d, %+v", o.Text(), p.Version, p.Rules)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		field := map[bool]string{true: `"ca"`, false: "true"}[o.CA != ""]
		save(t, path, strings.Replace(string(text), field, map[bool]string{true: `"aa"`, false: "false"}[o.CA != ""], 1))
		if _, err := LoadPolicy(path); err == nil {
			t.Errorf("%s: the seal does not cover it", o.Text())
		}
	}
	path := filepath.Join(t.TempDir(), "policy.json")
	for _, bad := range []string{`"ca":""`, `"ca":"x"`, `"private":"yes"`, `"private":1`, `"loose":true`} {
		save(t, path, `{"version":2,"rules":[{"rule":"a.test",`+bad+`}]}`)
		if p, err := LoadPolicy(path); err == nil {
			t.Errorf("%s is read as %+v", bad, p.Rules)
		}
	}
}

// With --private, values may go where hosts of one's own are, and nowhere else that GuardAddr refuses.
func TestD9GuardPrivate(t *testing.T) {
	for s := range strings.FieldsSeq(`10.0.0.0 10.255.255.255 172.16.0.1 172.31.255.255 192.168.1.1 127.0.0.1 127.9.9.9 100.64.0.1
		169.254.1.1 198.18.0.1 ::1 fc00::1 fdff::1 fe80::1 fe80::1%eth0 8.8.8.8 2606:4700::1`) {
		if err := GuardPrivate(netip.MustParseAddr(s)); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	for s := range strings.FieldsSeq(`0.0.0.0 0.1.2.3 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 192.0.0.1 192.0.2.1 192.88.99.1
		:: ::ffff:10.0.0.1 ::10.0.0.1 64:ff9b::a00:1 64:ff9b:1::a00:1 2002:a00:1::1 2001:0:a00:1:: ff02::1 fec0::1 2001:db8::1
		169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 fd00:ec2::254 fd20:ce::254 fe80::a9fe:a9fe 64:ff9b::a9fe:a9fe 1fff::1 2606:4700::1%eth0`) {
		if GuardPrivate(netip.MustParseAddr(s)) == nil {
			t.Errorf("%s passes", s)
		}
	}
	if GuardPrivate(netip.Addr{}) == nil {
		t.Error("no address at all passes")
	}
}
