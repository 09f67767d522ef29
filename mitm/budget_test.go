package mitm_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// weak is a value that can be guessed, and mark what a client sees of it.
const (
	weak = "hunter-2-go"
	mark = "***********"
)

// guessed is an origin that a client makes say weak n times, in a place of its choice.
type guessed struct {
	asked atomic.Int64
	open  sync.WaitGroup // hijacked connections are not the server's any more
}

func (o *guessed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.asked.Add(1)
	q := r.URL.Query()
	n, _ := strconv.Atoi(q.Get("n"))
	io.Copy(io.Discard, r.Body)
	h, rc, lines := w.Header(), http.NewResponseController(w), strings.Repeat("is it "+weak+"\n", n)
	h.Set("Content-Type", "text/plain")
	switch q.Get("in") {
	case "whole":
		h.Set("Content-Length", strconv.Itoa(len(lines)))
		io.WriteString(w, lines)
	case "stream":
		for line := range strings.Lines(lines) {
			io.WriteString(w, line)
			rc.Flush()
		}
	case "gzip":
		h.Set("Content-Encoding", "gzip")
		zw := gzip.NewWriter(w)
		io.WriteString(zw, lines)
		zw.Close()
	case "field":
		for range n {
			h.Add("X-Guess", weak)
		}
	case "name":
		h.Set("X-"+weak, "is it")
	case "trailer":
		h.Set("Trailer", "X-Guess")
		io.WriteString(w, "a body\n")
		h.Set("X-Guess", weak)
	case "late trailer":
		io.WriteString(w, "a body\n")
		rc.Flush()
		h.Set(http.TrailerPrefix+"X-Guess", weak)
	case "early":
		h.Set("Link", weak)
		w.WriteHeader(http.StatusEarlyHints)
		h.Del("Link")
	case "metadata":
		h.Set("X-Guess-Bin", "aHVudGVyLTItZ28=")
	case "message":
		h.Set("Content-Type", "application/grpc")
		io.WriteString(w, message(0, lines))
		h.Set(http.TrailerPrefix+"Grpc-Status", "0")
	case "reason", "tcp", "ws", "switch":
		o.hijacked(w, q.Get("in"))
	}
}

// hijacked is for what net/http's server does not do.
func (o *guessed) hijacked(w http.ResponseWriter, in string) {
	o.open.Add(1)
	defer o.open.Done()
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	switch in {
	case "reason":
		io.WriteString(conn, "HTTP/1.1 200 "+weak+"\r\nContent-Length: 0\r\n\r\n")
	case "switch":
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nX-Guess: "+weak+"\r\n\r\n")
	case "tcp":
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"+weak)
		io.Copy(io.Discard, conn)
	case "ws":
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
		new(taker).play(conn)
	}
}

// play says again what it gets.
func (*taker) play(conn io.ReadWriter) {
	for {
		f, err := readFrame(conn)
		if err != nil {
			return
		}
		f = ws.UnmaskFrame(f)
		ws.WriteFrame(conn, ws.NewFrame(f.Header.OpCode, f.Header.Fin, f.Payload))
	}
}

// guessLab has released weak, of which nothing came back yet. Its clock can be moved on.
func guessLab(t *testing.T, change func(*lab.Config)) (l *lab.Lab, o *guessed, clock *atomic.Int64) {
	t.Helper()
	o, clock = &guessed{}, &atomic.Int64{}
	cfg := lab.Config{
		Secrets: map[string]string{"WEAK": weak, "PIN": "4711", "SHORT": "hunter2", "KEY": value}, Allow: []string{host}, Origin: o,
		Change: func(c *mitm.Config) {
			c.Now = func() time.Time { return time.Now().Add(time.Duration(clock.Load())) }
		},
	}
	if change != nil {
		change(&cfg)
	}
	l = lab.New(t, cfg)
	t.Cleanup(o.open.Wait)
	for _, name := range []string{"WEAK", "PIN", "SHORT", "KEY"} {
		send(t, l.Client, asking(l.URL(host, "/release"), "", bearer(name)))
	}
	return l, o, clock
}

func saying(l *lab.Lab, in string, n int) *http.Request {
	return asking(l.URL(host, fmt.Sprintf("/say?in=%s&n=%d", strings.ReplaceAll(in, " ", "+"), n)), "", nil)
}

