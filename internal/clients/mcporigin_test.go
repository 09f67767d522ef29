package clients_test

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// party is how many requests /tools/together answers at once.
const party = 4

// forTools adds what the tests of the MCP server ask for.
func (o *origin) forTools(mux *http.ServeMux) {
	var mu sync.Mutex
	stored, came, all := "", 0, make(chan struct{})
	mux.HandleFunc("/tools/store", func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		stored = r.Header.Get("Authorization")
	})
	mux.HandleFunc("/tools/stored", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("X-Stored", stored)
		io.WriteString(w, "you once sent "+stored)
	})
	mux.HandleFunc("/tools/bytes/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		w.Write(bytes.Repeat([]byte{0xff}, n))
	})
	mux.HandleFunc("/tools/text", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "aéé") })
	mux.HandleFunc("/tools/silent", func(_ http.ResponseWriter, r *http.Request) {
		tell(o.asked)
		<-r.Context().Done()
		tell(o.gaveUp)
	})
	mux.HandleFunc("/tools/together", func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if came++; came == party {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
			io.WriteString(w, "all are here")
		case <-r.Context().Done():
		}
	})
}

func tell(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// wait waits for what c tells of.
func wait(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatal(what)
	}
}
