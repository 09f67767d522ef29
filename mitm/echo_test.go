package mitm_test

import (
	"bufio"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// forms are the ways in which an origin of these tests echoes a value.
func forms(v string) []string {
	j, _ := json.Marshal(v)
	return []string{
		v, base64.StdEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)),
		base64.StdEncoding.EncodeToString([]byte("x:" + v + ":y")), base64.StdEncoding.EncodeToString([]byte("x" + v)),
		hex.EncodeToString([]byte(v)), strings.ToUpper(hex.EncodeToString([]byte(v))),
		url.QueryEscape(v), url.PathEscape(v), string(j[1 : len(j)-1]),
		strings.ReplaceAll(v, "/", `\/`),
	}
}

// echoer sends every form of the bearer value back, in every place that HTTP
// has for it.
func echoer(w http.ResponseWriter, r *http.Request) {
	v := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	h := w.Header()
	if v == "" {
		v = r.URL.Query().Get("say") // stored earlier, echoed later
	}
	h.Set("Link", "</x?k="+url.QueryEscape(v)+">; rel=preload")
	w.WriteHeader(http.StatusEarlyHints)
	for i, f := range forms(v) {
		h.Set(fmt.Sprintf("X-Echo-%d", i), "before "+f+" after")
	}
	h.Set("Set-Cookie", "s="+url.QueryEscape(v))
	if f := hex.EncodeToString([]byte(v)); v != "" {
		h.Set("X-"+f, "in a field name")
	}
	h.Set("Trailer", "X-Sum")
	if v != "" {
		h.Add("Trailer", "Y-"+hex.EncodeToString([]byte(v)))
	}
	h.Set("Content-Type", "image/png") // which it is not
	var body strings.Builder
	for _, f := range forms(v) {
		fmt.Fprintf(&body, "<%s>", f)
	}
	body.WriteString("\nend")
	out := io.Writer(w)
	if r.URL.Query().Has("gzip") {
		h.Set("Content-Encoding", "gzip")
		zw := gzip.NewWriter(w)
		defer zw.Close()
		out = zw
	}
	if r.URL.Query().Has("drip") {
		for _, c := range []byte(body.String()) {
			out.Write([]byte{c})
			http.NewResponseController(w).Flush()
		}
	} else {
		io.WriteString(out, body.String())
	}
	h.Set("X-Sum", v)
	h.Set(http.TrailerPrefix+"X-Late", v)
	if v != "" {
		h.Set("Y-"+hex.EncodeToString([]byte(v)), "in a trailer's name")
	}
}

func TestE1Echoes(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		for _, query := range []string{"", "?gzip", "?drip", "?gzip&drip"} {
			cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(echoer)}
			change(&cfg)
			l := lab.New(t, cfg)
			var early []string
			trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				early = append(early, fmt.Sprint(code, h))
				return nil
			}}
			req, _ := http.NewRequest("GET", l.URL(host, "/"+query), nil)
			req = req.WithContext(httptrace.WithClientTrace(t.Context(), trace))
			req.Header = bearer("KEY")
			req.Header.Set("Accept-Encoding", "gzip")
			resp, body := send(t, l.Client, req)
			noEcho(t, query+" body", body)
			noEcho(t, query+" header", fmt.Sprint(resp.Header))
			noEcho(t, query+" trailer", fmt.Sprint(resp.Trailer))
			noEcho(t, query+" 1xx", fmt.Sprint(early))
			if len(early) != 1 {
				t.Errorf("%s: %d early hints", query, len(early))
			}
			wantMarker(t, query+" body", body)
			wantMarker(t, query+" 1xx", fmt.Sprint(early))
			wantMarker(t, query+" trailer", resp.Trailer.Get("X-Sum"))
			wantMarker(t, query+" late trailer", resp.Trailer.Get("X-Late"))
			wantLen := 4
			for _, f := range forms(value) {
				wantLen += len(f) + 2
			}
			if len(body) != wantLen || !strings.HasSuffix(body, "\nend") {
				t.Errorf("%s: body has %d bytes, want %d", query, len(body), wantLen)
			}
			if resp.Header.Get("AgentSecrets-Redacted") == "" || resp.Header.Get("Content-Encoding") != "" {
				t.Errorf("%s: head %v", query, resp.Header)
			}
			if e := done(l.Events()); len(e) != 1 || !e[0].Redacted || e[0].Redactions < len(forms(value)) {
				t.Errorf("%s: audit %+v", query, e)
			}
			text := l.Log.String()
			noEcho(t, "log", text)
		}
	})
}

