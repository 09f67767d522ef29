package mitm_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// held is what may stay behind.
type held struct{ goroutines, descriptors int }

func heldNow(t testing.TB) held {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return held{runtime.NumGoroutine(), len(fds)}
}

// back waits until no more is held than before.
func (h held) back(t *testing.T) {
	t.Helper()
	var now held
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if now = heldNow(t); now.goroutines <= h.goroutines && now.descriptors <= h.descriptors {
			return
		}
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%+v are held, and were %+v:\n%s", now, h, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

const (
	faultTimes  = 40 // requests for each fault
	faultAtOnce = 20
)

// each makes so many requests by ask, some at a time.
func each(ask func()) {
	var wg sync.WaitGroup
	for range faultAtOnce {
		wg.Go(func() {
			for range faultTimes / faultAtOnce {
				ask()
			}
		})
	}
	wg.Wait()
}

// readsHead takes a request's head, and says whether there was one.
func readsHead(c net.Conn) bool {
	br := bufio.NewReaderSize(c, 1)
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return false
		}
		if line == "\r\n" {
			return true
		}
	}
}

// resets ends the connection under TLS by a reset.
func resets(c net.Conn) {
	raw := c.(*tls.Conn).NetConn().(*net.TCPConn)
	raw.SetLinger(0)
	raw.Close()
}

const partOfHead = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX: "

const (
	partOfBody   = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\na part"
	partOfChunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\na part\r\n"
	partToClose  = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\na part" // whole only if the connection ends well
)

// originFaults are ways in which origins fail. Each has taken the request's head.
func originFaults() map[string]func(c net.Conn) {
	says := func(text string, then func(net.Conn)) func(net.Conn) {
		return func(c net.Conn) {
			io.WriteString(c, text)
			then(c)
		}
	}
	closed := func(c net.Conn) { c.Close() }
	half := func(c net.Conn) { c.(*tls.Conn).NetConn().(*net.TCPConn).CloseWrite(); io.Copy(io.Discard, c) }
	silent := func(c net.Conn) { io.Copy(io.Discard, c) }
	return map[string]func(net.Conn){
		"dies before its head":        closed,
		"is reset before its head":    resets,
		"is silent":                   silent,
		"half-closes":                 half,
		"dies in its head":            says(partOfHead, closed),
		"is silent in its head":       says(partOfHead, silent),
		"is reset in its head":        says(partOfHead, resets),
		"half-closes in its head":     says(partOfHead, half),
		"dies in its body":            says(partOfBody, closed),
		"is silent in its body":       says(partOfBody, silent),
		"is reset in its body":        says(partOfBody, resets),
		"half-closes in its body":     says(partOfBody, half),
		"dies between chunks":         says(partOfChunks, closed),
		"is silent between chunks":    says(partOfChunks, silent),
		"is reset between chunks":     says(partOfChunks, resets),
		"is reset in an endless body": says(partToClose, resets),
		"babbles": func(c net.Conn) {
			for _, err := io.WriteString(c, strings.Repeat("babble ", 1000)); err == nil; _, err = io.WriteString(c, strings.Repeat("babble ", 1000)) {
			}
		},
		"has a head without end": func(c net.Conn) {
			_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for err == nil {
				_, err = io.WriteString(c, strings.Repeat("X: y\r\n", 100))
			}
		},
	}
}

// However an origin fails, nothing stays behind, and nobody takes a part for the whole.
func TestV6OriginFaults(t *testing.T) {
	for name, fault := range originFaults() {
		t.Run(name, func(t *testing.T) {
			port, roots := connOrigin(t, func(c net.Conn) {
				defer c.Close()
				if readsHead(c) {
					fault(c)
				}
			})
			faulty(t, port, roots)
		})
	}
}

// faulty asks an origin that fails, again and again.
func faulty(t *testing.T, port int, roots *x509.CertPool) {
	t.Helper()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{fmt.Sprintf("%s:%d", host, port)}, Change: func(c *mitm.Config) {
		opensLog(c)
		c.Roots = func(string) *x509.CertPool { return roots }
	}})
	client, leaves := leaving(l, false)
	other, others := leaving(l, true)
	client.Timeout, other.Timeout = 200*time.Millisecond, 200*time.Millisecond
	var turn atomic.Int32
	ask := func() {
		client := client
		if turn.Add(1)%2 == 0 {
			client = other
		}
		req, _ := http.NewRequest("GET", fmt.Sprintf("https://%s:%d/", host, port), nil)
		req.Header = bearer("KEY")
		resp, err := client.Do(req)
		if err != nil {
			return
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && resp.StatusCode != 502 && resp.StatusCode != 504 {
			t.Errorf("%s %q looks whole", resp.Status, body)
		}
	}
	ask()
	ask()
	leaves()
	others()
	before := settled(t)
	each(ask)
	leaves()
	others()
	before.back(t)
}

// leaving is a client, and what ends all its connections, and those of the proxy
// to origins that nobody uses.
func leaving(l *lab.Lab, http2 bool) (c *http.Client, leaves func()) {
	var mu sync.Mutex
	var conns []net.Conn
	c = l.NewClient(http2)
	c.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			conns = append(conns, conn)
		}
		return conn, err
	}
	return c, func() {
		c.CloseIdleConnections()
		mu.Lock()
		defer mu.Unlock()
		for _, conn := range conns {
			conn.Close()
		}
		conns = nil
		settled(l.T) // a connection counts as idle when its last exchange is over
		l.Proxy.VerifyAnew()
	}
}

