package mitm_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/metrics"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// open counts connections to origins.
type openConns struct {
	mitm.Observer
	origin atomic.Int64
}

func (o *openConns) Connection(state string, delta int) {
	if state == "origin" {
		o.origin.Add(int64(delta))
	}
}

// Two runs never share a connection to an origin, and so no table of HPACK: what one sends is no context for what the
// other does. A run's connections go with it.
func TestE12RunsShareNoConnection(t *testing.T) {
	for _, http1 := range []bool{false, true} {
		var mu sync.Mutex
		by, protocols := map[string]map[string]int{}, map[string]bool{}
		count := &openConns{Observer: metrics.New(metrics.Config{})}
		l := lab.New(t, lab.Config{
			Secrets: secrets, Allow: []string{host}, OriginH1: http1, Change: func(c *mitm.Config) { c.Observer = count },
			Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				protocols[r.Proto] = true
				if by[r.RemoteAddr] == nil {
					by[r.RemoteAddr] = map[string]int{}
				}
				by[r.RemoteAddr][r.Header.Get("X-Run")]++
			}),
		})
		runs := []*mitm.Run{l.Run, l.Proxy.NewRun(func() mitm.Scope { return mitm.Scope{ProjectID: "prj"} })}
		clients := []*http.Client{l.Client}
		l.Run = runs[1]
		clients = append(clients, l.NewClient(true))
		for i := range 40 {
			req := asking(l.URL(host, "/"), "", http.Header{"X-Run": {fmt.Sprint(i % 2)}})
			if i%4 < 2 {
				req.Header.Set("Authorization", "Bearer AS_SECRET_KEY")
			}
			send(t, clients[i%2], req)
		}
		for at, uses := range by {
			if len(uses) != 1 {
				t.Errorf("the connection from %s was used by two runs: %v", at, uses)
			}
			for run, n := range uses {
				if n < 10 {
					t.Errorf("run %s used the connection from %s %d times", run, at, n)
				}
			}
		}
		if len(by) != 4 || !http1 && !protocols["HTTP/2.0"] { // each run has one for values, and one for what has none
			t.Errorf("%d connections, %v", len(by), protocols)
		}
		runs[1].Revoke()
		for end := time.Now().Add(10 * time.Second); count.origin.Load() != 2; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d connections are open once a run has ended, and 2 are the other's", count.origin.Load())
			}
		}
	}
}
