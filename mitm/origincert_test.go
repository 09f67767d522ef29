package mitm_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// issuer signs certificates, of itself too.
type issuer struct {
	t    *testing.T
	cert *x509.Certificate
	key  crypto.Signer
}

var serial atomic.Int64

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func rsaKey(t *testing.T, bits int) crypto.Signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sign makes what template says, of this year and for api.acme.test where change says no else.
func (i *issuer) sign(key crypto.Signer, change func(*x509.Certificate)) *issuer {
	i.t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial.Add(1)), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		Subject: pkix.Name{CommonName: fmt.Sprint("number ", serial.Load())}, DNSNames: []string{host}, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(template)
	}
	by, signer := i.cert, i.key
	if by == nil {
		by, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by, key.Public(), signer)
	if err != nil {
		i.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		i.t.Fatal(err)
	}
	return &issuer{i.t, cert, key}
}

// authority makes a certificate that others may be signed with.
func (i *issuer) authority(key crypto.Signer, change func(*x509.Certificate)) *issuer {
	return i.sign(key, func(c *x509.Certificate) {
		c.IsCA, c.DNSNames, c.KeyUsage, c.ExtKeyUsage = true, nil, x509.KeyUsageCertSign, nil
		if change != nil {
			change(c)
		}
	})
}

// shown is i's certificate as an origin shows it, with those in between.
func (i *issuer) shown(between ...*issuer) tls.Certificate {
	c := tls.Certificate{Certificate: [][]byte{i.cert.Raw}, PrivateKey: i.key}
	for _, b := range between {
		c.Certificate = append(c.Certificate, b.cert.Raw)
	}
	return c
}

// badOrigin is an origin that no request may reach: it counts what it is sent.
type badOrigin struct {
	name, slug, message string
	config              *tls.Config
	port                int
	sent                atomic.Int64 // bytes behind the handshake
}

// listen answers what is sent after a handshake, as HTTP/1.1 would.
func (o *badOrigin) listen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.port = l.Addr().(*net.TCPAddr).Port
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(20 * time.Second))
				o.serve(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
}

func (o *badOrigin) serve(c net.Conn) {
	if o.config == nil { // no TLS at all
		buf := make([]byte, 1)
		if _, err := c.Read(buf); err == nil && buf[0] != 22 {
			o.sent.Add(1)
		}
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		return
	}
	conn := tls.Server(c, o.config)
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		o.sent.Add(int64(n))
		if err != nil {
			return
		}
		if n > 0 {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	}
}

const (
	untrusted  = "origin_untrusted"
	noProtocol = "origin_protocol"
)

// badOrigins are origins whose certificate or TLS does not hold, all of whose
// other properties are right: root is trusted.
func badOrigins(t *testing.T, root *issuer) (all []*badOrigin) {
	stranger := (&issuer{t: t}).authority(newKey(t), nil)
	between := root.authority(newKey(t), nil)
	add := func(name, slug, message string, cert tls.Certificate, versions ...uint16) {
		if len(versions) == 0 {
			versions = []uint16{tls.VersionTLS12, tls.VersionTLS13}
		}
		for _, v := range versions {
			all = append(all, &badOrigin{name: name + ", " + tls.VersionName(v), slug: slug, message: message,
				config: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: v, MaxVersion: v}})
		}
	}
	of := func(change func(*x509.Certificate)) tls.Certificate { return root.sign(newKey(t), change).shown() }
	const date, name, unknown, short, other = "expired or not yet valid", "made for another name", "unknown authority", "a key shorter than RSA's 2048 bits", "not valid"
	add("expired", untrusted, date, of(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }))
	add("not yet valid", untrusted, date, of(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }))
	add("of another host", untrusted, name, of(func(c *x509.Certificate) { c.DNSNames = []string{"acme.test", "sub." + host, evil} }))
	add("a wildcard for two labels", untrusted, name, of(func(c *x509.Certificate) { c.DNSNames = []string{"*.test"} }))
	add("no name but the common one", untrusted, name, of(func(c *x509.Certificate) { c.DNSNames, c.Subject.CommonName = nil, host }))
	add("an address alone", untrusted, name, of(func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, []net.IP{net.IPv4(127, 0, 0, 1)} }))
	add("signed by itself", untrusted, unknown, (&issuer{t: t}).sign(newKey(t), nil).shown())
	add("of an authority that is not known", untrusted, unknown, stranger.sign(newKey(t), nil).shown(stranger))
	add("without the authority in between", untrusted, unknown, between.sign(newKey(t), nil).shown())
	add("for clients", untrusted, other, of(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }))
	add("with an extension that must be understood", untrusted, other, of(func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: true, Value: []byte{5, 0}}}
	}))
	leaf := root.sign(newKey(t), nil)
	add("signed by what is no authority", untrusted, unknown, leaf.sign(newKey(t), nil).shown(leaf))
	late := root.authority(newKey(t), func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	add("the authority in between has expired", untrusted, date, late.sign(newKey(t), nil).shown(late))
	narrow := root.authority(newKey(t), func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedDNSDomains = true, []string{evil}
	})
	add("of an authority for other names", untrusted, other, narrow.sign(newKey(t), nil).shown(narrow))
	last := root.authority(newKey(t), func(c *x509.Certificate) { c.MaxPathLenZero = true })
	below := last.authority(newKey(t), nil)
	add("too far below its authority", untrusted, other, below.sign(newKey(t), nil).shown(below, last))
	old := root.authority(rsaKey(t, 2048), nil)
	add("signed with SHA-1", untrusted, unknown, old.sign(newKey(t), func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA }).shown(old))
	add("a key of 1024 bits", untrusted, short, root.sign(rsaKey(t, 1024), nil).shown())
	weak := root.authority(rsaKey(t, 1024), nil)
	add("an authority with a key of 1024 bits", untrusted, short, weak.sign(newKey(t), nil).shown(weak))
	stolen := root.sign(newKey(t), nil).shown()
	stolen.PrivateKey = newKey(t)
	add("of somebody else's key", noProtocol, "", stolen)
	good := root.sign(rsaKey(t, 2048), nil).shown()
	add("TLS 1.1", noProtocol, "TLS 1.2 or later", good, tls.VersionTLS11)
	add("TLS 1.0", noProtocol, "TLS 1.2 or later", good, tls.VersionTLS10)
	all = append(all, &badOrigin{name: "no TLS", slug: noProtocol, message: "TLS 1.2 or later"},
		&badOrigin{name: "keys without forward secrecy", slug: noProtocol, message: "TLS 1.2 or later", config: &tls.Config{
			Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256},
		}})
	return all
}

