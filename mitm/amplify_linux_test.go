package mitm_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"golang.org/x/net/http2"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// What a request may cost, client and origin included: in memory, that it holds
// at a time, 100 times its own size, where it counts for 32 KiB at least; in CPU
// time, timesCPU what a plain request of its size does, one to the same proxy
// that names no placeholder and has nothing to read, where that counts for 1 ms.
const (
	timesMemory = 100
	leastSize   = 32 << 10
	leastCPU    = time.Millisecond
)

// costly is a request that means to cost more than others.
type costly struct {
	kind   string // of its body
	body   string
	header http.Header
	status int // that it gets
}

// costlyRequests are as large and as bad as their kind may be.
func costlyRequests() map[string]costly {
	const mib = 1 << 20
	json, form := "application/json", "application/x-www-form-urlencoded"
	fill := func(text string, n int) string { return strings.Repeat(text, n/len(text)) }
	list := func(item string, n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
	}
	cookies, fields, near, overrides := http.Header{}, http.Header{}, http.Header{}, http.Header{}
	for i := range 90 {
		cookies.Add("Cookie", fill(fmt.Sprintf("c%d=AS_SECRET_KEY; ", i), 200))
		overrides.Set(fmt.Sprintf("X-Method-Overri%02d", i), "DELETE")
		fields.Set(fmt.Sprintf("X-Costly-%d", i), fill("AS%5FSECRET%5FKEY QVNfU0VDUkVUX0tFWQ== ", 200))
		near.Set(fmt.Sprintf("X-Costly-%d", i), fill("AS%5FSECRET%5F QVNfU0VDUkVUX", 600))
	}
	parts := strings.Repeat("--b\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nAS_SECRET_KEY\r\n", 1000) + "--b--\r\n"
	return map[string]costly{
		"as many placeholders as may be":     {json, list(`"AS_SECRET_KEY"`, 1000) + fill(" ", mib-20_000), nil, 200},
		"placeholders beside many fields":    {json, list(`"AS_SECRET_KEY"`, 1000), overrides, 200},
		"one more":                           {json, list(`"AS_SECRET_KEY"`, 1001), nil, 413},
		"placeholders and nothing else":      {json, list(`"AS_SECRET_KEY"`, mib/17), nil, 413},
		"placeholders in texts":              {json, list(`"a AS_SECRET_KEY"`, mib/19), nil, 200},
		"placeholders that are escaped":      {json, list(`"\u0041S_SECRET_KEY"`, 1000) + fill(" ", mib-25_000), nil, 200},
		"a large value, again and again":     {json, list(`"AS_SECRET_LARGE"`, 1000), nil, 413},
		"a large value, again and again, in": {form, fill("token=AS_SECRET_LARGE&", 20_000), nil, 413},
		"deep JSON":                          {json, fill("[", mib/2) + fill("]", mib/2), nil, 200},
		"deep JSON of objects":               {json, fill(`{"a":`, mib-10) + "1", nil, 200},
		"JSON of many short strings":         {json, list(`""`, mib/3-10), nil, 200},
		"JSON of escapes":                    {json, `"` + fill(`\u0041`, mib-10) + `"`, nil, 200},
		"JSON of beginnings":                 {json, `"` + fill("AS_SECRET", mib-10) + `"`, nil, 200},
		"JSON of long names":                 {json, `{` + fill(`"`+fill("n", 1000)+`":"AS_SECRET_KEY",`, 900_000) + `"x":1}`, nil, 200},
		"a form of many fields":              {form, fill("a=b&", mib-10), nil, 200},
		"a form of 10,000 named ones":        {form, fill("password=%41S_SECRET_&", 10_000*22), nil, 200},
		"a form that is percent-encoded":     {form, "a=" + fill("%41", mib-10), nil, 200},
		"multipart of 1,000 parts":           {"multipart/form-data; boundary=b", parts, nil, 200},
		"multipart of empty parts":           {"multipart/form-data; boundary=b", fill("--b\r\n\r\n\r\n", mib-10) + "--b--\r\n", nil, 200},
		"multipart of near boundaries":       {"multipart/form-data; boundary=" + fill("-", 60), fill("-", mib), nil, 200},
		"anything, where all is expanded":    {"text/plain", fill("AS_SECRET_", mib), nil, 200},
		"a long text where all is expanded":  {"text/plain", fill("AS_SECRET_KEY ", 14_000) + fill("AS_SECRET_", mib-20_000), http.Header{"X-Any": {"1"}}, 200},
		"many cookies":                       {"", "", cookies, 200},
		"fields full of placeholders":        {"", "", fields, 200},
		"long fields that hold nearly some":  {"", "", near, 200},
	}
}