// Twenty echoes of a weak value pass in a minute. Then nothing of the run does, until it is over; other runs go on.
func TestE7TheTwentyFirst(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		l, o, clock := guessLab(t, change)
		for i := range 20 {
			if resp, body := send(t, l.Client, saying(l, "whole", 1)); resp.StatusCode != 200 || body != "is it "+mark+"\n" {
				t.Fatalf("guess %d: %d %q", i+1, resp.StatusCode, body)
			}
		}
		if resp, body := send(t, l.Client, saying(l, "whole", 0)); resp.StatusCode != 200 || body != "" {
			t.Fatalf("without a guess: %d %q", resp.StatusCode, body)
		}
		for _, n := range []int{1, 0} { // 0: who is out of budget is not told of wrong guesses either
			asked := o.asked.Load()
			resp, body := send(t, l.Client, saying(l, "whole", n))
			wantProblem(t, resp, body, 429, "short_value_budget")
			if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || after < 1 || after > 60 {
				t.Errorf("Retry-After is %q", resp.Header.Get("Retry-After"))
			}
			if o.asked.Load() != asked+int64(n) {
				t.Errorf("after %d echoes the origin was asked %d times", 21-n, o.asked.Load()-asked)
			}
		}
		other := l.Proxy.NewRun(func() mitm.Scope { return mitm.Scope{ProjectID: "prj"} })
		mine := l.Run
		l.Run = other
		if resp, body := send(t, l.NewClient(true), saying(l, "whole", 1)); resp.StatusCode != 200 || body != "is it "+mark+"\n" {
			t.Errorf("another run: %d %q", resp.StatusCode, body)
		}
		l.Run = mine
		clock.Add(int64(time.Minute))
		for i := range 20 {
			if resp, body := send(t, l.Client, saying(l, "whole", 1)); resp.StatusCode != 200 || body != "is it "+mark+"\n" {
				t.Fatalf("guess %d of the next minute: %d %q", i+1, resp.StatusCode, body)
			}
		}
		resp, body := send(t, l.Client, saying(l, "whole", 1))
		wantProblem(t, resp, body, 429, "short_value_budget")
	})
}

// Values under 8 bytes are never marked, and strong ones are never counted.
func TestE7OnlyWeakOnes(t *testing.T) {
	l, _, _ := guessLab(t, func(c *lab.Config) {
		c.Origin = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Query().Get("say")) })
	})
	say := func(text string) string {
		_, body := send(t, l.Client, asking(l.URL(host, "/?say="+text), "", nil))
		return body
	}
	for i := range 200 {
		for _, short := range []string{"4711", "is+it+4711", "hunter2", "NDcxMQ==", "aHVudGVyMg==", "34373131", "hunter-2-g", "unter-2-go"} {
			if got, want := say(short), strings.ReplaceAll(short, "+", " "); got != want {
				t.Fatalf("%q came back as %q", want, got)
			}
		}
		if got := say("sk-live-Zq3/vN8%2BxTr7=mK2pW9"); got != marker(len(value)) {
			t.Fatalf("time %d of a strong value: %q", i+1, got)
		}
	}
}

// Wherever the echo is that the budget has no room for, the client sees nothing of it.
func TestE7EveryPlace(t *testing.T) {
	http1 := func(c *lab.Config) { c.ClientH1, c.OriginH1 = true, true }
	for _, way := range []struct {
		name   string
		change func(*lab.Config)
		places []string
	}{
		{"HTTP/1", http1, []string{"whole", "stream", "gzip", "field", "name", "trailer", "late trailer", "early", "metadata", "reason"}},
		{"HTTP/2", nil, []string{"whole", "stream", "gzip", "field", "name", "trailer", "late trailer", "early", "metadata", "message"}},
	} {
		for _, in := range way.places {
			t.Run(way.name+" "+in, func(t *testing.T) {
				l, _, _ := guessLab(t, way.change)
				if _, body := send(t, l.Client, saying(l, "whole", 20)); strings.Count(body, mark) != 20 {
					t.Fatalf("twenty at once: %q", body)
				}
				if got := everything(t, l, saying(l, in, 1)); strings.Contains(got, "***") {
					t.Errorf("the client got %s", got)
				}
				wantOverspent(t, l)
			})
		}
	}
}

// everything is all that a client gets, errors included.
func everything(t *testing.T, l *lab.Lab, req *http.Request) string {
	t.Helper()
	var got strings.Builder
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		fmt.Fprint(&got, code, h)
		return nil
	}}
	resp, err := l.Client.Do(req.WithContext(httptrace.WithClientTrace(t.Context(), trace)))
	if err != nil {
		return got.String() + err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode == 200 && err == nil {
		t.Errorf("a whole response: %q", body)
	}
	fmt.Fprint(&got, resp.Status, resp.Header, string(body), resp.Trailer, err)
	return got.String()
}

// wantOverspent waits for the event that says so.
func wantOverspent(t *testing.T, l *lab.Lab) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		for _, e := range done(l.Events()) {
			if e.Reason == "short_value_budget" && e.Status == "BLOCKED" && e.Redacted && e.Hint != "" {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("not recorded: %+v", done(l.Events()))
		}
	}
}

