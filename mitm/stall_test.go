package mitm_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// A stalling echo is an origin that says what the client told it, up to where the client wants it to pause, and the
// rest once the client has looked at what came until then. That is all that a client needs to measure what is held back.

// stall is such an origin.
type stall struct {
	goOn chan struct{}
	open sync.WaitGroup
}

// ServeHTTP is told by the query where to flush (cut), where to pause, and how to write.
func (o *stall) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	text, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", q.Get("type"))
	if said, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Say")); err == nil && len(said) > 0 {
		w.Header().Set("X-Said", string(said))
	}
	out, flush := io.Writer(w), http.NewResponseController(w).Flush
	switch {
	case r.Header.Get("Upgrade") != "":
		o.upgraded(w, r)
		return
	case q.Has("gzip"):
		w.Header().Set("Content-Encoding", "gzip")
		zw := gzip.NewWriter(w)
		defer zw.Close()
		out, flush = zw, func() error {
			zw.Flush()
			return http.NewResponseController(w).Flush()
		}
	case q.Get("type") == "application/grpc":
		w.Write(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text))))
	case q.Has("length"):
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	o.say(out, flush, r, text)
	if q.Get("type") == "application/grpc" {
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	}
}

func (o *stall) say(out io.Writer, flush func() error, r *http.Request, text []byte) {
	at := 0
	for cut := range strings.SplitSeq(r.URL.Query().Get("cut"), ",") {
		n, _ := strconv.Atoi(cut)
		out.Write(text[at:n])
		flush()
		at = n
	}
	if !r.URL.Query().Has("quick") {
		select {
		case <-o.goOn:
		case <-r.Context().Done():
		}
	}
	out.Write(text[at:])
}

// upgraded says again each message that it gets, cut where its first line says, and with a pause there.
func (o *stall) upgraded(w http.ResponseWriter, r *http.Request) {
	o.open.Add(1)
	defer o.open.Done()
	conn, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	defer conn.Close()
	for {
		var message []byte
		for over := false; !over; {
			f, err := readFrame(conn)
			if err != nil || f.Header.OpCode == ws.OpClose {
				return
			}
			message, over = append(message, ws.UnmaskFrame(f).Payload...), f.Header.Fin
		}
		cut, text, _ := bytes.Cut(message, []byte("\n"))
		n, _ := strconv.Atoi(string(cut))
		ws.WriteFrame(conn, ws.NewFrame(ws.OpText, false, text[:n]))
		<-o.goOn
		ws.WriteFrame(conn, ws.NewFrame(ws.OpContinuation, true, text[n:]))
	}
}

// stalled is a client that has had values released, and measures.
type stalled struct {
	t      *testing.T
	lab    *lab.Lab
	o      *stall
	conn   net.Conn // of WebSocket, once it is asked for
	sent   int      // probes
	values string
}

func newStalled(t *testing.T, change func(*lab.Config), values ...string) *stalled {
	t.Helper()
	o := &stall{goOn: make(chan struct{})}
	cfg := lab.Config{Secrets: map[string]string{}, Allow: []string{host}, Origin: o}
	for i, v := range values {
		cfg.Secrets[fmt.Sprintf("KEY_%d", i)] = v
	}
	if change != nil {
		change(&cfg)
	}
	s := &stalled{t: t, lab: lab.New(t, cfg), o: o, values: strings.Join(values, "")}
	t.Cleanup(o.open.Wait)
	for name := range cfg.Secrets {
		send(t, s.lab.Client, asking(s.lab.URL(host, "/?quick&type=text/plain"), `"AS_SECRET_`+name+`"`, http.Header{"Content-Type": {"application/json"}}))
	}
	return s
}

// probe is what a client has the origin say.
type guessing struct {
	query  string // how
	before string // what is said ahead of the guess
	guess  string
	after  string // and behind it, before the pause
	rest   string // once the pause is over
	split  bool   // the guess comes in two
}

func (p guessing) text() string { return p.before + p.guess + p.after + p.rest }

func (p guessing) pause() int { return len(p.text()) - len(p.rest) }

// seen is what had come when the origin paused, and all that came.
type outcome struct{ early, all string }

// measure plays p, and looks at what has come once that is want bytes and nothing more comes.
func (s *stalled) measure(p guessing, want int) outcome {
	s.t.Helper()
	s.sent++
	if strings.HasPrefix(p.query, "ws") {
		return s.measureMessage(p, want)
	}
	cuts := strconv.Itoa(p.pause())
	if p.split {
		cuts = strconv.Itoa(len(p.before)+len(p.guess)/2) + "," + cuts
	}
	got := collect(s.lab.Client, asking(s.lab.URL(host, "/?"+p.query+"&cut="+cuts), p.text(), nil))
	early := cameEarly(got, want)
	s.o.goOn <- struct{}{}
	if err := <-got.over; err != nil {
		s.t.Fatal(err)
	}
	all := string(got.bytes())
	if strings.Contains(p.query, "grpc") {
		early, all = early[min(5, len(early)):], all[5:]
	}
	return outcome{early, all}
}

// grace is how long nothing more must have come.
const grace = time.Millisecond

// cameEarly waits for at least n bytes, and then until no more come. A slow machine makes it see less, never more.
func cameEarly(got *collected, n int) string {
	for end := time.Now().Add(5 * time.Second); ; {
		before := len(got.bytes())
		time.Sleep(grace)
		if b := got.bytes(); len(b) == before && len(b) >= n || time.Now().After(end) {
			return string(b)
		}
	}
}

func (s *stalled) measureMessage(p guessing, want int) outcome {
	if s.conn == nil {
		s.conn = upgraded(s.t, s.lab, host)
		s.conn.SetDeadline(time.Now().Add(time.Minute))
	}
	ws.WriteFrame(s.conn, ws.MaskFrame(ws.NewTextFrame(fmt.Appendf(nil, "%d\n%s", p.pause(), p.text()))))
	got := &collected{over: make(chan error, 1)}
	go func() {
		for {
			f, err := readFrame(s.conn)
			got.Write(f.Payload)
			if err != nil || f.Header.Fin {
				got.over <- err
				return
			}
		}
	}()
	early := cameEarly(got, want)
	s.o.goOn <- struct{}{}
	if err := <-got.over; err != nil {
		s.t.Fatal(err)
	}
	return outcome{early, string(got.bytes())}
}

// collected is what has come so far.
type collected struct {
	mu   sync.Mutex
	b    []byte
	over chan error
}

func (c *collected) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.b = append(c.b, b...)
	return len(b), nil
}

func (c *collected) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.b)
}

// collect sends req and collects the body of what is answered.
func collect(by *http.Client, req *http.Request) *collected {
	c := &collected{over: make(chan error, 1)}
	go func() {
		resp, err := by.Do(req)
		if err == nil {
			_, err = io.Copy(c, resp.Body)
			resp.Body.Close()
		}
		c.over <- err
	}()
	return c
}
