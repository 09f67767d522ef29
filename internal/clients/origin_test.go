package clients_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// origin is the API at the other end: TLS under a CA of its own, HTTP/1.1 and
// HTTP/2, on loopback. It echoes what it is sent, and keeps it for the test.
type origin struct {
	t      *testing.T
	server *httptest.Server
	port   int
	caFile string
	key    string // with which requests are signed

	asked, gaveUp chan struct{} // of /tools/silent: somebody asked, and gave up
	goOn          func()        // lets waiting event streams go on
	wait          chan struct{} // closed by goOn

	mu   sync.Mutex
	seen map[string][]request // by path
}

// request is one that the origin got.
type request struct {
	*http.Request
	body []byte
}

func newOrigin(t *testing.T, dir string) *origin {
	t.Helper()
	o := &origin{t: t, seen: map[string][]request{}, wait: make(chan struct{}), gaveUp: make(chan struct{}, 1), asked: make(chan struct{}, 1)}
	o.goOn = sync.OnceFunc(func() { close(o.wait) })
	o.caFile = filepath.Join(dir, "origin-ca.pem")
	mux := http.NewServeMux()
	mux.HandleFunc("/", o.echo)
	mux.HandleFunc("/v1/echo", o.echoShort)
	mux.HandleFunc("POST /v1/chat/completions", o.chat)
	mux.HandleFunc("/ten-seconds", tenSeconds)
	mux.HandleFunc("/lines", answerLines)
	mux.HandleFunc("/fails/{how}/{rest...}", fails)
	mux.HandleFunc("/socket", o.socket)
	o.forTools(mux)
	repo := newRepository(t, dir)
	mux.HandleFunc("/repo.git/", func(w http.ResponseWriter, r *http.Request) {
		o.keep(r, nil)
		repo.ServeHTTP(w, r)
	})
	o.forRecipes(mux, repo)
	o.server = httptest.NewUnstartedServer(mux)
	o.server.EnableHTTP2 = true
	o.server.Config.ErrorLog = log.New(t.Output(), "origin: ", 0)
	// Without tickets, as ours: clients with threads would hang at times, see mitm.
	o.server.TLS = &tls.Config{Certificates: []tls.Certificate{originCertificate(t, o.caFile)}, SessionTicketsDisabled: true}
	o.server.StartTLS()
	t.Cleanup(o.server.Close)
	t.Cleanup(o.goOn)
	o.port = o.server.Listener.Addr().(*net.TCPAddr).Port
	return o
}

func (o *origin) url(host string) string { return fmt.Sprintf("https://%s:%d", host, o.port) }

func (o *origin) keep(r *http.Request, body []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen[r.URL.Path] = append(o.seen[r.URL.Path], request{r, body})
}

// last is the newest request for path.
func (o *origin) last(path string) request {
	o.t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	all := o.seen[path]
	if len(all) == 0 {
		o.t.Fatalf("the origin got no request for %s", path)
	}
	return all[len(all)-1]
}

// echo answers with everything that it was sent.
func (o *origin) echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		o.t.Errorf("origin: read body: %v", err)
	}
	o.keep(r, body)
	reply := map[string]any{"method": r.Method, "url": r.URL.String(), "headers": r.Header, "body": string(body)}
	if json.Valid(body) {
		reply["body"] = json.RawMessage(body)
	}
	w.Header().Set("X-Echo", r.Header.Get("Authorization"))
	o.writeJSON(w, r, reply)
}

// echoShort is the same for a transcript that has to fit on a screen.
func (o *origin) echoShort(w http.ResponseWriter, r *http.Request) {
	o.keep(r, nil)
	o.writeJSON(w, r, map[string]string{"you sent": r.Header.Get("Authorization")})
}

func (o *origin) writeJSON(w http.ResponseWriter, r *http.Request, v any) {
	w.Header().Set("Content-Type", "application/json")
	e := newEncoder(w, r)
	defer e.Close()
	if err := json.NewEncoder(e).Encode(v); err != nil {
		o.t.Errorf("origin: %v", err)
	}
}