// What one exchange released is taken out of all later responses of the run,
// whichever host sends them; another run's responses are left alone.
func TestE1EchoLater(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(echoer)})
	other := l.URL(evil, "/?gzip&say="+url.QueryEscape(value))
	if _, body := do(t, l, "GET", l.URL(evil, "/?say="+url.QueryEscape(value)), "", nil); !strings.Contains(body, value) {
		t.Error("a value that was never released was redacted: that would let a client test guesses")
	}
	do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
	resp, body := do(t, l, "GET", other, "", http.Header{"Accept-Encoding": {"gzip, dcb"}})
	noEcho(t, "later body", body)
	noEcho(t, "later head", fmt.Sprint(resp.Header))
}

// Other hosts keep their encoding until a value has been released.
func TestEncodingKept(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(echoer)})
	resp, body := do(t, l, "GET", l.URL(evil, "/?gzip&say=hello"), "", http.Header{"Accept-Encoding": {"gzip"}})
	if resp.Header.Get("Content-Encoding") != "gzip" || !strings.HasPrefix(body, "\x1f\x8b") {
		t.Errorf("encoding %q, body %.10q", resp.Header.Get("Content-Encoding"), body)
	}
	if resp.Header.Get("AgentSecrets-Exchange") == "" {
		t.Error("no exchange ID")
	}
}

// A coding that nobody knows, or too many, cannot be searched.
func TestE3Undecodable(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		for _, coding := range []string{"rot13", "gzip, rot13", "rot13, gzip", "compress", "aws-chunked", "gzip;q=1", "dcb", "gzip, gzip, gzip, gzip, gzip", value} {
			cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: answer(200, http.Header{"Content-Encoding": {coding}}, []byte("frperg "+value))}
			change(&cfg)
			l := lab.New(t, cfg)
			resp, body := do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
			wantProblem(t, resp, body, 502, "undecodable_response")
			noEcho(t, coding, body+fmt.Sprint(resp.Header))
		}
	})
}

// Each event of a stream arrives when it was sent: nothing waits for the next.
func TestEventStream(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		for _, kind := range []string{"text/event-stream", "application/x-ndjson", "text/plain"} {
			next := make(chan struct{})
			cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", kind)
				http.NewResponseController(w).Flush()
				for i := range 5 {
					<-next
					fmt.Fprintf(w, "data: %d %s\n\n", i, r.Header.Get("Authorization"))
					http.NewResponseController(w).Flush()
				}
			})}
			change(&cfg)
			l := lab.New(t, cfg)
			req, _ := http.NewRequest("GET", l.URL(host, "/"), nil)
			req.Header = bearer("KEY")
			resp, err := l.Client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			br := bufio.NewReader(resp.Body)
			for i := range 5 {
				next <- struct{}{}
				line := readWithin(t, 2*time.Second, br)
				if !strings.HasPrefix(line, fmt.Sprintf("data: %d ", i)) {
					t.Fatalf("%s: event %d is %q", kind, i, line)
				}
				noEcho(t, "event", line)
				wantMarker(t, "event", line)
				readWithin(t, 2*time.Second, br)
			}
			resp.Body.Close()
		}
	})
}

func readWithin(t *testing.T, d time.Duration, br *bufio.Reader) string {
	t.Helper()
	got := make(chan string, 1)
	go func() { s, _ := br.ReadString('\n'); got <- s }()
	select {
	case s := <-got:
		return s
	case <-time.After(d):
		t.Fatal("the stream is held back")
		return ""
	}
}