// opensLog has the log's files open before anything is counted: on a slow machine
// a client may have left before its request was written down.
func opensLog(c *mitm.Config) { c.Record(audit.Event{ID: "first", Timestamp: time.Now()}) }

// settled is what is held once nothing changes any more: the log and the like are open.
func settled(t testing.TB) held {
	t.Helper()
	h := heldNow(t)
	for same := 0; same < 10; time.Sleep(2 * time.Millisecond) {
		now := heldNow(t)
		if same++; now != h {
			h, same = now, 0
		}
	}
	return h
}

// So do origins that speak HTTP/2.
func TestV6OriginFaultsHTTP2(t *testing.T) {
	head := func(k *talker, stream uint32) {
		k.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: k.fields(":status", "200", "content-length", "100"), EndHeaders: true})
		k.WriteData(stream, false, []byte("a part"))
	}
	for name, fault := range map[string]func(k *talker, stream uint32){
		"dies before its head": func(k *talker, _ uint32) { k.conn.Close() },
		"dies in its body":     func(k *talker, stream uint32) { head(k, stream); k.conn.Close() },
		"is reset in its body": func(k *talker, stream uint32) { head(k, stream); resets(k.conn) },
		"resets the stream":    func(k *talker, stream uint32) { head(k, stream); k.WriteRSTStream(stream, http2.ErrCodeInternal) },
		"goes away": func(k *talker, stream uint32) {
			head(k, stream)
			k.WriteGoAway(stream, http2.ErrCodeNo, nil)
			k.conn.Close()
		},
		"ends too early": func(k *talker, stream uint32) { head(k, stream); k.WriteData(stream, true, nil) },
		"babbles":        func(k *talker, _ uint32) { io.WriteString(k.conn, strings.Repeat("babble ", 1000)) },
	} {
		t.Run(name, func(t *testing.T) {
			port, roots := connOrigin(t, func(c net.Conn) {
				defer c.Close()
				k := newTalker(t, c, false, true)
				if k == nil {
					return
				}
				for stream := k.request(); stream != 0; stream = k.request() {
					fault(k, stream)
				}
			}, "h2")
			faulty(t, port, roots)
		})
	}
}

// A client may leave at any time, and nothing stays behind: neither here nor at
// the origin.
func TestV6ClientsLeave(t *testing.T) {
	origin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			io.Copy(io.Discard, r.Body)
		}
		if r.URL.Path == "/stream" {
			io.WriteString(w, "a part")
			http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	})
	ask := func(ctx context.Context, l *lab.Lab, c *http.Client, path string, body io.Reader) (*http.Response, error) {
		req, _ := http.NewRequestWithContext(ctx, "POST", l.URL(host, path), body)
		req.Header = bearer("KEY")
		resp, err := c.Do(req)
		if err == nil && path != "/stream" { // nobody answers there: whoever did has to be known
			defer resp.Body.Close()
			text, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
			l.T.Logf("%s was answered: %s, %s", path, resp.Status, text)
		}
		return resp, err
	}
	for name, leave := range map[string]func(l *lab.Lab, c *http.Client) error{
		"before the head": func(l *lab.Lab, c *http.Client) error {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
			defer cancel()
			_, err := ask(ctx, l, c, "/", nil)
			return err
		},
		"in the request": func(l *lab.Lab, c *http.Client) error {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
			defer cancel()
			r, w := io.Pipe()
			defer w.Close()
			go io.WriteString(w, "a part")
			defer context.AfterFunc(ctx, func() { r.Close() })() // net/http waits for its reader
			_, err := ask(ctx, l, c, "/body", r)
			return err
		},
		"in the response": func(l *lab.Lab, c *http.Client) error {
			ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
			defer cancel()
			resp, err := ask(ctx, l, c, "/stream", nil)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.ReadAll(resp.Body)
			return err
		},
	} {
		for _, http1 := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, HTTP/1 %v", name, http1), func(t *testing.T) {
				l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: origin, OriginH1: http1, Change: opensLog})
				client, leaves := leaving(l, !http1)
				once := func() {
					if err := leave(l, client); err == nil {
						t.Error("there was nothing to leave")
					}
				}
				once()
				leaves()
				before := settled(t)
				each(once)
				leaves()
				before.back(t)
			})
		}
	}
}

// In a tunnel that is not used yet, in the middle of CONNECT, of TLS: half-closed or reset.
func TestV6ClientsLeaveTunnels(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: newRecorder(), Change: func(c *mitm.Config) {
		c.Timeouts.Head = 200 * time.Millisecond // of those who half-close
	}})
	do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY")) // the log is open now
	l.Client.CloseIdleConnections()
	l.Proxy.VerifyAnew()
	before := settled(t)
	before.goroutines++ // that of the subtest
	for name, open := range map[string]func() net.Conn{
		"nothing was asked": l.Dial,
		"in CONNECT":        func() net.Conn { c := l.Dial(); io.WriteString(c, "CONNECT "); return c },
		"before TLS":        func() net.Conn { return l.Connect(l.Authority(host)) },
		"in TLS":            func() net.Conn { c := l.Connect(l.Authority(host)); c.Write([]byte{22, 3, 1, 2}); return c },
	} {
		for how, leave := range map[string]func(c net.Conn){
			"closed":      func(c net.Conn) { c.Close() },
			"reset":       func(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() },
			"half-closed": func(c net.Conn) { c.(*net.TCPConn).CloseWrite(); io.Copy(io.Discard, c); c.Close() },
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				for range faultTimes {
					leave(open())
				}
				before.back(t)
			})
		}
	}
}
