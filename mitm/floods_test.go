package mitm_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// talker speaks HTTP/2 by the frame.
type talker struct {
	*http2.Framer
	conn  net.Conn
	block bytes.Buffer
	enc   *hpack.Encoder
	told  atomic.Uint32 // with what the other side last ended a stream, or the connection
	reset atomic.Int64  // streams that were
	acks  atomic.Int64  // of pings and settings
	ended chan struct{} // it reads no more
	peer  map[http2.SettingID]uint32
}

// newTalker begins on conn, as a client if it is one. What comes is read, unless deaf.
func newTalker(t *testing.T, conn net.Conn, client, deaf bool) *talker {
	t.Helper()
	if client {
		_, _ = io.WriteString(conn, http2.ClientPreface)
	} else if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return nil
	}
	k := &talker{Framer: http2.NewFramer(conn, conn), conn: conn, ended: make(chan struct{}), peer: map[http2.SettingID]uint32{}}
	k.enc = hpack.NewEncoder(&k.block)
	_ = k.WriteSettings()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if deaf {
		close(k.ended)
		return k
	}
	go k.listen()
	return k
}

func (k *talker) listen() {
	defer close(k.ended)
	for {
		f, err := k.ReadFrame()
		if err != nil {
			return
		}
		switch f := f.(type) {
		case *http2.GoAwayFrame:
			k.told.Store(uint32(f.ErrCode))
		case *http2.RSTStreamFrame:
			k.reset.Add(1)
			k.told.Store(uint32(f.ErrCode))
		case *http2.PingFrame:
			k.acks.Add(1)
		case *http2.SettingsFrame:
			k.acks.Add(1)
			_ = f.ForeachSetting(func(s http2.Setting) error { k.peer[s.ID] = s.Val; return nil })
		}
	}
}

// fields encodes pairs of names and values.
func (k *talker) fields(pairs ...string) []byte {
	k.block.Reset()
	for i := 0; i < len(pairs); i += 2 {
		_ = k.enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return bytes.Clone(k.block.Bytes())
}

// ask opens a stream.
func (k *talker) ask(stream uint32, authority string) error {
	block := k.fields(":method", "GET", ":scheme", "https", ":authority", authority, ":path", "/wait")
	return k.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndStream: true, EndHeaders: true})
}

// footprint watches goroutines and memory while something goes on.
type footprint struct {
	goroutines, peak int
	heap, most       uint64
	stop, stopped    chan struct{}
}

