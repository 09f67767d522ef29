package redact

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// keyPEM is a private key with its certificate, as servers are given them.
func keyPEM(t *testing.T) (private, public string) {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{}, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
}

// secretLines are those that nobody may see, by the plainest rule.
func secretLines(private string) []string {
	var out []string
	for _, line := range strings.Split(strings.TrimSpace(private), "\n") {
		if !strings.HasPrefix(line, "-----") && len(line) >= 24 {
			out = append(out, line)
		}
	}
	return out
}

func TestPEM(t *testing.T) {
	private, public := keyPEM(t)
	s := setWith(private + public)
	for name, text := range map[string]string{
		"as it is":       private,
		"with CRLF":      strings.ReplaceAll(private, "\n", "\r\n"),
		"indented":       "key: |\n  " + strings.ReplaceAll(private, "\n", "\n  "),
		"in JSON":        `{"key":"` + strings.ReplaceAll(private, "\n", `\n`) + `"}`,
		"in PHP's JSON":  `{"key":"` + strings.ReplaceAll(strings.ReplaceAll(private, "/", `\/`), "\n", `\n`) + `"}`,
		"in a query":     "?k=" + url.QueryEscape(private),
		"on one line":    strings.ReplaceAll(private, "\n", ""),
		"its lines, cut": strings.Join(secretLines(private)[3:5], " "),
	} {
		got, n := through(t, s, text)
		if n.Total() == 0 {
			t.Errorf("%s: nothing covered", name)
		}
		for _, line := range secretLines(private) {
			for _, form := range []string{line, strings.ReplaceAll(line, "/", `\/`), url.QueryEscape(line)} {
				if strings.Contains(got, form) {
					t.Errorf("%s: %q passed", name, form)
				}
			}
		}
	}
	if got, _ := through(t, s, private); !strings.HasPrefix(got, "-----BEGIN PRIVATE KEY-----\n[RED") || !strings.HasSuffix(got, "\n-----END PRIVATE KEY-----\n") {
		t.Errorf("armour is covered:\n%s", got)
	}
	if got, _ := through(t, s, public); got != public {
		t.Errorf("a certificate is covered:\n%s", got)
	}
	whole := base64.StdEncoding.EncodeToString([]byte(private + public))
	if got, n := through(t, s, whole); n["base64"] != 1 || strings.Count(got, "*") < len(whole)-len(Marker)-4 {
		t.Errorf("in base64, as Kubernetes shows it: %v\n%s", n, got)
	}
}

func TestServiceAccount(t *testing.T) {
	private, _ := keyPEM(t)
	account := map[string]string{
		"type":           "service_account",
		"project_id":     "my-project-178302",
		"private_key_id": "3f9c0e7b1a2d4c5e6f708192a3b4c5d6e7f80912",
		"private_key":    private,
		"client_email":   "deployer@my-project-178302.iam.gserviceaccount.com",
		"auth_uri":       "https://accounts.google.com/o/oauth2/auth",
		"cert_url":       "https://www.googleapis.com/oauth2/v1/certs",
	}
	pretty, err := json.MarshalIndent(account, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	s := setWith(string(pretty))
	compact, err := json.Marshal(account)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := through(t, s, string(compact))
	got2, _ := through(t, s, private)
	got3, _ := through(t, s, strings.Join(slices.Collect(maps.Values(account)), "\n"))
	for _, secret := range append(secretLines(private), account["private_key_id"]) {
		if strings.Contains(got+got2+got3, secret) {
			t.Errorf("%s passed", secret)
		}
	}
	for _, name := range []string{"type", "project_id", "client_email", "auth_uri", "cert_url"} {
		if !strings.Contains(got, `"`+name+`":"`+account[name]+`"`) {
			t.Errorf("%s, which anybody may know, is covered", name)
		}
	}
	if got, _ := through(t, s, string(pretty)); strings.Contains(got, secretLines(private)[4]) {
		t.Errorf("passed as it was given:\n%s", got)
	}
}

func TestLines(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"},
		{"  q2Zx8Lk1mN0pQwRtYu==  ", "q2Zx8Lk1mN0pQwRtYu=="},
		{"API_KEY=" + key, key},
		{`  "key" : "` + key + `",`, key},
		{"key: '" + key + "'", key},
		{"JBSWY3DPEHPK3PXPJBSWY3DP", "JBSWY3DPEHPK3PXPJBSWY3DP"},
		{"https://hooks.example.com/services/T0/B0/" + key, "https://hooks.example.com/services/T0/B0/" + key},
		{"q2Zx8Lk1mN0pQwR", ""}, // 15 bytes
		{"================", ""},
		{"----------------", ""},
		{"0000000000000000000000", ""},
		{"a line of plain words", ""},
		{"https://oauth2.example.com/token", ""},
		{`"token_uri": "https://oauth2.example.com/a/long/path/of/words",`, ""},
		{"somebody@department.example.com", ""},
		{"-----BEGIN PRIVATE KEY-----", ""},
		{"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----", ""},
	} {
		var want [][]byte
		if c.want != "" {
			want = [][]byte{[]byte(c.want)}
		}
		if got := lines([]byte(c.line + "\nx")); !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("lines(%q) = %q, not %q", c.line, got, want)
		}
	}
	if got := lines([]byte(key + key)); got != nil {
		t.Errorf("one line has the lines %q", got)
	}
	headed := "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,5B01E932D8F7A64C9E21B07733F1A8D2\n\n" + key + "\n-----END RSA PRIVATE KEY-----\n"
	if got := lines([]byte(headed)); len(got) != 1 || string(got[0]) != key {
		t.Errorf("an encrypted key has the lines %q", got)
	}
}

// Keys of every usual size lose all but a short last line.
func TestEveryKeyLineIsStrong(t *testing.T) {
	for range 200 {
		k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalECPrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		private := string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
		var got []string
		for _, line := range lines([]byte(private)) {
			got = append(got, string(line))
		}
		if want := secretLines(private); !slices.Equal(got, want) {
			t.Fatalf("lines %q, not %q", got, want)
		}
	}
}
