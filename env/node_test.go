package env

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// nodesEnv lists more Nodes to test than the one on PATH, as PATH lists directories.
const nodesEnv = "AGENTSECRETS_TEST_NODES"

func nodes(t *testing.T) []string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("these tests run Node, of any version from 18: ", err)
	}
	return append(filepath.SplitList(os.Getenv(nodesEnv)), node)
}

func TestNodeGoesThroughTheProxy(t *testing.T) {
	world := newWorld(t)
	want := map[string]string{
		"https": "hello HTTP/1.1", "agent": "hello HTTP/1.1", "noAgent": "hello HTTP/1.1", "http2": "hello HTTP/2.0",
		"tlsOptions": "hello HTTP/1.1", "tlsPort": "hello HTTP/1.1", "tlsPortText": "hello HTTP/1.1", "tlsPortOptions": "hello HTTP/1.1",
		"tlsListener": "called", "byName": "hello HTTP/1.1", "big": "all of it", "parallel": "20 answers", "timeout": "timed out",
		"tlsTimeout": "timed out", "unread": "held back", "socketPath": "ENOENT /nowhere.sock",
	}
	ways := slices.Sorted(maps.Keys(want))
	for _, node := range nodes(t) {
		for _, origin := range []string{"api.example.test:443", "192.0.2.1:8443"} {
			got := world.run(t, node, world.vars(t), origin, append(ways, "fetch")...)
			for _, way := range ways {
				if got[way] != want[way] {
					t.Errorf("%s, %s, %s: %q, want %q", node, origin, way, got[way], want[way])
				}
			}
			if fetched := got["fetch"]; fetched != "hello HTTP/1.1" && fetched != "hello HTTP/2.0" { // as the version likes
				t.Errorf("%s, %s, fetch: %q", node, origin, fetched)
			}
			to := world.seen()
			if n := len(to); n < 30 || !slices.Equal(slices.Compact(slices.Clone(to)), []string{origin}) {
				t.Errorf("%s: %d connections to %q, want %s", node, n, slices.Compact(to), origin)
			}
		}
	}
}

func TestNodeIsToldOfRefusals(t *testing.T) {
	ways := []string{"https", "agent", "noAgent", "fetch", "http2", "tlsOptions"}
	for _, test := range []struct {
		name, answer, origin string
		want                 []string
	}{
		{"kept open", "HTTP/1.1 403 Forbidden by test\r\nContent-Length: 9\r\n\r\nthe rule\n", "origin.test:443", []string{"ERR_PROXY_TUNNEL 403", "HTTP/1.1 403 Forbidden by test"}},
		{"in pieces", "HTTP/1.1 407 Proxy|-Authentication Required\r\n\r|\n", "[2001:db8::1]:8443", []string{"ERR_PROXY_TUNNEL 407", "Authentication Required"}},
		{"no answer", "", "origin.test:443", []string{"ERR_PROXY_TUNNEL undefined", "without an answer"}},
		{"no HTTP", "220 smtp.example.com ESMTP\r\n\r\n", "origin.test:443", []string{"ERR_PROXY_TUNNEL", "220 smtp"}},
		{"without end", strings.Repeat("HTTP/1.1 200 OK\r\nX: x\r\n", 8<<10), "origin.test:443", []string{"ERR_PROXY_TUNNEL", "too long"}},
	} {
		world := newWorld(t)
		world.answer = test.answer
		// Where Node's own tunnels are on, they come first and are not ours to test.
		vars := append(world.vars(t), "NODE_USE_ENV_PROXY=")
		for _, node := range nodes(t) {
			for way, got := range world.run(t, node, vars, test.origin, ways...) {
				for _, want := range append(test.want, "connecting to "+test.origin+":") {
					if !strings.HasPrefix(got, "error ") || !strings.Contains(got, want) {
						t.Errorf("%s, %s, %s: %q does not say %q", test.name, node, way, got, want)
					}
				}
			}
			if to := slices.Compact(world.seen()); !slices.Equal(to, []string{test.origin}) {
				t.Errorf("%s, %s: connections to %q", test.name, node, to)
			}
		}
	}
}

