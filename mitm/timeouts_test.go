package mitm_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// impatient is a lab whose proxy waits for clients as long as t says.
func impatient(t *testing.T, o http.Handler, w mitm.Timeouts) *lab.Lab {
	t.Helper()
	return lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, Change: func(c *mitm.Config) { c.Timeouts = w }})
}

// isClosed fails unless the other side ends c in time.
func isClosed(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("still open")
	}
}

// Clients that say too little are not waited for, at the port and in tunnels.
func TestV1SlowHeads(t *testing.T) {
	l := impatient(t, nil, mitm.Timeouts{Head: 300 * time.Millisecond})
	inside := func(protocol, text string) func(*testing.T) net.Conn {
		return func(t *testing.T) net.Conn {
			c := l.TLS(l.Authority(host), protocol)
			io.WriteString(c, text)
			return c
		}
	}
	for name, begin := range map[string]func(*testing.T) net.Conn{
		"half a head at the port": func(t *testing.T) net.Conn {
			c := l.Dial()
			io.WriteString(c, "GET / HTTP/1.1\r\nX: ")
			return c
		},
		"half a head in a tunnel":        inside("http/1.1", "GET / HTTP/1.1\r\nX: "),
		"no preface":                     inside("h2", http2.ClientPreface[:5]),
		"half of TLS":                    func(t *testing.T) net.Conn { c := l.Connect(l.Authority(host)); c.Write([]byte{22, 3}); return c },
		"no TLS in a tunnel":             func(t *testing.T) net.Conn { return l.Connect(l.Authority(host)) },
		"half a body that is read ahead": inside("http/1.1", "POST / HTTP/1.1\r\nHost: "+l.Authority(host)+"\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the preface has ten seconds, whatever we say
			isClosed(t, begin(t))
		})
	}
}

// A head that comes drop by drop has no more time than another.
func TestV1HeadDropByDrop(t *testing.T) {
	l := impatient(t, nil, mitm.Timeouts{Head: 500 * time.Millisecond})
	for name, begin := range map[string]func() net.Conn{
		"at the port": l.Dial,
		"in a tunnel": func() net.Conn { return l.TLS(l.Authority(host), "http/1.1") },
	} {
		t.Run(name, func(t *testing.T) {
			c := begin()
			io.WriteString(c, "GET / HTTP/1.1\r\nX: ")
			until(t, "the connection ends", func() bool {
				time.Sleep(10 * time.Millisecond)
				_, err := io.WriteString(c, "x")
				return err != nil
			})
		})
	}
}

// Connections on which nothing more is asked end.
func TestV1IdleConnections(t *testing.T) {
	l := impatient(t, nil, mitm.Timeouts{Idle: 300 * time.Millisecond})
	for name, begin := range map[string]func(*testing.T) net.Conn{
		"at the port": func(t *testing.T) net.Conn {
			c := l.Dial()
			io.WriteString(c, "GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
			return c
		},
		"HTTP/1": func(t *testing.T) net.Conn {
			c := l.TLS(l.Authority(host), "http/1.1")
			if got := asks(t, l, c); got != 200 {
				t.Fatal(got)
			}
			return c
		},
		"HTTP/2": func(t *testing.T) net.Conn {
			c := l.TLS(l.Authority(host), "h2")
			if got := http2Status(t, c, []string{":authority", l.Authority(host)}); got != "200" {
				t.Fatal(got)
			}
			return c
		},
	} {
		t.Run(name, func(t *testing.T) { isClosed(t, begin(t)) })
	}
}

// A body whose length was announced has to go on coming.
func TestV1StalledBody(t *testing.T) {
	l := impatient(t, newRecorder(), mitm.Timeouts{Stall: 300 * time.Millisecond})
	head := func(length int) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", l.Authority(host), length)
	}
	json2 := strings.Replace(head(2<<20), "text/plain", "application/json", 1) + `"` + strings.Repeat("x", 1<<20)
	for name, text := range map[string]string{"short": head(10) + "12345", "long": json2} {
		t.Run("HTTP/1, "+name, func(t *testing.T) {
			c := l.TLS(l.Authority(host), "http/1.1")
			io.WriteString(c, text)
			c.SetReadDeadline(time.Now().Add(20 * time.Second))
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			var p problem
			if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || resp.StatusCode != 408 || p.Error != "bad_request" {
				t.Errorf("%s %+v %v", resp.Status, p, err)
			}
			isClosed(t, c)
		})
	}
	t.Run("HTTP/2", func(t *testing.T) {
		r, w := io.Pipe()
		defer w.Close()
		go io.WriteString(w, "12345")
		req, _ := http.NewRequest("POST", l.URL(host, "/"), r)
		req.ContentLength = 10
		resp, body := send(t, l.Client, req)
		wantProblem(t, resp, body, 408, "bad_request")
	})
}