// tenSeconds is an event stream of that length, of twenty lines.
func tenSeconds(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range 20 {
		fmt.Fprintf(w, "data: %d\n", i)
		http.NewResponseController(w).Flush()
		time.Sleep(500 * time.Millisecond)
	}
}

// answerLines answers each line of a body as it comes.
func answerLines(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	rc.EnableFullDuplex()
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		fmt.Fprintf(w, "got %s\n", lines.Text())
		rc.Flush()
	}
}

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// chat speaks the chat completions API of OpenAI; what it says is the
// Authorization field.
func (o *origin) chat(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		o.t.Errorf("origin: read body: %v", err)
	}
	o.keep(r, body)
	var q struct{ Stream bool }
	if err := json.Unmarshal(body, &q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	said := "You sent " + r.Header.Get("Authorization") + " to me"
	if q.Stream {
		o.chatStream(w, r, said)
		return
	}
	o.writeJSON(w, r, completion("chat.completion", "message", said, "stop"))
}

func completion(object, part, text string, finish any) map[string]any {
	return map[string]any{
		"id": "chatcmpl-1", "object": object, "created": 1700000000, "model": "gpt-4o-mini",
		"choices": []any{map[string]any{
			"index": 0, part: map[string]any{"role": "assistant", "content": text}, "finish_reason": finish,
		}},
	}
}

// chatStream sends one event, torn in two inside the echo, then waits until the
// client has shown it: an event that is held back until more comes never is.
func (o *origin) chatStream(w http.ResponseWriter, r *http.Request, said string) {
	w.Header().Set("Content-Type", "text/event-stream")
	e := newEncoder(w, r)
	defer e.Close()
	first := event(completion("chat.completion.chunk", "delta", said, nil))
	torn := bytes.Index(first, []byte("Bearer ")) + len("Bearer ") + 10
	e.send(first[:torn])
	time.Sleep(20 * time.Millisecond)
	e.send(first[torn:])
	select {
	case <-o.wait:
	case <-time.After(20 * time.Second):
		o.t.Error("the client did not show the first event while the stream was open")
	}
	e.send(event(completion("chat.completion.chunk", "delta", "!", nil)))
	e.send(event(completion("chat.completion.chunk", "delta", "", "stop")))
	e.send([]byte("data: [DONE]\n\n"))
}

func event(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of strings and numbers
	}
	return fmt.Appendf(nil, "data: %s\n\n", b)
}

// encoder compresses for clients that accept it, and at /gzip for all.
type encoder struct {
	io.Writer
	flush []func() error
	close func() error
}

func newEncoder(w http.ResponseWriter, r *http.Request) *encoder {
	rc := http.NewResponseController(w)
	if r.URL.Path != "/gzip" && !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return &encoder{w, []func() error{rc.Flush}, func() error { return nil }}
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	return &encoder{z, []func() error{z.Flush, rc.Flush}, z.Close}
}

func (e *encoder) send(b []byte) {
	e.Write(b)
	for _, flush := range e.flush {
		flush()
	}
}

func (e *encoder) Close() error { return e.close() }

// originCertificate makes a CA, leaves its certificate at caFile, and a leaf
// for every host that the tests call.
func originCertificate(t *testing.T, caFile string) tls.Certificate {
	t.Helper()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Acme Test Root"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootKey, der := sign(t, root, root, nil)
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "api.acme.test"},
		NotBefore: root.NotBefore, NotAfter: root.NotAfter,
		DNSNames:    append([]string{apiHost, openAIHost, gitHost, "localhost", "maps.googleapis.com"}, recipeHosts()...),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	key, der := sign(t, leaf, root, rootKey)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// sign makes a key for template and its certificate; by nil signs itself.
func sign(t *testing.T, template, parent *x509.Certificate, by *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by == nil {
		by = key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}
