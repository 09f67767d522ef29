package mitm_test

import (
	"bufio"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// cuts are where a text is cut: everywhere, nowhere, at each place in the middle
// of what begins at from, and at random.
func cuts(length, from, to int, random *rand.Rand) [][]int {
	everywhere := make([]int, 0, length)
	for i := 1; i < length; i++ {
		everywhere = append(everywhere, i)
	}
	all := [][]int{nil, everywhere}
	for i := from; i <= to; i++ {
		all = append(all, []int{i})
	}
	for range 10 {
		var some []int
		for i := 1; i < length; i++ {
			if random.IntN(6) == 0 {
				some = append(some, i)
			}
		}
		all = append(all, some)
	}
	return all
}

// pieces are text, cut.
func pieces(text string, at []int) (list []string) {
	from := 0
	for _, i := range append(at[:len(at):len(at)], len(text)) {
		list, from = append(list, text[from:i]), i
	}
	return list
}

// cutTexts are echoes with text around them, and where they begin and end.
func cutTexts() map[string][3]any {
	all := map[string][3]any{}
	for _, name := range []string{"verbatim", "base64, one ahead", "HEX", "every byte with a percent", "every byte as \\u", "every byte as an entity"} {
		for _, f := range echoForms {
			if f.name == name {
				form := f.of(value)
				all[name] = [3]any{"so <" + form + "> " + form + form[:9], 4, 4 + len(form)}
			}
		}
	}
	return all
}

// Whatever the chunks, frames and flushes in which an echo comes, what reaches the
// client is what would have, had all come at once.
func TestE10AnyChunking(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		for name, c := range cutTexts() {
			text := c[0].(string)
			all := cuts(len(text), c[1].(int), c[2].(int), random)
			cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var i int
				fmt.Sscan(r.URL.Query().Get("i"), &i)
				w.Header().Set("Content-Type", "text/plain")
				if r.URL.Query().Has("sized") {
					w.Header().Set("Content-Length", fmt.Sprint(len(text)))
				}
				for _, piece := range pieces(text, all[i]) {
					io.WriteString(w, piece)
					http.NewResponseController(w).Flush()
				}
			})}
			change(&cfg)
			l := lab.New(t, cfg)
			whole := map[string]string{}
			for i := range all {
				for _, kind := range []string{"", "&sized"} {
					_, body := do(t, l, "GET", l.URL(host, fmt.Sprintf("/?i=%d%s", i, kind)), "", bearer("KEY"))
					if i == 0 {
						whole[kind] = body
						wantMarker(t, name, body)
					}
					if body != whole[kind] || len(body) != len(text) || strings.Contains(body, text[4:c[2].(int)]) {
						t.Fatalf("%s, cut at %d: %q, want %q", name, all[i], body, whole[kind])
					}
				}
			}
		}
	})
}

// The same by records of TLS, in heads and chunk sizes as well: an origin may send
// each byte in one of its own.
func TestE10RecordsOfTLS(t *testing.T) {
	whole := filledIn(placesOfEchoes, value)
	for _, http1 := range []bool{true, false} {
		port, roots := connOrigin(t, func(c net.Conn) {
			defer c.Close()
			if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
				return
			}
			for i := range len(whole) {
				if _, err := io.WriteString(c, whole[i:i+1]); err != nil {
					return
				}
			}
		})
		authority := fmt.Sprintf("%s:%d", host, port)
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{authority}, ClientH1: http1, Change: func(c *mitm.Config) {
			c.Roots = func(string) *x509.CertPool { return roots }
		}})
		status, all, err := allOf(t, l, authority, "")
		if status != 202 || err != nil {
			t.Errorf("HTTP/%d: %d, %v", version(http1), status, err)
		}
		noEcho(t, fmt.Sprintf("HTTP/%d", version(http1)), all)
		wantMarker(t, "all of it", all)
	}
}