func watchFootprint() *footprint {
	runtime.GC()
	f := &footprint{goroutines: runtime.NumGoroutine(), heap: inUse(), stop: make(chan struct{}), stopped: make(chan struct{})}
	go func() {
		defer close(f.stopped)
		for {
			f.peak, f.most = max(f.peak, runtime.NumGoroutine()), max(f.most, inUse())
			select {
			case <-f.stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return f
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// end fails if there were more goroutines than many, or more MiB, and if they are
// not gone again.
func (f *footprint) end(t *testing.T, many int, mib uint64) {
	t.Helper()
	close(f.stop)
	<-f.stopped
	more, grown := f.peak-f.goroutines, max(f.most, f.heap)-f.heap
	t.Logf("at most %d more goroutines and %d KiB", more, grown>>10)
	if more > many {
		t.Errorf("there were %d more goroutines at a time", more)
	}
	if grown > mib<<20 {
		t.Errorf("memory grew by %d MiB", grown>>20)
	}
	until(t, "goroutines are as before", func() bool { return runtime.NumGoroutine() <= f.goroutines })
}

// waits is an origin that answers /wait when the client is gone.
func waits(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/wait" {
		<-r.Context().Done()
	}
}

// Clients that flood the proxy with frames are ended, or cost no more than those
// that do not; others are served meanwhile and afterwards.
func TestV5ClientFloods(t *testing.T) {
	const times = 20_000
	for name, c := range map[string]struct {
		deaf  bool
		flood func(k *talker, authority string) error
		want  []http2.ErrCode // one of them ends the connection, or streams on it; none: it may go on
	}{
		"rapid reset": {flood: func(k *talker, authority string) error {
			for i := range times {
				if err := errors.Join(k.ask(uint32(2*i+1), authority), k.WriteRSTStream(uint32(2*i+1), http2.ErrCodeCancel)); err != nil {
					return err
				}
			}
			return nil
		}},
		"more streams than allowed": {flood: func(k *talker, authority string) error {
			for i := range times {
				if err := k.ask(uint32(2*i+1), authority); err != nil {
					return err
				}
			}
			return nil
		}, want: []http2.ErrCode{http2.ErrCodeRefusedStream}},
		"CONTINUATION": {flood: func(k *talker, authority string) error {
			if err := k.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: k.fields(":method", "GET", ":scheme", "https", ":authority", authority, ":path", "/")}); err != nil {
				return err
			}
			for i := range times {
				if err := k.WriteContinuation(1, false, k.fields(fmt.Sprintf("x-%d", i), strings.Repeat("v", 100))); err != nil {
					return err
				}
			}
			return nil
		}, want: []http2.ErrCode{http2.ErrCodeProtocol, http2.ErrCodeEnhanceYourCalm, http2.ErrCodeCompression}},
		"empty CONTINUATION": {flood: func(k *talker, authority string) error {
			if err := k.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: k.fields(":method", "GET")}); err != nil {
				return err
			}
			for range 10 * times {
				if err := k.WriteContinuation(1, false, nil); err != nil {
					return err
				}
			}
			return nil
		}, want: nil},
		"PING": {flood: func(k *talker, _ string) error {
			for range 10 * times {
				if err := k.WritePing(false, [8]byte{}); err != nil {
					return err
				}
			}
			return nil
		}},
		"PING, and no answer is read": {deaf: true, flood: func(k *talker, _ string) error {
			for range 100 * times {
				if err := k.WritePing(false, [8]byte{}); err != nil {
					return err
				}
			}
			return nil
		}},
		"SETTINGS": {flood: func(k *talker, _ string) error {
			for i := range 5 * times {
				if err := k.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(i)}); err != nil {
					return err
				}
			}
			return nil
		}},
		"PRIORITY and WINDOW_UPDATE": {flood: func(k *talker, _ string) error {
			for i := range 5 * times {
				if err := errors.Join(k.WritePriority(uint32(2*i+1), http2.PriorityParam{StreamDep: uint32(2*i + 3)}), k.WriteWindowUpdate(0, 1)); err != nil {
					return err
				}
			}
			return nil
		}},
		"a bomb of references to one large field": {flood: func(k *talker, authority string) error {
			block := k.fields(":method", "GET", ":scheme", "https", ":authority", authority, ":path", "/", "x", strings.Repeat("v", 4000))
			for range 10_000 {
				block = append(block, 0x80|62) // the newest entry of the dynamic table (RFC 7541, 2.3.3)
			}
			return k.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndStream: true, EndHeaders: true})
		}, want: nil},
	} {
		t.Run(name, func(t *testing.T) {
			l := lab.New(t, lab.Config{Allow: []string{host}, Origin: http.HandlerFunc(waits)})
			do(t, l, "GET", l.URL(host, "/"), "", nil)
			f := watchFootprint()
			k := newTalker(t, l.TLS(l.Authority(host), "h2"), true, c.deaf)
			err := c.flood(k, l.Authority(host))
			t.Logf("flood: %v", err)
			if resp, _ := do(t, l, "GET", l.URL(host, "/"), "", nil); resp.StatusCode != 200 {
				t.Errorf("another client meanwhile: %s", resp.Status)
			}
			if len(c.want) > 0 {
				until(t, fmt.Sprint("told one of ", c.want), func() bool { return slices.Contains(c.want, http2.ErrCode(k.told.Load())) })
			}
			k.conn.Close()
			<-k.ended
			// Each stream has goroutines here, in the proxy and at the origin.
			f.end(t, 100*8+100, 64)
		})
	}
}

// A client is told how many streams it may have at a time.
func TestV5StreamsAreLimited(t *testing.T) {
	var most, now atomic.Int64
	l := lab.New(t, lab.Config{Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-r.Context().Done()
	})})
	k := newTalker(t, l.TLS(l.Authority(host), "h2"), true, false)
	for i := range 150 {
		if err := k.ask(uint32(2*i+1), l.Authority(host)); err != nil {
			break
		}
	}
	until(t, "the streams above the limit are refused", func() bool { return k.reset.Load() >= 1 || isOver(k) })
	until(t, "those below are under way", func() bool { return now.Load() >= 100 || isOver(k) })
	if most.Load() > 100 {
		t.Errorf("%d exchanges at a time", most.Load())
	}
	k.conn.Close()
	<-k.ended
	if n := k.peer[http2.SettingMaxConcurrentStreams]; n != 100 {
		t.Errorf("told that %d streams are allowed", n)
	}
}

func isOver(k *talker) bool {
	select {
	case <-k.ended:
		return true
	default:
		return false
	}
}