// An origin that breaks off must not look as if it had ended.
func TestS7Truncated(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		for _, length := range []string{"", "100"} {
			cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if length != "" {
					w.Header().Set("Content-Length", length)
				}
				io.WriteString(w, "only a part")
				http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			})}
			change(&cfg)
			l := lab.New(t, cfg)
			req, _ := http.NewRequest("GET", l.URL(host, "/"), nil)
			req.Header = bearer("KEY")
			resp, err := l.Client.Do(req)
			if err != nil {
				continue
			}
			if b, err := io.ReadAll(resp.Body); err == nil {
				t.Errorf("length %q: the client took %q for the whole", length, b)
			}
			resp.Body.Close()
			if e := waitEvent(t, l); e.Status != audit.Error || e.Reason != "origin_protocol" {
				t.Errorf("length %q: audit %+v", length, e)
			}
		}
	})
}

func TestE11WebSocket(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, ClientH1: true, OriginH1: true, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sec-Websocket-Extensions") != "" {
			t.Error("compression was offered to the origin")
		}
		v := r.Header.Get("X-Key")
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		for {
			msg, op, err := wsutil.ReadClientData(conn)
			if err != nil {
				return
			}
			wsutil.WriteServerMessage(conn, op, []byte(string(msg)+" "+v))
			ws.WriteFrame(conn, ws.NewFrame(ws.OpText, false, []byte(v[:10])))
			ws.WriteFrame(conn, ws.NewPingFrame([]byte("p")))
			ws.WriteFrame(conn, ws.NewFrame(ws.OpContinuation, true, []byte(v[10:])))
		}
	})})
	c := l.TLS(l.Authority(host), "http/1.1")
	hello := fmt.Sprintf("GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\nX-Key: AS_SECRET_KEY\r\n\r\n", l.Authority(host))
	frame := ws.MustCompileFrame(ws.MaskFrameInPlace(ws.NewTextFrame([]byte("hello"))))
	c.Write(append([]byte(hello), frame...)) // a frame together with the upgrade
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatalf("%v %v", resp, err)
	}
	rw := struct {
		io.Reader
		io.Writer
	}{br, c}
	for i := range 2 {
		for range 2 {
			msg, _, err := wsutil.ReadServerData(rw)
			if err != nil {
				t.Fatal(err)
			}
			noEcho(t, "message", string(msg))
			wantMarker(t, "message", string(msg))
		}
		if i == 0 {
			wsutil.WriteClientText(c, []byte("again"))
		}
	}
}

// waitEvent is the done event of the lab's one exchange.
func waitEvent(t *testing.T, l *lab.Lab) audit.Event {
	t.Helper()
	for range 200 {
		if e := done(l.Events()); len(e) > 0 {
			return e[0]
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the exchange was not recorded as done")
	return audit.Event{}
}

// Compression is not offered to any origin: a value that is released later must
// be found in connections that are open already.
func TestE11WebSocketToOtherHosts(t *testing.T) {
	offered := make(chan string, 1)
	l := lab.New(t, lab.Config{Secrets: secrets, OriginH1: true, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		offered <- r.Header.Get("Sec-Websocket-Extensions")
		conn, _, _, err := ws.UpgradeHTTP(r, w)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		wsutil.WriteServerText(conn, []byte("welcome"))
	})})
	c := l.TLS(l.Authority(evil), "http/1.1")
	fmt.Fprintf(c, "GET /ws HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", l.Authority(evil))
	br := bufio.NewReader(c)
	if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 101 {
		t.Fatalf("%v %v", resp, err)
	}
	if got := <-offered; got != "" {
		t.Errorf("offered %q", got)
	}
	msg, _, err := wsutil.ReadServerData(struct {
		io.Reader
		io.Writer
	}{br, c})
	if err != nil || string(msg) != "welcome" {
		t.Errorf("%q %v", msg, err)
	}
}