// The same by frames of WebSocket: a message in any fragments, with pings between
// them, is covered as the whole message is. Over two messages nothing can be found.
func TestE10Fragments(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for name, c := range cutTexts() {
		text := c[0].(string)
		all := cuts(len(text), c[1].(int), c[2].(int), random)
		l := webSocketLab(t, lab.Config{}, func(conn net.Conn, _ *http.Request) {
			for _, at := range all {
				op := ws.OpText
				list := pieces(text, at)
				for i, piece := range list {
					ws.WriteFrame(conn, ws.NewFrame(op, i == len(list)-1, []byte(piece)))
					if i%3 == 1 {
						ws.WriteFrame(conn, ws.NewPingFrame([]byte("p")))
					}
					op = ws.OpContinuation
				}
			}
			closes(conn)
		})
		conn := upgraded(t, l, host, "X-Key: AS_SECRET_KEY")
		conn.SetDeadline(time.Now().Add(30 * time.Second))
		whole := ""
		for i := range all {
			message := conn.next(t)
			if i == 0 {
				whole = message
				wantMarker(t, name, whole)
			}
			if message != whole || len(message) != len(text) || strings.Contains(message, text[4:c[2].(int)]) {
				t.Fatalf("%s, cut at %d: %q, want %q", name, all[i], message, whole)
			}
		}
		conn.Close()
	}
}

// contentTypes are true, false, odd and absent ones.
var contentTypes = []string{
	"", "text/plain", "image/png", "video/mp4", "application/octet-stream", "application/gzip", "application/zip", "application/pdf", "font/woff2",
	"application/x-protobuf", "application/json; charset=utf-7", "text/html; charset=utf-16", "text/plain; charset=ibm037", "text/plain; charset=\"\xff\"",
	"TEXT/EVENT-STREAM", "text/event-stream", "application/x-ndjson", "multipart/mixed; boundary=b", "multipart/x-mixed-replace; boundary=\"", "message/http",
	"application/vnd.docker.raw-stream", "application/wasm", "x", "/", ";;", "image/svg+xml", "text/plain, image/png", "application/dns-message",
}

// What a content type says of a body is not believed: it is searched as any other.
func TestE16ContentTypes(t *testing.T) {
	var text strings.Builder
	for _, f := range forms(value) {
		fmt.Fprintf(&text, "\x89PNG\x00\xff<%s>\r\n", f)
	}
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			if h["Content-Type"] = nil; r.Header.Get("X-Type") != "" {
				h.Set("Content-Type", r.Header.Get("X-Type"))
			}
			h.Set("X-Content-Type-Options", "nosniff")
			if r.URL.Path == "/whole" {
				h.Set("Content-Length", fmt.Sprint(text.Len()))
			}
			io.WriteString(w, text.String()[:30])
			http.NewResponseController(w).Flush()
			io.WriteString(w, text.String()[30:])
		})}
		change(&cfg)
		l := lab.New(t, cfg)
		for _, kind := range contentTypes {
			for _, path := range []string{"/whole", "/stream"} {
				head := bearer("KEY")
				if kind != "" {
					head.Set("X-Type", kind)
				}
				resp, body := do(t, l, "GET", l.URL(host, path), "", head)
				if resp.StatusCode != 200 || len(body) != text.Len() || resp.Header.Get("Content-Type") != kind {
					t.Errorf("%q, %s: %s, %q, %d bytes of %d", kind, path, resp.Status, resp.Header.Get("Content-Type"), len(body), text.Len())
				}
				noEcho(t, fmt.Sprintf("%q, %s", kind, path), body)
				wantMarker(t, kind, body)
			}
		}
	})
}

// Types that say how messages are framed are believed for what they frame alone: a
// body that is not framed so is cut off, and nothing of it is given unsearched.
func TestE16FramedTypes(t *testing.T) {
	for _, kind := range []string{"application/grpc", "application/grpc+proto", "application/grpc-web", "application/grpc-web-text", "application/connect+json"} {
		for _, text := range []string{"<" + value + ">", "\x00\x00\x00\x00\x1d<" + value + ">", "\x00\x00\x00\x00\x02ok" + value, "\x01\x00\x00\x00\x1b" + value, value[:5] + "\x00\x00\x00\x00" + value} {
			eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
				cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: answer(200, http.Header{"Content-Type": {kind}}, []byte(text))}
				change(&cfg)
				l := lab.New(t, cfg)
				req, err := http.NewRequest("GET", l.URL(host, "/"), nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header = bearer("KEY")
				resp, err := l.Client.Do(req)
				if err != nil {
					return
				}
				defer resp.Body.Close()
				b, _ := io.ReadAll(resp.Body)
				noEcho(t, fmt.Sprintf("%s of %q", kind, text), string(b)+fmt.Sprint(resp.Header, resp.Trailer))
			})
		}
	}
}