// With every variable set, and a proxy that closes as ours does, refusals end
// in any version.
func TestNodeEndsOnRefusal(t *testing.T) {
	world := newWorld(t)
	world.answer = "HTTP/1.1 403 Forbidden by test\r\nConnection: close\r\n\r\n|close"
	for _, node := range nodes(t) {
		for way, got := range world.run(t, node, world.vars(t), "origin.test:443", "https", "agent", "noAgent", "fetch", "http2", "tlsOptions") {
			told := strings.Contains(got, "403") || way == "fetch" // which in newer versions says "cancelled"
			if !strings.HasPrefix(got, "error ") || !told {
				t.Errorf("%s, %s: %q", node, way, got)
			}
		}
	}
}

// Node 22 warns, in every program, of what NODE_USE_ENV_PROXY makes it use.
func TestNodeIsNotWarnedOfItsProxy(t *testing.T) {
	vars := newWorld(t).vars(t)
	for _, node := range nodes(t) {
		cmd := exec.Command(node, "-e", `for (const code of ["UNDICI-EHPA", "MINE"]) process.emitWarning("said " + code, { code })`)
		cmd.Env = append(slices.Clone(vars), "NODE_USE_ENV_PROXY=1")
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "EHPA") || !strings.Contains(string(out), "said MINE") {
			t.Errorf("%s: %v, %s", node, err, out)
		}
	}
}

// The proxy ends with its run; what is left of the run must not get around it.
func TestNodeWithoutItsProxy(t *testing.T) {
	world := newWorld(t)
	vars := world.vars(t)
	world.proxy.Close()
	for _, node := range nodes(t) {
		for way, got := range world.run(t, node, vars, "origin.test:443", "https", "fetch", "http2") {
			if !strings.HasPrefix(got, "error ECONNREFUSED") {
				t.Errorf("%s, %s: %q", node, way, got)
			}
		}
	}
}

func TestNodeReachesLoopbackDirectly(t *testing.T) {
	world := newWorld(t)
	_, port, err := net.SplitHostPort(world.origin.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes(t) {
		for _, host := range []string{"127.0.0.1", "localhost"} {
			for way, got := range world.run(t, node, world.vars(t), host+":"+port, "https", "tlsPort", "http2") {
				if !strings.HasPrefix(got, "hello ") {
					t.Errorf("%s, %s, %s: %q", node, host, way, got)
				}
			}
		}
	}
	if to := world.seen(); len(to) > 0 {
		t.Errorf("the proxy saw %q", to)
	}
}

// Node must start whatever the variables say.
func TestPreloadWithoutProxy(t *testing.T) {
	world := newWorld(t)
	for _, node := range nodes(t) {
		for _, proxy := range []string{"", "%", "http://%zz@127.0.0.1:1", "socks5://127.0.0.1:1", "127.0.0.1:1", "http://[::1"} {
			cmd := exec.Command(node, "-e", "console.log('started')")
			cmd.Env = append(world.vars(t), "https_proxy="+proxy, "HTTPS_PROXY="+proxy, "NODE_USE_ENV_PROXY=") // which ends on such an URL by itself
			if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("started")) {
				t.Errorf("%s, %q: %v\n%s", node, proxy, err, out)
			}
		}
	}
}

// world is an origin and a proxy that leads every host to it.
type world struct {
	origin *httptest.Server
	proxy  *httptest.Server
	ca     []byte
	open   bool   // without a credential too
	answer string // of the proxy to CONNECT, | between writes; "-" opens a tunnel, "" closes

	mu sync.Mutex
	to []string
}

const credential = "cnVuOnRva2Vu" // run:token

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{answer: "-"}
	var leaf tls.Certificate
	w.ca, leaf = certificates(t)
	w.origin = httptest.NewUnstartedServer(http.HandlerFunc(serveOrigin))
	w.origin.TLS = &tls.Config{Certificates: []tls.Certificate{leaf}}
	w.origin.EnableHTTP2 = true
	w.origin.Config.ErrorLog = log.New(io.Discard, "", 0) // some clients leave early, as asked
	w.origin.StartTLS()
	t.Cleanup(w.origin.Close)
	w.proxy = httptest.NewServer(http.HandlerFunc(w.connect))
	t.Cleanup(w.proxy.Close)
	return w
}