// frameOrigin serves connections that choose HTTP/2 by the frame.
func frameOrigin(t *testing.T, serve func(*talker)) (*lab.Lab, string) {
	t.Helper()
	port, roots := connOrigin(t, func(c net.Conn) {
		defer c.Close()
		if k := newTalker(t, c, false, true); k != nil {
			serve(k)
		}
	}, "h2")
	authority := fmt.Sprintf("%s:%d", host, port)
	return lab.New(t, lab.Config{Secrets: secrets, Allow: []string{authority}, Change: func(c *mitm.Config) {
		c.Roots = func(string) *x509.CertPool { return roots }
		c.Timeouts.Stall = 2 * time.Second
	}}), authority
}

// request reads until a client asks, and returns the stream.
func (k *talker) request() uint32 {
	for {
		f, err := k.ReadFrame()
		if err != nil {
			return 0
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = k.WriteSettingsAck()
			}
		case *http2.HeadersFrame:
			return f.StreamID
		}
	}
}

// Origins that flood the proxy are ended, and the client is told, or they cost no
// more than those that do not until the client leaves.
func TestV5OriginFloods(t *testing.T) {
	const times = 50_000
	answer := func(k *talker, stream uint32, end bool, more ...string) error {
		return k.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: k.fields(append([]string{":status", "200"}, more...)...), EndHeaders: end})
	}
	for name, c := range map[string]struct {
		flood func(k *talker, stream uint32) error
		slug  string // "": the response is cut off, or the client leaves before there is one
	}{
		"SETTINGS, and no answer is read": {func(k *talker, _ uint32) (err error) {
			for range 20 * times {
				if err = k.WriteSettings(); err != nil {
					break
				}
			}
			return err
		}, ""},
		"PING, and no answer is read": {func(k *talker, _ uint32) (err error) {
			for range 100 * times {
				if err = k.WritePing(false, [8]byte{}); err != nil {
					break
				}
			}
			return err
		}, "origin_timeout"},
		"PUSH_PROMISE": {func(k *talker, stream uint32) error {
			return k.WritePushPromise(http2.PushPromiseParam{StreamID: stream, PromiseID: 2, EndHeaders: true,
				BlockFragment: k.fields(":method", "GET", ":scheme", "https", ":authority", host, ":path", "/pushed")})
		}, "origin_protocol"},
		"CONTINUATION": {func(k *talker, stream uint32) (err error) {
			if err = answer(k, stream, false); err != nil {
				return err
			}
			for i := range times {
				if err = k.WriteContinuation(stream, false, k.fields(fmt.Sprintf("x-%d", i), strings.Repeat("v", 100))); err != nil {
					break
				}
			}
			return err
		}, "origin_protocol"},
		"a bomb of references to one large field": {func(k *talker, stream uint32) error {
			block := k.fields(":status", "200", "x", strings.Repeat("v", 4000))
			for range 10_000 {
				block = append(block, 0x80|62)
			}
			return k.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndHeaders: true})
		}, "origin_protocol"},
		"early hints without end": {func(k *talker, stream uint32) (err error) {
			for range times {
				hint := k.fields(":status", "103", "link", "</style.css>; rel=preload; as=style")
				if err = k.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: hint, EndHeaders: true}); err != nil {
					break
				}
			}
			return err
		}, "origin_protocol"},
		"more data than there is room for": {func(k *talker, stream uint32) error {
			if err := answer(k, stream, true, "content-type", "text/event-stream"); err != nil {
				return err
			}
			data := make([]byte, 16<<10)
			for range 100_000 {
				if err := k.WriteData(stream, false, data); err != nil {
					return err
				}
			}
			return nil
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 10)
			l, authority := frameOrigin(t, func(k *talker) {
				if stream := k.request(); stream != 0 {
					err := c.flood(k, stream)
					_, _ = io.Copy(io.Discard, k.conn) // until the proxy ends it
					ended <- err
				}
			})
			f := watchFootprint()
			client := l.NewClient(false)
			client.Timeout = 5 * time.Second
			resp, err := client.Get("https://" + authority + "/")
			var body []byte
			if err == nil {
				body, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			switch {
			case c.slug == "" && err == nil:
				t.Errorf("what was cut off looks whole: %s, %d bytes", resp.Status, len(body))
			case c.slug == "":
			case err != nil:
				t.Error(err)
			default:
				wantProblem(t, resp, string(body), map[string]int{"origin_protocol": 502, "origin_timeout": 504}[c.slug], c.slug)
			}
			client.CloseIdleConnections()
			l.Proxy.VerifyAnew() // closes connections to origins that nobody uses
			select {
			case err := <-ended:
				t.Logf("flood: %v", err)
			case <-time.After(20 * time.Second):
				t.Error("the proxy keeps the connection")
			}
			f.end(t, 50, 64)
		})
	}
}