// Messages and bytes after an upgrade count like responses.
func TestE7Upgrades(t *testing.T) {
	http1 := func(c *lab.Config) { c.ClientH1, c.OriginH1 = true, true }
	upgrade := func(t *testing.T, protocol, in string) (*lab.Lab, *socket, *http.Response) {
		l, _, _ := guessLab(t, http1)
		send(t, l.Client, saying(l, "whole", 20))
		conn := l.TLS(l.Authority(host), "http/1.1")
		fmt.Fprintf(conn, "GET /say?in=%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", in, l.Authority(host), protocol)
		s := &socket{conn, bufio.NewReader(conn)}
		if in == "switch" {
			return l, s, nil
		}
		resp, err := http.ReadResponse(s.br, nil)
		if err != nil || resp.StatusCode != 101 {
			t.Fatal(resp, err)
		}
		return l, s, resp
	}
	for _, in := range []string{"tcp", "switch"} {
		t.Run(in, func(t *testing.T) {
			l, conn, _ := upgrade(t, "tcp", in)
			if got, _ := io.ReadAll(conn); bytes.Contains(got, []byte("***")) {
				t.Errorf("the client got %q", got)
			}
			wantOverspent(t, l)
		})
	}
	long := strings.Repeat("x ", 600<<10)
	for name, frames := range map[string][]ws.Frame{
		"a text":               {text(weak)},
		"bytes":                {bytesOf("\xff\x00 " + weak)},
		"in fragments":         {ws.NewFrame(ws.OpText, false, []byte(weak[:5])), ws.NewFrame(ws.OpContinuation, true, []byte(weak[5:]))},
		"a long frame":         {bytesOf(weak + " " + long)},
		"a long, cut message":  {ws.NewFrame(ws.OpBinary, false, []byte(long)), ws.NewFrame(ws.OpContinuation, true, []byte(weak))},
		"behind broken UTF-8":  {ws.NewFrame(ws.OpText, true, []byte("\xff "+weak))},
		"a guess that is long": {text(strings.Repeat(" ", 1000) + weak)},
	} {
		t.Run(name, func(t *testing.T) {
			l, conn, _ := upgrade(t, "websocket", "ws")
			conn.say(text("a wrong guess"))
			if got := conn.next(t); got != "a wrong guess" {
				t.Fatalf("the client got %q", got)
			}
			conn.say(frames...)
			var got []byte
			for {
				f, err := readFrame(conn)
				if got = append(got, f.Payload...); err != nil || f.Header.OpCode == ws.OpClose {
					break
				}
			}
			conn.Close()
			if bytes.Contains(got, []byte("***")) {
				t.Errorf("the client got %.200q", got)
			}
			if name != "a long frame" && !bytes.Contains(got, []byte("short_value_budget: agentsecrets doctor")) {
				t.Errorf("the client was not told why: %.200q", got)
			}
			wantOverspent(t, l)
		})
	}
}

// However many exchanges there are at a time, and however many echoes in one response, twenty are all.
func TestE7AtOnce(t *testing.T) {
	for _, in := range []string{"whole", "stream"} {
		l, _, _ := guessLab(t, nil)
		var marks, refused atomic.Int64
		var all sync.WaitGroup
		_, body := send(t, l.Client, saying(l, in, 1)) // else the one with 5000 may be the first, and nothing passes
		marks.Add(int64(strings.Count(body, mark)))
		for i := range 40 {
			all.Go(func() {
				n := 1 + i%3
				if i == 20 {
					n = 5000
				}
				resp, err := l.Client.Do(saying(l, in, n))
				if err != nil {
					return
				}
				defer resp.Body.Close()
				body, _ := io.ReadAll(resp.Body)
				marks.Add(int64(bytes.Count(body, []byte(mark))))
				if resp.StatusCode == 429 {
					refused.Add(1)
				}
			})
		}
		all.Wait()
		t.Logf("%s: %d marks, %d refused", in, marks.Load(), refused.Load())
		if n := marks.Load(); n > 20 || n == 0 {
			t.Errorf("%s: the client saw %d", in, n)
		}
		resp, body := send(t, l.Client, saying(l, in, 1))
		wantProblem(t, resp, body, 429, "short_value_budget")
	}
}

// It is counted like any refusal.
func TestE7IsCounted(t *testing.T) {
	cfg := lab.Config{Secrets: map[string]string{"WEAK": weak}, Allow: []string{host}, Origin: &guessed{}}
	l, m := measured(t, cfg)
	send(t, l.Client, asking(l.URL(host, "/release"), "", bearer("WEAK")))
	resp, body := send(t, l.Client, saying(l, "whole", 21))
	p := wantProblem(t, resp, body, 429, "short_value_budget")
	wait(t, m, `denials_total{reason="short_value_budget"} 1`)
	wait(t, m, `redactions_total{form="verbatim"} 21`)
	if i := slices.IndexFunc(done(l.Events()), func(e audit.Event) bool { return e.ID == p.Exchange }); i < 0 {
		t.Error("not recorded under the ID that the client got")
	}
	if strings.Contains(body, weak) || strings.Contains(l.Log.String(), weak) {
		t.Error("the value is in the refusal, or in the log")
	}
}

// gRPC has a code for it, which clients do not try again by themselves.
func TestE7OverGRPC(t *testing.T) {
	l, _, _ := guessLab(t, nil)
	send(t, l.Client, saying(l, "whole", 21))
	resp, _ := grpcCall(t, l, host, message(0, "x"), nil)
	if got := resp.Header.Get("Grpc-Status"); got != "8" || !strings.Contains(resp.Header.Get("Grpc-Message"), "short_value_budget") {
		t.Errorf("the client got %v", resp.Header)
	}
}