// However a request is made, its cost stays in proportion.
func TestV10Requests(t *testing.T) {
	for name, c := range costlyRequests() {
		t.Run(name, func(t *testing.T) {
			for _, http1 := range []bool{true, false} {
				l := costLab(t, http1, nil)
				if c.header.Get("X-Any") != "" {
					l = costLab(t, http1, nil, "body:any")
				}
				ask := func(c costly) func() {
					return func() {
						head := maps.Clone(c.header)
						if head == nil {
							head = http.Header{}
						}
						head.Set("Content-Type", c.kind)
						if resp, body := do(t, l, "POST", l.URL(host, "/"), c.body, head); resp.StatusCode != c.status {
							t.Fatalf("%s %.300s", resp.Status, body)
						}
					}
				}
				size := len(c.body)
				for k, vs := range c.header {
					size += len(vs)*(len(k)+4) + len(strings.Join(vs, ""))
				}
				plain := costly{"application/octet-stream", strings.Repeat("x", size), nil, 200}
				holdCost(t, fmt.Sprintf("HTTP/1 %v", http1), size, ask(c), ask(plain))
			}
		})
	}
}

// costLab has an origin that takes all and says little, unless it is another, and
// secrets that may go to places, if there are some.
func costLab(t *testing.T, http1 bool, origin http.Handler, places ...string) *lab.Lab {
	t.Helper()
	if origin == nil {
		origin = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, "ok")
		})
	}
	return lab.New(t, lab.Config{
		Secrets: map[string]string{"KEY": value, "LARGE": strings.Repeat(value, 4<<10/len(value))},
		Allow:   []string{host}, Origin: origin, OriginH1: http1, ClientH1: http1,
		Bindings: map[string]allowlist.Binding{"KEY": {Places: places}},
	})
}

// spent is the least CPU time that one call of f takes of a few.
func spent(f func()) time.Duration {
	least := time.Hour
	for range 3 {
		before := cpuTime()
		f()
		least = min(least, cpuTime()-before)
	}
	return least
}

// most is how much memory a few calls of f hold at most at a time: what the
// collector finds in use, which has so little to do otherwise that it always looks.
func most(f func()) uint64 {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	runtime.GC()
	before, peak := inUseNow(), uint64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			peak = max(peak, inUseNow())
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Microsecond):
			}
		}
	}()
	for range 3 {
		f()
	}
	close(stop)
	<-stopped
	return max(peak, before) - before
}

// inUseNow is what the last collection found.
func inUseNow() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// holdCost fails if bad, which has size bytes, costs too much.
func holdCost(t *testing.T, how string, size int, bad, plain func()) {
	t.Helper()
	plain() // connections are there
	size = max(size, leastSize)
	held := most(bad)
	for range 25 { // what else is allocated meanwhile counts as in use
		if held < timesMemory*uint64(size) {
			break
		}
		held = most(bad)
	}
	cost, usual := spent(bad), spent(plain)
	for range 25 { // on a busy machine everything takes longer
		if cost < timesCPU*max(usual, leastCPU) {
			break
		}
		cost, usual = spent(bad), spent(plain)
	}
	memory, cpu := float64(held)/float64(size), float64(cost)/float64(max(usual, leastCPU))
	t.Logf("%s: %d KiB hold %.1f times as much and take %v, %.1f times as long as plain ones (%v)", how, size>>10, memory, cost, cpu, usual)
	if memory >= timesMemory {
		t.Errorf("%s: %d bytes hold %d", how, size, held)
	}
	if cpu >= timesCPU {
		t.Errorf("%s: %d bytes take %v, and plain ones %v", how, size, cost, usual)
	}
}

