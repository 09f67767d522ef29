package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/webpage"
)

// healthJSON is the answer of GET /health.
type healthJSON struct {
	Status      string `json:"status"`
	Project     string `json:"project"`               // its ID
	Environment string `json:"environment,omitempty"` // of a run, which is pinned to one
	Port        int    `json:"port"`
	Uptime      int    `json:"uptime_seconds"`
	Version     string `json:"version"`
}

// healthAt is what a proxy of ours at hostPort answers, of whichever home.
func healthAt(ctx context.Context, hostPort string) (h healthJSON, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+hostPort+"/health", nil)
	if err != nil {
		return h, false
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return h, false
	}
	defer resp.Body.Close()
	err = json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&h)
	return h, err == nil && h.Status == "ok" && h.Port != 0 && h.Version != ""
}

// statusHandler answers what is asked of the proxy itself. It tells nobody
// anything that a web page could want: pages are refused.
func statusHandler(health func() healthJSON, ready func(context.Context) string, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, health()) })
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, r *http.Request) {
		if reason := ready(r.Context()); reason != "" {
			writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": reason})
			return
		}
		writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	})
	mux.Handle("GET /metrics", metrics)
	return onlyLocal(mux)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// onlyLocal refuses the requests of web pages.
func onlyLocal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if webpage.Asks(r) {
			writeJSON(w, http.StatusForbidden, map[string]string{"error": "forbidden"})
			return
		}
		next.ServeHTTP(w, r)
	})
}
