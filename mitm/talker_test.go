package mitm_test

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
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
	over  atomic.Int64  // streams that the other side ended well
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
	_ = conn.SetDeadline(time.Now().Add(6 * floodTime))
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
		if h := f.Header(); (h.Type == http2.FrameData || h.Type == http2.FrameHeaders) && h.Flags.Has(http2.FlagDataEndStream) {
			k.over.Add(1)
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

func isOver(k *talker) bool {
	select {
	case <-k.ended:
		return true
	default:
		return false
	}
}
