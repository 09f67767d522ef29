package mitm_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// waits is an origin that answers /wait when the client is gone.
func waits(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/wait" {
		<-r.Context().Done()
	}
}

// Clients that flood the proxy with frames are ended, or cost no more than those
// that do not; others are served meanwhile and afterwards.
func TestV5ClientFloods(t *testing.T) {
	const times = 20_000 / floodShare
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
				// Whose refusals wait unread by the thousand is cut off without any:
				// the first is awaited.
				for end := time.Now().Add(floodTime); i == 200 && k.reset.Load() == 0 && time.Now().Before(end); {
					time.Sleep(time.Millisecond)
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

var errKept = errors.New("the proxy keeps the connection")

// Origins that flood the proxy are ended, and the client is told, or they cost no
// more than those that do not until the client leaves.
func TestV5OriginFloods(t *testing.T) {
	const times = 50_000 / floodShare
	answer := func(k *talker, stream uint32, end bool, more ...string) error {
		return k.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: k.fields(append([]string{":status", "200"}, more...)...), EndHeaders: end})
	}
	for name, c := range map[string]struct {
		flood func(k *talker, stream uint32) error
		slug  string // "": the response is cut off, or the client leaves before there is one
	}{
		"SETTINGS, and no answer is read": {func(k *talker, _ uint32) (err error) {
			for range 20 * times * floodShare { // until what nobody reads fills all that holds it
				if err = k.WriteSettings(); err != nil {
					break
				}
			}
			return err
		}, ""},
		"PING, and no answer is read": {func(k *talker, _ uint32) (err error) {
			for range 100 * times * floodShare {
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
			for range 2 * times {
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
				leaves := time.AfterFunc(3*floodTime, func() { k.conn.Close() }) // a proxy that never would goes on waiting
				if stream := k.request(); stream != 0 {
					err := c.flood(k, stream)
					_, _ = io.Copy(io.Discard, k.conn) // until the proxy ends it
					if !leaves.Stop() {
						err = errKept
					}
					ended <- err
				}
			})
			f := watchFootprint()
			client := l.NewClient(false)
			client.Timeout = floodTime
			resp, err := client.Get("https://" + authority + "/")
			var body []byte
			if err == nil {
				if body, err = io.ReadAll(io.LimitReader(resp.Body, 64<<10)); err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
				}
				resp.Body.Close()
			}
			switch {
			case c.slug == "" && err == nil:
				t.Errorf("what was cut off looks whole: %s, %d bytes", resp.Status, len(body))
			case c.slug == "":
			case err != nil:
				t.Fatal(err) // the rest would take minutes
			default:
				wantProblem(t, resp, string(body), map[string]int{"origin_protocol": 502, "origin_timeout": 504}[c.slug], c.slug)
			}
			client.CloseIdleConnections()
			l.Proxy.VerifyAnew() // closes connections to origins that nobody uses
			select {
			case err := <-ended:
				if t.Logf("flood: %v", err); errors.Is(err, errKept) {
					t.Error(err)
				}
			case <-time.After(4 * floodTime):
				t.Error(errKept)
			}
			f.end(t, 50, 64)
		})
	}
}
