package mitm_test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// limited is a lab with limits.
func limited(t *testing.T, o http.Handler, all, ofRun int) *lab.Lab {
	t.Helper()
	return lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Change: func(c *mitm.Config) {
		c.MaxConns, c.MaxRunConns = all, ofRun
	}})
}

// tunnelOf opens a tunnel of run and finishes TLS in it.
func tunnelOf(t *testing.T, l *lab.Lab, run *mitm.Run) (*tls.Conn, *http.Response) {
	t.Helper()
	c := l.Dial()
	u, err := url.Parse(run.URL(l.Addr))
	if err != nil {
		t.Fatal(err)
	}
	to := l.Authority(host)
	if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic %s\r\n\r\n", to, to, base64.StdEncoding.EncodeToString([]byte(u.User.String()))); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "CONNECT"})
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 {
		return nil, resp
	}
	conn := tls.Client(c, &tls.Config{RootCAs: l.Roots, ServerName: host})
	if err := conn.Handshake(); err != nil {
		t.Fatal(err)
	}
	return conn, resp
}

// asks makes one request on an open tunnel.
func asks(t *testing.T, l *lab.Lab, c *tls.Conn) int {
	t.Helper()
	if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", l.Authority(host)); err != nil {
		return 0
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0
	}
	return resp.StatusCode
}

// wantOverloaded reads a refusal that names flag.
func wantOverloaded(t *testing.T, resp *http.Response, flag string) {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	var p problem
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err != nil || resp.StatusCode != 503 || p.Error != "overloaded" || !strings.Contains(p.Hint, " "+flag+" ") {
		t.Fatalf("%s %s: %v", resp.Status, body, err)
	}
}

func TestV2ConnectionsOfOneRun(t *testing.T) {
	l := limited(t, nil, 100, 3)
	other := l.Proxy.NewRun(func() mitm.Scope { return mitm.Scope{ProjectID: "prj", Environment: "development"} })
	var open []*tls.Conn
	for range 3 {
		c, resp := tunnelOf(t, l, l.Run)
		if c == nil {
			t.Fatal(resp.Status)
		}
		open = append(open, c)
	}
	_, resp := tunnelOf(t, l, l.Run)
	if want := "503 agentsecrets: there are 3 connections of one run, and no more are taken"; resp.Status != want {
		t.Errorf("%q, want %q", resp.Status, want)
	}
	wantOverloaded(t, resp, "--max-run-connections")
	if c, resp := tunnelOf(t, l, other); c == nil || asks(t, l, c) != 200 {
		t.Errorf("another run: %s", resp.Status)
	}
	for i, c := range open {
		if got := asks(t, l, c); got != 200 {
			t.Errorf("tunnel %d: %d", i, got)
		}
	}
	if err := open[0].Close(); err != nil {
		t.Fatal(err)
	}
	until(t, "there is room again", func() bool { c, _ := tunnelOf(t, l, l.Run); return c != nil })
}

// until waits for something that follows from what another goroutine does.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// gateOrigin answers /wait only when told to.
func gateOrigin(t *testing.T) (h http.Handler, waiting *atomic.Int32, open func()) {
	waiting, done := new(atomic.Int32), make(chan struct{})
	open = sync.OnceFunc(func() { close(done) })
	t.Cleanup(open)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			waiting.Add(1)
			<-done
		}
		_, _ = io.WriteString(w, "ok")
	}), waiting, open
}

// Where all are in use, a new one is told so, and those that are there go on.
func TestV2NoRoom(t *testing.T) {
	o, waiting, open := gateOrigin(t)
	l := limited(t, o, 3, 50)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			client := l.NewClient(false)
			resp, err := client.Get(l.URL(host, "/wait"))
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("one that was there first: %v %v", resp, err)
				return
			}
			resp.Body.Close()
		})
	}
	until(t, "three are in use", func() bool { return waiting.Load() == 3 })
	_, resp := tunnelOf(t, l, l.Run)
	wantOverloaded(t, resp, "--max-connections")
	resp, err := l.Client.Get("http://" + l.Authority(host) + "/")
	if err != nil {
		t.Fatal(err)
	}
	wantOverloaded(t, resp, "--max-connections")
	open()
	wg.Wait()
	until(t, "there is room again", func() bool { c, _ := tunnelOf(t, l, l.Run); return c != nil })
}