// A body of unknown length, and a response, may be silent for as long as they like.
func TestV1SilenceIsNoStall(t *testing.T) {
	const stall = 200 * time.Millisecond
	for _, http1 := range []bool{true, false} {
		t.Run(fmt.Sprintf("HTTP/1 %v", http1), func(t *testing.T) {
			l := impatient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				w.Header().Set("Content-Type", "text/event-stream")
				http.NewResponseController(w).Flush()
				time.Sleep(3 * stall)
				w.Write(b)
			}), mitm.Timeouts{Stall: stall})
			r, w := io.Pipe()
			go func() {
				io.WriteString(w, "one ")
				time.Sleep(3 * stall)
				io.WriteString(w, "two")
				w.Close()
			}()
			req, _ := http.NewRequest("POST", l.URL(host, "/"), r)
			if resp, body := send(t, l.NewClient(!http1), req); resp.StatusCode != 200 || body != "one two" {
				t.Errorf("%s %q", resp.Status, body)
			}
		})
	}
}

// An origin that is connected may think for as long as its client waits: long polls and slow models do.
func TestV1AnswersAreWaitedFor(t *testing.T) {
	const short = 200 * time.Millisecond
	for _, http1 := range []bool{true, false} {
		l := lab.New(t, lab.Config{
			OriginH1: http1, Secrets: secrets, Allow: []string{host},
			Origin: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(5 * short) }),
			Change: func(c *mitm.Config) {
				c.Timeouts = mitm.Timeouts{Head: short, Idle: short, Stall: short, Ping: short, Pool: short}
			},
		})
		if resp, body := do(t, l, "GET", l.URL(host, "/slow"), "", bearer("KEY")); resp.StatusCode != 200 {
			t.Errorf("HTTP/1 %v: %s %s", http1, resp.Status, body)
		}
	}
}

// Who takes nothing of a response does not hold it, and its origin, for ever.
func TestV1ResponseThatIsNotTaken(t *testing.T) {
	gone := make(chan struct{}, 10)
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				break
			}
		}
		gone <- struct{}{}
	})
	l, m := measured(t, lab.Config{Origin: endless, Change: func(c *mitm.Config) { c.Timeouts.Stall = 500 * time.Millisecond }})
	s := httptest.NewServer(endless)
	t.Cleanup(s.Close)
	plain := s.Listener.Addr()
	for name, ask := range map[string]func(t *testing.T){
		"HTTP/1": func(t *testing.T) {
			fmt.Fprintf(l.TLS(l.Authority(host), "http/1.1"), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", l.Authority(host))
		},
		"HTTP/1, plain": func(t *testing.T) {
			fmt.Fprintf(l.Dial(), "GET http://%s/ HTTP/1.1\r\nHost: %[1]s\r\nProxy-Authorization: Basic %s\r\n\r\n", plain, basic("run", token(t, l)))
		},
		"HTTP/2, nothing is read": func(t *testing.T) {
			k := newTalker(t, l.TLS(l.Authority(host), "h2"), true, true)
			k.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
			k.WriteWindowUpdate(0, 1<<30)
			if err := k.ask(1, l.Authority(host)); err != nil {
				t.Fatal(err)
			}
		},
		"HTTP/2, no room is made": func(t *testing.T) {
			k := newTalker(t, l.TLS(l.Authority(host), "h2"), true, false)
			if err := k.ask(1, l.Authority(host)); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { k.conn.Close(); <-k.ended })
		},
	} {
		t.Run(name, func(t *testing.T) {
			ask(t)
			select {
			case <-gone:
			case <-time.After(20 * time.Second):
				t.Error("the origin still sends")
			}
		})
	}
	wait(t, m, `exchanges_total{class="4xx",decision="allowed"} 4`) // 499: the client left
	wait(t, m, `denials_total{reason="origin_protocol"} 0`)
}
