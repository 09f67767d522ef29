package demo

import (
	"compress/gzip"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Got is what the origin tells of one request, as a line of JSON.
type Got struct {
	Path          string `json:"path"`
	Authorization string `json:"authorization"`
	Proto         string `json:"proto"`
}

// origin answers as an API for chat completions does, and echoes what it was
// sent: in a field of the response, and in what the assistant says.
type origin struct {
	mu  sync.Mutex // guards out
	out *json.Encoder
}

// ServeOrigin answers on l until it is closed. Every request is told to out.
func ServeOrigin(l net.Listener, cert *tls.Certificate, out io.Writer) error {
	o := &origin{out: json.NewEncoder(out)}
	srv := &http.Server{
		Handler:           o,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*cert}},
		ReadHeaderTimeout: 10 * time.Second,
	}
	return srv.ServeTLS(l, "", "")
}

// asked is what the origin reads of a request for a completion.
type asked struct {
	Model  string `json:"model"`
	Stream bool   `json:"stream"`
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, `{"error":"body"}`, http.StatusBadRequest)
		return
	}
	o.tell(Got{r.URL.Path, r.Header.Get("Authorization"), r.Proto})
	var a asked
	if err := json.Unmarshal(body, &a); err != nil && len(body) > 0 {
		http.Error(w, `{"error":"not JSON"}`, http.StatusBadRequest)
		return
	}
	w.Header().Set("X-Echo-Authorization", r.Header.Get("Authorization"))
	said := fmt.Sprintf("You sent me %s, over %s.", r.Header.Get("Authorization"), r.Proto)
	if a.Stream {
		w.Header().Set("Content-Type", "text/event-stream")
		stream(w, a.Model, said)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	out, done := compressed(w, r)
	defer done()
	_ = json.NewEncoder(out).Encode(completion(a.Model, said, r.Header, body))
}

func (o *origin) tell(g Got) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.out.Encode(g)
}

// compressed uses gzip if the client takes it, and, asked by ?gzip=always, even
// if not: some origins do.
func compressed(w http.ResponseWriter, r *http.Request) (io.Writer, func()) {
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && r.URL.Query().Get("gzip") != "always" {
		return w, func() {}
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	return z, func() { _ = z.Close() }
}

func completion(model, said string, header http.Header, body []byte) map[string]any {
	return map[string]any{
		"id": "chatcmpl-demo", "object": "chat.completion", "created": time.Now().Unix(), "model": model,
		"choices": []any{map[string]any{
			"index": 0, "finish_reason": "stop", "message": map[string]string{"role": "assistant", "content": said},
		}},
		"usage":   map[string]int{"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
		"request": map[string]any{"header": header, "body": string(body)},
	}
}

// stream sends said as events of one delta each, the first half of each in a
// packet of its own.
func stream(w http.ResponseWriter, model, said string) {
	flush := http.NewResponseController(w).Flush
	before, auth, ok := strings.Cut(said, "Bearer ")
	deltas := []string{before, "Bearer " + auth}
	if !ok {
		deltas = []string{said}
	}
	for _, text := range deltas {
		event, err := json.Marshal(map[string]any{
			"id": "chatcmpl-demo", "object": "chat.completion.chunk", "created": time.Now().Unix(), "model": model,
			"choices": []any{map[string]any{"index": 0, "delta": map[string]string{"role": "assistant", "content": text}}},
		})
		if err != nil {
			return
		}
		line := "data: " + string(event) + "\n\n"
		half := strings.Index(line, auth) + len(auth)/3 // inside the value
		for _, part := range []string{line[:max(half, 0)], line[max(half, 0):]} {
			_, _ = io.WriteString(w, part)
			_ = flush()
			time.Sleep(5 * time.Millisecond)
		}
	}
	_, _ = io.WriteString(w, "data: [DONE]\n\n")
}
