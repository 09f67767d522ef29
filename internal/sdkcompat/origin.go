package main

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/agentsecrets/agentsecrets/ca"
)

// origin is the API that is called. It answers with what it was sent, and writes
// <NAME> where a value came: so a row sees that the right one arrived in the right
// place, and holds none.
type origin struct {
	root   *ca.Authority
	labels map[string]string // by value
	server *http.Server
	port   int
}

func startOrigin(labels map[string]string) (*origin, error) {
	root, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the origin: %w", err)
	}
	o := &origin{root: root, labels: labels, port: l.Addr().(*net.TCPAddr).Port}
	leaf := func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return root.Leaf(hello.ServerName) }
	o.server = &http.Server{Handler: o.handler(), ErrorLog: log.New(io.Discard, "", 0)}
	go o.server.Serve(tls.NewListener(l, &tls.Config{GetCertificate: leaf})) // ends with close
	return o, nil
}

func (o *origin) close() { _ = o.server.Close() }

func (o *origin) handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/", o.show)
	m.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("Authorization")) })
	m.HandleFunc("/status/{code}", func(w http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		w.WriteHeader(max(code, 200))
		io.WriteString(w, `{"error":{"code":"card_declined"}}`)
	})
	m.HandleFunc("/stream", o.stream)
	m.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	return m
}

func (o *origin) show(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	header := map[string]string{}
	for field, lines := range r.Header {
		header[field] = o.label(strings.Join(lines, ", "))
	}
	query := map[string]string{}
	for param, texts := range r.URL.Query() {
		query[param] = o.label(strings.Join(texts, ", "))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header()["X-Twice"] = []string{"one", "two"}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(map[string]any{
		"method": r.Method, "path": r.URL.Path, "host": r.Host, "headers": header, "query": query, "body": o.label(string(body)),
	})
}

// stream sends events, each by itself.
func (o *origin) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range 3 {
		fmt.Fprintf(w, "data: %d %s\n\n", i, o.label(r.Header.Get("Authorization")))
		_ = http.NewResponseController(w).Flush()
	}
}

// label writes names in place of values. Basic credentials are decoded first.
func (o *origin) label(text string) string {
	if scheme, coded, ok := strings.Cut(text, " "); ok && scheme == "Basic" {
		if plain, err := base64.StdEncoding.DecodeString(coded); err == nil {
			text = "Basic " + string(plain)
		}
	}
	for value, name := range o.labels {
		text = strings.ReplaceAll(text, value, "<"+name+">")
	}
	return text
}