// An origin whose certificate does not hold, or that speaks an old TLS, is sent
// not one byte of the request, with a value or without.
func TestD8BadOrigins(t *testing.T) {
	root := (&issuer{t: t}).authority(newKey(t), nil)
	bad := badOrigins(t, root)
	var allow []string
	for _, o := range bad {
		o.listen(t)
		allow = append(allow, fmt.Sprintf("%s:%d", host, o.port))
	}
	l := trusting(t, root, allow)
	for _, o := range bad {
		for _, head := range []http.Header{bearer("KEY"), {}} {
			req, _ := http.NewRequest("POST", fmt.Sprintf("https://%s:%d/", host, o.port), nil)
			req.Header = head
			resp, body := send(t, l.Client, req)
			if p := wantProblem(t, resp, body, 502, o.slug); !strings.Contains(p.Message, o.message) {
				t.Errorf("%s: %q, want %q in it", o.name, p.Message, o.message)
			}
			if n := o.sent.Load(); n > 0 {
				t.Errorf("%s: %d bytes were sent behind the handshake", o.name, n)
			}
			if t.Failed() {
				t.Fatalf("%s, %q: %s", o.name, head, body)
			}
		}
	}
	if n := len(bad); n < 40 {
		t.Errorf("%d origins only", n)
	}
}

// What is right is taken, in both versions and with both kinds of key: the
// origins above are refused for their fault alone.
func TestD8GoodOrigins(t *testing.T) {
	root := (&issuer{t: t}).authority(newKey(t), nil)
	between := root.authority(rsaKey(t, 2048), nil)
	for _, cert := range []tls.Certificate{
		root.sign(newKey(t), nil).shown(), root.sign(rsaKey(t, 2048), nil).shown(), between.sign(newKey(t), nil).shown(between),
		root.sign(newKey(t), func(c *x509.Certificate) { c.DNSNames = []string{"*.acme.test"} }).shown(),
	} {
		for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			o := &badOrigin{config: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: v, MaxVersion: v}}
			o.listen(t)
			l := trusting(t, root, []string{fmt.Sprintf("%s:%d", host, o.port)})
			req, _ := http.NewRequest("GET", fmt.Sprintf("https://%s:%d/", host, o.port), nil)
			req.Header = bearer("KEY")
			if resp, body := send(t, l.Client, req); resp.StatusCode != 200 || o.sent.Load() == 0 {
				t.Errorf("%s: %d %s", tls.VersionName(v), resp.StatusCode, body)
			}
		}
	}
}

// trusting is a lab that trusts origins by root alone.
func trusting(t *testing.T, root *issuer, allow []string) *lab.Lab {
	pool := x509.NewCertPool()
	pool.AddCert(root.cert)
	return lab.New(t, lab.Config{Secrets: secrets, Allow: allow, Change: func(c *mitm.Config) {
		c.Roots = func(string) *x509.CertPool { return pool }
	}})
}
