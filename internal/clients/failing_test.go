package clients_test

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// fails is an origin that fails in the way that its path names, and says what it
// was sent wherever it can.
func fails(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	said := fmt.Sprintf("you sent %s, %s and %s", r.URL, r.Header.Get("X-Key"), body)
	h := w.Header()
	h.Set("X-Echo", r.Header.Get("X-Key"))
	h.Set("Content-Type", "text/plain")
	switch r.PathValue("how") {
	case "404":
		w.WriteHeader(http.StatusNotFound)
	case "503":
		w.WriteHeader(http.StatusServiceUnavailable)
	case "redirect":
		h.Set("Location", "https://elsewhere.acme.test/?"+r.URL.RawQuery)
		w.WriteHeader(http.StatusFound)
	case "coding":
		h.Set("Content-Encoding", "rot13")
	case "cut":
		h.Set("Content-Length", "100000")
		io.WriteString(w, said)
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case "panic":
		panic(said)
	case "endless":
		for r.Context().Err() == nil {
			io.WriteString(w, said+"\n")
			http.NewResponseController(w).Flush()
			time.Sleep(20 * time.Millisecond)
		}
	}
	io.WriteString(w, said)
}