func serveOrigin(rw http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/echo":
		http.NewResponseController(rw).EnableFullDuplex()
		io.Copy(rw, r.Body)
	case "/endless":
		for err := error(nil); err == nil; {
			_, err = rw.Write(make([]byte, 64<<10))
		}
	case "/never":
		<-r.Context().Done()
	default:
		io.WriteString(rw, "hello "+r.Proto)
	}
}

func (w *world) connect(rw http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || !w.open && r.Header.Get("Proxy-Authorization") != "Basic "+credential {
		http.Error(rw, "no", http.StatusProxyAuthRequired)
		return
	}
	w.mu.Lock()
	w.to = append(w.to, r.Host)
	w.mu.Unlock()
	client, buffered, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	if w.answer != "-" {
		w.refuse(client)
		return
	}
	origin, err := net.Dial("tcp", w.origin.Listener.Addr().String())
	if err != nil {
		return
	}
	defer origin.Close()
	io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	relay(client, buffered.Reader, origin)
}

// refuse answers and, unless the answer says to close, waits for the client to.
func (w *world) refuse(client net.Conn) {
	for part := range strings.SplitSeq(w.answer, "|") {
		if part == "" || part == "close" {
			return
		}
		io.WriteString(client, part)
		time.Sleep(5 * time.Millisecond)
	}
	io.Copy(io.Discard, client)
}

func relay(client net.Conn, fromClient *bufio.Reader, origin net.Conn) {
	var both sync.WaitGroup
	both.Go(func() {
		io.Copy(origin, fromClient)
		origin.(*net.TCPConn).CloseWrite()
	})
	both.Go(func() {
		io.Copy(client, origin)
		client.(*net.TCPConn).CloseWrite()
	})
	both.Wait()
}

// seen takes where the proxy was asked to connect to since the last time.
func (w *world) seen() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	to := w.to
	w.to = nil
	return to
}

// vars are those of a child in a directory whose name needs quoting.
func (w *world) vars(t *testing.T) []string {
	t.Helper()
	vars, notices, err := Child{
		Environ:  []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()},
		ProxyURL: "http://run:token@" + w.proxy.Listener.Addr().String(),
		CA:       w.ca,
		Bundle:   func(string) ([]byte, error) { return w.ca, nil },
		Dir:      filepath.Join(t.TempDir(), `a "quoted" \ place's name`),
	}.Vars()
	if err != nil || len(notices) > 0 {
		t.Fatal(err, notices)
	}
	return vars
}

// run tells what the ways of testdata/clients.mjs got from origin. A Node that
// does not end has been left hanging.
func (w *world) run(t *testing.T, node string, vars []string, origin string, ways ...string) map[string]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, append([]string{"testdata/clients.mjs", origin}, ways...)...)
	cmd.Env = vars
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s%s", node, err, out, errs.Bytes())
	}
	var results map[string]string
	if err := json.Unmarshal(out, &results); err != nil || len(results) != len(ways) {
		t.Errorf("%s: %v\n%s%s", node, err, out, errs.Bytes())
	}
	return results
}

// certificates makes a CA, in PEM, and a leaf for all that the tests call.
func certificates(t *testing.T) ([]byte, tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := rootTemplate("test root")
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: root.NotBefore, NotAfter: root.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		DNSNames:    []string{"api.example.test", "origin.test", "localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP("192.0.2.1")},
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if root, err = x509.ParseCertificate(rootDER); err != nil { // now it has a key ID, which the leaf names
		t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})
	return ca, tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: key}
}

func rootTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
}

// rootNamed is a CA, in PEM, that has signed nothing.
func rootNamed(t *testing.T, name string) []byte {
	t.Helper()
	root, err := newRoot(name)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func newRoot(name string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	root := rootTemplate(name)
	der, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
