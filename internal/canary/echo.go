package canary

import (
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/klauspost/compress/zstd"
)

// The places of a response in which an Echo shows what it was sent, each a path.
const (
	InBody      = "/body" // ?coding= compresses it
	InStream    = "/stream"
	InHeader    = "/header"
	InCookie    = "/cookie"
	InLocation  = "/location"
	InTrailer   = "/trailer"
	InEarly     = "/early"     // a 103
	InReason    = "/reason"    // HTTP/1.1 alone has one
	InWebSocket = "/websocket" // a text message, then a binary one
	InGRPC      = "/grpc"
)

// Codings are those that an Echo compresses bodies with.
func Codings() []string { return []string{"gzip", "deflate", "br", "zstd"} }

// Got is what an Echo was sent last.
type Got struct{ Header, Query, Body string }

// An Echo is an origin that shows the credential of a request, in all forms, where the
// path says.
type Echo struct {
	mu  sync.Mutex // guards got
	got Got
}

// Got is what it was sent last.
func (e *Echo) Got() Got {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.got
}

func (e *Echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	value, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	var sent struct{ Value string }
	if r.URL.Path != InGRPC {
		_ = json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&sent) // what is no JSON holds no value
	}
	e.mu.Lock()
	e.got = Got{value, r.URL.Query().Get("value"), sent.Value}
	e.mu.Unlock()
	fields := Joined(Fields(value), " ")
	switch r.URL.Path {
	case InBody:
		e.body(w, value, r.URL.Query().Get("coding"))
	case InStream:
		e.stream(w, value)
	case InHeader:
		w.Header().Set("X-Echo", fields)
	case InCookie:
		w.Header().Set("Set-Cookie", "s="+fields)
	case InLocation:
		w.Header().Set("Location", "/"+fields)
		w.WriteHeader(http.StatusFound)
	case InTrailer:
		w.Header().Set("Trailer", "X-Echo")
		_, _ = io.WriteString(w, "ok")
		w.Header().Set("X-Echo", fields)
	case InEarly:
		w.Header().Set("Link", fields)
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
	case InReason:
		e.raw(w, "HTTP/1.1 200 "+fields+"\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	case InWebSocket:
		e.messages(w, r, value)
	case InGRPC:
		e.grpc(w, value)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// body announces its length, so that it can be read whole.
func (e *Echo) body(w http.ResponseWriter, value, coding string) {
	var b strings.Builder
	out, done := coded(&b, coding)
	forms := Forms(value)
	if coding != "" {
		forms = Streamed(value) // how long it will be nobody knows before it has come
	}
	_, err := io.WriteString(out, Joined(forms, "\n"))
	if err != nil || done() != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if coding != "" {
		w.Header().Set("Content-Encoding", coding)
	}
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", fmt.Sprint(b.Len()))
	_, _ = io.WriteString(w, b.String())
}

func coded(to io.Writer, coding string) (io.Writer, func() error) {
	switch coding {
	case "gzip":
		z := gzip.NewWriter(to)
		return z, z.Close
	case "deflate":
		z := zlib.NewWriter(to)
		return z, z.Close
	case "br":
		z := brotli.NewWriter(to)
		return z, z.Close
	case "zstd":
		if z, err := zstd.NewWriter(to, zstd.WithEncoderConcurrency(1)); err == nil {
			return z, z.Close
		}
	}
	return to, func() error { return nil }
}

// stream comes in pieces, cut in the middle of each form.
func (e *Echo) stream(w http.ResponseWriter, value string) {
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w)
	for i, f := range Streamed(value) {
		text := f.Text
		if i > 0 {
			text = "\n" + text
		}
		for _, piece := range []string{text[:len(text)/2], text[len(text)/2:]} {
			_, _ = io.WriteString(w, piece)
			_ = flush.Flush()
		}
	}
}

func (e *Echo) raw(w http.ResponseWriter, response string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.WriteHeader(http.StatusHTTPVersionNotSupported)
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, response)
}

func (e *Echo) messages(w http.ResponseWriter, r *http.Request, value string) {
	conn, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	defer closeLater(conn)
	_ = wsutil.WriteServerText(conn, []byte(Joined(Fields(value), " ")))
	_ = wsutil.WriteServerBinary(conn, []byte(Joined(Forms(value), "\n")))
}

// closeLater lets the client read what was sent.
func closeLater(conn net.Conn) {
	_, _ = io.Copy(io.Discard, conn)
	conn.Close()
}

func (e *Echo) grpc(w http.ResponseWriter, value string) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	text := Joined(Streamed(value), "\n")
	message := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text)))
	_, _ = w.Write(append(message, text...))
	w.Header().Set("Grpc-Status", "0")
}
