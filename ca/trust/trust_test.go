package trust

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/agentsecrets/agentsecrets/ca"
)

func authority(t testing.TB) (*ca.Authority, *root) {
	t.Helper()
	a, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := parseRoot(a.PEM())
	if err != nil {
		t.Fatal(err)
	}
	return a, r
}

// want checks that the report says state of one place.
func want(t *testing.T, report Report, err error, state string) {
	t.Helper()
	if len(report) != 1 || report[0].State != state || (err != nil) != (state == Failed) {
		t.Fatalf("%+v, %v; want one place %s", report, err, state)
	}
}

// certificate is self-signed.
func certificate(t *testing.T, change func(*x509.Certificate)) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "Acme test root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageCertSign,
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: der})
}

func TestRefusesWhatIsNoRoot(t *testing.T) {
	a, _ := authority(t)
	leaf, err := a.Leaf("api.acme.test")
	if err != nil {
		t.Fatal(err)
	}
	good := a.PEM()
	key := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("key")})
	for name, bad := range map[string][]byte{
		"nothing":          nil,
		"no PEM":           []byte("hello"),
		"two":              append(bytes.Clone(good), good...),
		"a key behind":     append(bytes.Clone(good), key...),
		"a key in front":   append(bytes.Clone(key), good...),
		"text in front":    append([]byte("hello\n"), good...),
		"no certificate":   pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: []byte("x")}),
		"a leaf":           pem.EncodeToMemory(&pem.Block{Type: typeCertificate, Bytes: leaf.Certificate[0]}),
		"its own, no CA":   certificate(t, func(c *x509.Certificate) { c.IsCA = false }),
		"another's issuer": notSelfSigned(t, good),
	} {
		for _, do := range []func(context.Context, Config) (Report, error){Install, Status, Uninstall} {
			if report, err := do(t.Context(), Config{PEM: bad, Home: t.TempDir()}); err == nil || report != nil {
				t.Errorf("%s: %+v, %v", name, report, err)
			}
		}
	}
}

// notSelfSigned spoils the signature.
func notSelfSigned(t *testing.T, good []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(good)
	block.Bytes[len(block.Bytes)-1] ^= 1
	return pem.EncodeToMemory(block)
}

func TestUnknownStore(t *testing.T) {
	a, _ := authority(t)
	report, err := Install(t.Context(), Config{PEM: a.PEM(), Stores: []string{NSS, "nss3"}, Home: t.TempDir()})
	if report != nil || err == nil || !strings.Contains(err.Error(), System) {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestEnded(t *testing.T) {
	a, _ := authority(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	report, err := Install(ctx, Config{PEM: a.PEM(), Stores: []string{System}})
	want(t, report, err, Failed)
}

func TestErrorSaysWhatToDo(t *testing.T) {
	report := Report{
		result("install", System, "/bundle", false, &rightsError{"/bundle"}),
		result("install", Java, "/cacerts", false, &rightsError{"/cacerts"}),
		result("install", NSS, "", false, &problem{reason: "none", hint: "unheard", unavailable: true}),
		result("install", NSS, "/db", false, &problem{reason: "broken", hint: "mend it"}),
		result("install", NSS, "/db2", true, nil),
	}
	var e *Error
	if err := report.failed("install"); !errors.As(err, &e) || len(e.Failed) != 3 {
		t.Fatalf("%v", err)
	}
	const text = "install the root certificate: system /bundle: only root may change /bundle; java /cacerts: only root may change /cacerts; nss /db: broken"
	if e.Error() != text {
		t.Error(e)
	}
	if e.Hint() != "sudo agentsecrets ca install\nmend it" {
		t.Error(e.Hint())
	}
	if err := report[2:3].failed("install"); err != nil {
		t.Errorf("a store that is not available: %v", err)
	}
}

func TestLastLine(t *testing.T) {
	for want, outputs := range map[string][]string{
		"":         {"", " \n"},
		"b":        {"", "a\nb\n\n"},
		"c":        {"c", "a"},
		"a [31m b": {"a\x1b[31m\tb"},
	} {
		var all [][]byte
		for _, o := range outputs {
			all = append(all, []byte(o))
		}
		if got := lastLine(all...); got != want {
			t.Errorf("%q: %q", outputs, got)
		}
	}
	if got := lastLine([]byte(strings.Repeat("ü", 500))); len(got) > maxQuote+len("…") {
		t.Errorf("%d bytes", len(got))
	}
}

// What a tool says goes to a terminal.
func FuzzLastLine(f *testing.F) {
	for _, seed := range []string{"", "a\nb\n", "\x1b]0;title\a", "\u202e", "\xff\xfe", strings.Repeat("ü", 150)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, out []byte) {
		line := lastLine(out)
		if len(line) > maxQuote+len("…") || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q", line)
		}
	})
}
