package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/elazarl/goproxy"

	"github.com/agentsecrets/agentsecrets/internal/held"
)

// goproxyMain is goproxy's own interception, doing nothing to what it opens. It
// is set up well: certificates are kept, origin connections are pooled, and
// origins are verified, as ours are.
func goproxyMain(stdin io.Reader, stdout io.Writer) error {
	pool, err := originPool()
	if err != nil {
		return err
	}
	root, rootPEM, err := newRoot()
	if err != nil {
		return err
	}
	p := goproxy.NewProxyHttpServer()
	p.Logger = log.New(io.Discard, "", 0)
	p.CertStore = &certStore{}
	p.Tr = &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
		},
		TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 256, DisableCompression: true,
	}
	action := &goproxy.ConnectAction{Action: goproxy.ConnectMitm, TLSConfig: goproxy.TLSConfigFromCA(root)}
	p.OnRequest().HandleConnect(goproxy.FuncHttpsHandler(
		func(host string, _ *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) { return action, host }))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if err := json.NewEncoder(stdout).Encode(hello{"http://" + l.Addr().String(), string(rootPEM)}); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		l.Close()
	}()
	_ = http.Serve(l, p) // ends with the listener
	return nil
}

// rootsVar names the file of the origin's root to a peer.
const rootsVar = "BENCH_ORIGIN_CA"

func originPool() (*x509.CertPool, error) {
	b, err := os.ReadFile(os.Getenv(rootsVar))
	if err != nil {
		return nil, fmt.Errorf("read the origin's root: %w", err)
	}
	return poolOf(string(b))
}

func poolOf(text string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(text)) {
		return nil, errors.New("no certificate in PEM")
	}
	return pool, nil
}

// certStore mints each certificate once.
type certStore struct {
	mu    sync.Mutex
	certs map[string]*tls.Certificate
}

func (s *certStore) Fetch(host string, mint func() (*tls.Certificate, error)) (*tls.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.certs[host]; ok {
		return c, nil
	}
	c, err := mint()
	if err != nil {
		return nil, err
	}
	if s.certs == nil {
		s.certs = map[string]*tls.Certificate{}
	}
	s.certs[host] = c
	return c, nil
}

// newRoot makes a root with its key, which package ca does not give away.
func newRoot() (*tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// holdMain is the program of an intercepted run: it tells how its proxy is
// reached, and keeps the run open.
func holdMain(stdin io.Reader, stdout io.Writer) error {
	roots, err := os.ReadFile(os.Getenv("AGENTSECRETS_CA"))
	if err != nil {
		return fmt.Errorf("read the run's root: %w", err)
	}
	if err := json.NewEncoder(stdout).Encode(hello{os.Getenv("HTTPS_PROXY"), string(roots)}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, stdin)
	return err
}

func (b *bench) startGoproxy(ctx context.Context) (*held.Process, hello, error) {
	return start(ctx, b.dir, append(os.Environ(), rootsVar+"="+b.originCA), b.self, "goproxy")
}
