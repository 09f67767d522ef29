package main

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/agentsecrets/agentsecrets/internal/webpage"
)

// healthJSON is the answer of GET /health.
type healthJSON struct {
	Status  string `json:"status"`
	Project string `json:"project"` // its ID
	Port    int    `json:"port"`
	Uptime  int    `json:"uptime_seconds"`
	Version string `json:"version"`
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
