package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
)

// The origin, in a process of its own. Its port is also that of the URL.
const host = "api.bench.test"

const (
	answerLen = 1 << 10
	eventGap  = 5 * time.Millisecond
	heldEvent = "event: last\ndata: " + heldText + "\n\n"
	heldText  = `{"choices":[{"delta":{"content":"nothing comes after this"}}]}`
)

func originMain(stdin io.Reader, stdout io.Writer) error {
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return err
	}
	leaf, err := authority.Leaf(host)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if err := json.NewEncoder(stdout).Encode(hello{"https://" + l.Addr().String(), string(authority.PEM())}); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		l.Close()
	}()
	s := &http.Server{Handler: originHandler(), ErrorLog: log.New(io.Discard, "", 0)}
	// Every peer gets the same handshake: nginx knows no ML-KEM, and speaks
	// HTTP/1.1 to its origins.
	cfg := &tls.Config{
		Certificates: []tls.Certificate{*leaf}, NextProtos: []string{"http/1.1"}, CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},
	}
	_ = s.Serve(tls.NewListener(l, cfg)) // ends with the listener
	return s.Shutdown(context.Background())
}

func originHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", serveEcho)
	mux.HandleFunc("/keep", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	mux.HandleFunc("/bulk", serveBulk)
	mux.HandleFunc("/events", serveEvents)
	mux.HandleFunc("/held", serveHeld)
	return mux
}

// answer is 1 KiB that begins with what the request was authorized by.
func answer(authorization string) []byte {
	b := append([]byte(authorization), '\n')
	for len(b) < answerLen {
		b = append(b, "0123456789abcde\n"...)
	}
	return b[:answerLen]
}

func serveEcho(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(answer(r.Header.Get("Authorization")))
}

// serveBulk sends ?n= bytes of text with a declared length.
func serveBulk(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(n))
	block := text()
	for n > 0 {
		k, err := w.Write(block[:min(n, len(block))])
		if err != nil {
			return
		}
		n -= k
	}
}

// text is 1 MiB of lines as an API sends them, the same in every process.
func text() []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < 1<<20 {
		fmt.Fprintf(&b, `{"id":"obj_%016x","created":%d,"score":%.6f,"body":"`, r.Uint64(), r.IntN(1e9), r.Float64())
		for range 20 + r.IntN(60) {
			b.WriteString([]string{"the ", "quick ", "origin ", "sends ", "words ", "of ", "many ", "lengths "}[r.IntN(8)])
		}
		fmt.Fprintf(&b, "\",\"sha\":\"%016x%016x\"}\n", r.Uint64(), r.Uint64())
	}
	return b.Bytes()[:1<<20]
}

// serveEvents sends ?n= events, each with the time at which it was sent.
func serveEvents(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	w.Header().Set("Content-Type", "text/event-stream")
	t := time.NewTicker(eventGap)
	defer t.Stop()
	for range n {
		<-t.C
		fmt.Fprintf(w, "data: %d\n\n", time.Now().UnixNano())
		_ = http.NewResponseController(w).Flush()
	}
}

// serveHeld sends one event and then nothing until the client leaves.
func serveHeld(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, heldEvent)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}