// Compression of fields hides how large a head is: the proxy counts what it comes to.
func TestV10Compressed(t *testing.T) {
	l := costLab(t, false, nil)
	const streams = 50
	next, written := uint32(1), &counted{Conn: l.TLS(l.Authority(host), "h2")}
	k := newTalker(t, written, true, false)
	ask := func(pairs ...string) func() {
		return func() {
			before := k.over.Load()
			for range streams {
				block := k.fields(append([]string{":method", "GET", ":scheme", "https", ":authority", l.Authority(host), ":path", "/"}, pairs...)...)
				if err := k.WriteHeaders(http2.HeadersFrameParam{StreamID: next, BlockFragment: block, EndStream: true, EndHeaders: true}); err != nil {
					t.Fatal(err)
				}
				next += 2
			}
			until(t, "all are answered", func() bool { return k.over.Load() == before+streams })
		}
	}
	var pairs []string
	for range 15 {
		pairs = append(pairs, "x", strings.Repeat("AS_SECRET ", 390)) // one entry of the table, again and again
	}
	bad := ask(pairs...)
	bad()
	before := written.n
	bad()
	holdCost(t, fmt.Sprintf("%d streams, each of %d bytes", streams, (written.n-before)/streams), streams*leastSize, bad, ask())
}

type counted struct {
	net.Conn
	n int
}

func (c *counted) Write(b []byte) (int, error) {
	c.n += len(b)
	return c.Conn.Write(b)
}

// A response costs in proportion to what it comes to, and no memory. What it
// may come to is V4's.
func TestV10CompressedResponses(t *testing.T) {
	text := []byte(strings.Repeat("some text without a value, of which a lot follows. ", 20_000))
	for _, coding := range codings {
		packed := pack(coding.to, string(text))
		t.Run(coding.name, func(t *testing.T) {
			l := costLab(t, true, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/plain" {
					w.Write(text)
					return
				}
				w.Header()["Content-Encoding"] = coding.lines
				w.Write(packed)
			}))
			get := func(path string) func() {
				return func() {
					if _, body := do(t, l, "GET", l.URL(host, path), "", bearer("KEY")); body != string(text) {
						t.Fatalf("got %d bytes", len(body))
					}
				}
			}
			holdCost(t, fmt.Sprintf("%d bytes", len(packed)), len(text), get("/"), get("/plain"))
		})
	}
}

// A message in fragments of one byte, each of which has a head of six.
func TestV10Fragments(t *testing.T) {
	l := webSocketLab(t, lab.Config{}, func(conn net.Conn, _ *http.Request) {
		for {
			f, err := readFrame(conn)
			if err != nil {
				return
			}
			if f.Header.Fin {
				ws.WriteFrame(conn, ws.NewTextFrame([]byte("ok")))
			}
		}
	})
	conn := upgraded(t, l, host, "Authorization: Bearer AS_SECRET_KEY")
	say := func(frames []byte) func() {
		return func() {
			go conn.Write(frames)
			if got := conn.next(t); got != "ok" {
				t.Fatal(got)
			}
		}
	}
	var fragments bytes.Buffer
	text := []byte(strings.Repeat("AS_SECRET_", fragmented/10))
	mask := [4]byte{1, 2, 3, 4}
	for i := range text {
		op := ws.OpContinuation
		if i == 0 {
			op = ws.OpText
		}
		ws.WriteFrame(&fragments, ws.MaskFrameInPlaceWith(ws.NewFrame(op, i == len(text)-1, slices.Clone(text[i:i+1])), mask))
	}
	var whole bytes.Buffer
	ws.WriteFrame(&whole, ws.MaskFrameInPlaceWith(ws.NewTextFrame(bytes.Repeat([]byte("x"), fragments.Len())), mask))
	holdCost(t, "WebSocket", fragments.Len(), say(fragments.Bytes()), say(whole.Bytes()))
}

// Messages without a byte, each of which has a head of five.
func TestV10EmptyMessages(t *testing.T) {
	l := costLab(t, false, nil)
	ask := func(body, kind string) func() {
		return func() {
			req, _ := http.NewRequestWithContext(context.Background(), "POST", l.URL(host, "/"), strings.NewReader(body))
			req.Header = bearer("KEY")
			req.Header.Set("Content-Type", kind)
			if resp, body := send(t, l.Client, req); resp.StatusCode != 200 {
				t.Fatal(resp.Status, body)
			}
		}
	}
	empty := strings.Repeat(message(0, ""), 100_000)
	holdCost(t, "gRPC", len(empty), ask(empty, "application/grpc"), ask(strings.Repeat("x", len(empty)), "application/octet-stream"))
}
