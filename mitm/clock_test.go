package mitm_test

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// setBack is t as a machine tells it whose wall clock has been set back: the monotonic reading goes on. The bits
// of a time.Time are no promise of Go's, so they are checked.
func setBack(t time.Time, by time.Duration) time.Time {
	const nanoBits = 30 // seconds stand above them in the first word
	back := t
	*(*uint64)(unsafe.Pointer(&back)) -= uint64(by/time.Second) << nanoBits
	if back.Sub(t) != 0 || back.Round(0).Sub(t.Round(0)) != -by {
		panic("a time.Time is laid out otherwise")
	}
	return back
}

// The wall clock is set back by an hour while the origin answers, for a request and for a relayed tunnel. Both took
// as long as they did.
func TestL8SetBackDuringAnExchange(t *testing.T) {
	var set atomic.Bool
	o := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { set.Store(true) })
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Change: func(c *mitm.Config) {
		c.Route = func(_ mitm.Scope, h string, _ int) mitm.Route { return mitm.Route{Relay: h == relayedHost} }
		c.Now = func() time.Time {
			if set.Load() {
				return setBack(time.Now(), time.Hour)
			}
			return time.Now()
		}
	}})
	began := time.Now()
	send(t, l.Client, asking(l.URL(host, "/"), "", bearer("KEY")))
	set.Store(false)
	c, err := through(t, l, relayedHost, relayedHost)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+relayedHost+"\r\nConnection: close\r\n\r\n")
	io.Copy(io.Discard, c)
	c.Close()

	want := []string{"/ decided OK -", "/ done OK -", "CONNECT done OK -"}
	var events map[string]audit.Event
	for end := time.Now().Add(20 * time.Second); len(events) < len(want) && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		events = eventsOf(t, l)
	}
	most := time.Since(began)
	for _, what := range want {
		e, ok := events[what]
		if took := time.Duration(e.DurationMS) * time.Millisecond; !ok || took < 0 || took > most {
			t.Errorf("%s: recorded %v, took %v of at most %v", what, ok, took, most)
		}
		if back := e.Timestamp.Before(began.Add(-time.Minute)); back != (e.Event == audit.Done) {
			t.Errorf("%s: at %v, of a test that began at %v", what, e.Timestamp, began)
		}
	}
}