// Idle connections make room, those of whoever has most.
func TestV2IdleMakeRoom(t *testing.T) {
	l := limited(t, nil, 8, 8)
	first, _ := tunnelOf(t, l, l.Run)
	if asks(t, l, first) != 200 {
		t.Fatal("the first tunnel does not work")
	}
	for range 50 {
		l.Dial()
	}
	other := l.Proxy.NewRun(func() mitm.Scope { return mitm.Scope{ProjectID: "prj", Environment: "development"} })
	var silent *tls.Conn
	for i := range 6 {
		c, resp := tunnelOf(t, l, other)
		if c == nil {
			t.Fatalf("tunnel %d while 50 connections ask nothing: %s", i, resp.Status)
		}
		if i == 0 {
			silent = c
			continue
		}
		if got := asks(t, l, c); got != 200 {
			t.Fatalf("tunnel %d: %d", i, got)
		}
	}
	if got := asks(t, l, first); got != 200 {
		t.Errorf("the established one was hurt: %d", got)
	}
	// The other run holds half of what there is now, all of it idle; the first one gets in.
	for i := range 2 {
		c, resp := tunnelOf(t, l, l.Run)
		if c == nil || asks(t, l, c) != 200 {
			t.Fatalf("tunnel %d while another run holds idle ones: %s", i, resp.Status)
		}
	}
	if got := asks(t, l, first); got != 200 {
		t.Errorf("the established one was hurt: %d", got)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("who asked for nothing was kept")
	}
	if err := l.Proxy.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if strings.Contains(l.Log.String(), "left at our certificate") {
		t.Errorf("who made room is said to have left:\n%s", l.Log)
	}
}

// Streams of HTTP/2 are exchanges: one connection is no way around the limits.
func TestV2ExchangesOfOneRun(t *testing.T) {
	o, waiting, open := gateOrigin(t)
	l := limited(t, o, 100, 5)
	client := l.NewClient(true)
	var wg sync.WaitGroup
	if resp, err := client.Get(l.URL(host, "/")); err != nil || resp.ProtoMajor != 2 {
		t.Fatal(resp, err)
	}
	for range 5 {
		wg.Go(func() {
			resp, err := client.Get(l.URL(host, "/wait"))
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("one that was there first: %v %v", resp, err)
				return
			}
			resp.Body.Close()
		})
	}
	until(t, "five are under way", func() bool { return waiting.Load() == 5 })
	resp, err := client.Get(l.URL(host, "/"))
	if err != nil {
		t.Fatal(err)
	}
	wantOverloaded(t, resp, "--max-run-connections")
	open()
	wg.Wait()
	until(t, "there is room again", func() bool {
		resp, err := client.Get(l.URL(host, "/"))
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == 200
	})
}

// A flood of connections does not hurt a client that is there already.
func TestV2EstablishedClientIsNotHurt(t *testing.T) {
	l := limited(t, nil, 100, 50)
	client := l.NewClient(false)
	get := func() time.Duration {
		start := time.Now()
		resp, err := client.Get(l.URL(host, "/"))
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		resp.Body.Close()
		return time.Since(start)
	}
	get()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var dialled atomic.Int32
	for range 8 {
		wg.Go(func() {
			var mine []net.Conn
			defer func() {
				for _, c := range mine {
					c.Close()
				}
			}()
			for {
				select {
				case <-stop:
					return
				default:
				}
				if c, err := net.Dial("tcp", l.Addr.String()); err == nil {
					dialled.Add(1)
					if mine = append(mine, c); len(mine) > 60 {
						mine[0].Close()
						mine = mine[1:]
					}
				}
			}
		})
	}
	until(t, "more than there is room for", func() bool { return dialled.Load() > 500 })
	var took []time.Duration
	for range 100 {
		took = append(took, get())
	}
	n := dialled.Load()
	close(stop)
	wg.Wait()
	slices.Sort(took)
	t.Logf("%d connections came; the established client waited %v, at most %v", n, took[50], took[99])
	if took[98] > 5*time.Second {
		t.Errorf("the established client waited %v", took[98])
	}
}

// One line a minute, however many are refused; each is counted.
func TestOverloadIsLoggedOnceAMinute(t *testing.T) {
	var later atomic.Int64
	l, m := measured(t, lab.Config{Change: func(c *mitm.Config) {
		c.MaxRunConns = 1
		c.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	}})
	if c, resp := tunnelOf(t, l, l.Run); c == nil {
		t.Fatal(resp.Status)
	}
	refused := func() int { return strings.Count(l.Log.String(), "reason=overloaded") }
	for range 10 {
		tunnelOf(t, l, l.Run)
	}
	if n := refused(); n != 1 {
		t.Errorf("%d lines for 10 refusals:\n%s", n, l.Log)
	}
	wait(t, m, `denials_total{reason="overloaded"} 10`)
	later.Store(int64(time.Minute))
	tunnelOf(t, l, l.Run)
	if n := refused(); n != 2 || !strings.Contains(l.Log.String(), "times=10") {
		t.Errorf("%d lines after a minute:\n%s", n, l.Log)
	}
}

// Who comes where there is no room and does not ask is not waited for.
func TestV2ShedConnectionsEnd(t *testing.T) {
	o, waiting, _ := gateOrigin(t)
	l := limited(t, o, 1, 1)
	go func() { _, _ = l.Client.Get(l.URL(host, "/wait")) }()
	until(t, "the only one is in use", func() bool { return waiting.Load() == 1 })
	var open []net.Conn
	for range 100 {
		open = append(open, l.Dial())
	}
	for i, c := range open {
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
}
