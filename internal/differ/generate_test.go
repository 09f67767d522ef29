package differ

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// generator makes sessions; the same seed, the same ones.
type generator struct {
	dice
	port  int // of the origin
	clear int // and without TLS
	next  int
	big   int // bodies of many MiB that are still to be made
}

func newGenerator(seed uint64, o *origin, big int) *generator {
	return &generator{dice: dice{rand.New(rand.NewPCG(seed, 1))}, port: o.port(), clear: o.clear.Addr().(*net.TCPAddr).Port, big: big}
}

func (g *generator) session() *session {
	p := pair{"HTTP/1", "HTTP/1"}
	if g.one(4) {
		p = pick(g.dice, pair{"HTTP/2", "HTTP/1"}, pair{"HTTP/1", "HTTP/2"}, pair{"HTTP/2", "HTTP/2"})
	}
	s := &session{pipelined: p.client == "HTTP/1" && g.one(6), half: p.client == "HTTP/1" && g.one(6)}
	kind, n := pick(g.dice, "reached", "reached", "reached", "plain", "plain", "other"), 1+g.IntN(4)
	if s.pipelined {
		n++
	}
	s.clear = p == pair{"HTTP/1", "HTTP/1"} && kind != "reached" && g.one(3)
	for i := range n {
		s.exchanges = append(s.exchanges, g.exchange(p, kind, s, i == n-1))
	}
	return s
}

func (x *exchange) host(port int) string {
	proto := "h1"
	if x.pair.origin == "HTTP/2" {
		proto = "h2"
	}
	return fmt.Sprintf("%s.%s.test:%d", x.kind, proto, port)
}

func (g *generator) exchange(p pair, kind string, s *session, last bool) *exchange {
	g.next++
	x := &exchange{id: g.next, pair: p, kind: kind, clear: s.clear, sizes: g.sizes(), ansSizes: g.sizes()}
	x.slow = g.one(25)
	x.ext = pick(g.dice, "", "", "", ";a", `;a="b c"`, ";x=1;y")
	x.ansExt = pick(g.dice, "", "", "", ";a", `;a="b c"`, ";x=1;y")
	g.request(x, s.pipelined, s.pipelined && !last)
	if x.mixed() && strings.HasPrefix(x.request.line, "OPTIONS *") {
		x.request.line = "OPTIONS / HTTP/1.1"
	}
	g.answer(x, s.pipelined && !last)
	return x
}

func (g *generator) request(x *exchange, pipelined, goesOn bool) {
	if x.authority = x.host(g.port); x.clear {
		x.authority = x.host(g.clear)
	}
	host := x.authority
	method := pick(g.dice, "GET", "GET", "GET", "HEAD", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "m-search")
	version := "HTTP/1.1"
	if !x.mixed() && !goesOn && g.one(12) {
		version = "HTTP/1.0"
	}
	x.request.line = method + " " + g.target(method, host, x) + " " + version
	fields := g.requestFields(x, goesOn)
	x.request.framing = "none"
	x.expects = !pipelined && version == "HTTP/1.1" && g.one(8)
	if method == "POST" || method == "PUT" || method == "PATCH" || g.one(12) {
		fields = append(fields, g.requestBody(x, version)...)
	}
	g.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	fields = slices.Insert(fields, g.IntN(len(fields)+1), field{name: "X-Exchange", raw: fmt.Sprint(" ", x.id)})
	if version == "HTTP/1.1" || g.one(2) {
		at := 0
		if g.one(4) {
			at = g.IntN(len(fields))
		}
		fields = slices.Insert(fields, at, g.field("Host", pick(g.dice, host, host, host, strings.ToUpper(host[:1])+host[1:])))
	}
	x.request.fields = fields
	x.request.announce()
	x.expects = len(x.request.get("Expect")) > 0
}

func (g *generator) target(method, host string, x *exchange) string {
	if method == "OPTIONS" && !x.clear && g.one(3) {
		return "*"
	}
	path := pick(g.dice, "/", "/v1/items", "/a/../b/./c", "//double//slash/", "/%7Euser/%2e%2E/%C3%a9", "/;p=1,2/x", "/caf\xc3\xa9", "/a:b@c!$&'()*+,;=~|", "/"+strings.Repeat("long/", 200))
	query := pick(g.dice, "", "", "?", "?a=1&b=&&c", "?q=%zz%", "?x=\xe9\xff", "?next=https://other.test/?a=b", "?a?b")
	if x.reached() && g.one(6) {
		query = "?key=" + placeholder + "&x=1"
	}
	if x.pair.client == "HTTP/1" && !x.clear && g.one(15) {
		return "https://" + host + path + query
	}
	return path + query
}

func (g *generator) requestFields(x *exchange, goesOn bool) (fields []field) {
	add := func(odds int, name, value string) {
		if g.one(odds) {
			fields = append(fields, g.field(name, value))
		}
	}
	if agent := pick(g.dice, "curl/8.5.0", "Mozilla/5.0 (X11; Linux) x", ""); agent != "" || x.pair.origin == "HTTP/1" { // an empty one is none by the grammar
		add(2, "User-Agent", agent)
	}
	add(2, "Accept", pick(g.dice, "*/*", "text/html, application/json;q=0.9", ""))
	add(2, "Accept-Encoding", pick(g.dice, "gzip, deflate, br, zstd", "identity", "gzip;q=0.5, x-foo", "*", ""))
	add(4, "Accept-Language", "de, en;q=0.5")
	add(4, "Cookie", "a=1; b=\"2\"")
	add(6, "Cookie", "c=3")
	for range g.IntN(3) {
		add(2, "X-Dup", g.letters(g.IntN(20)))
	}
	add(6, "X-Empty", "")
	add(8, "X-Latin", "caf\xe9 \xff")
	add(12, "X-Long", g.letters(2000+g.IntN(6000)))
	add(4, "Authorization", g.credential(x))
	add(8, "Range", "bytes=0-99")
	add(12, "If-Range", pick(g.dice, `"abc"`, `W/"abc"`))
	add(8, "If-Match", pick(g.dice, `"a"`, `W/"a", "b"`))
	add(8, "If-None-Match", `W/"a"`)
	add(8, "Cache-Control", "no-cache")
	add(8, "Via", "1.0 fred")
	add(8, "Max-Forwards", "10")
	add(8, "X-Forwarded-For", "192.0.2.1")
	add(12, "Sec-WebSocket-Extensions", "permessage-deflate")
	add(12, "Grpc-Accept-Encoding", "gzip")
	add(12, "!#$%&'*+-.^_`|~", "odd name")
	add(12, "under_score", "1")
	if x.pair.client == "HTTP/1" {
		fields = append(fields, g.hopByHop(x.old(), goesOn)...)
		add(8, "TE", pick(g.dice, "trailers", "trailers, deflate;q=0.5", "gzip"))
	}
	return fields
}

func (g *generator) credential(x *exchange) string {
	if x.reached() {
		return "Bearer " + placeholder
	}
	return "Bearer none"
}

// hopByHop are fields that end at a connection.
func (g *generator) hopByHop(old, goesOn bool) (fields []field) {
	add := func(odds int, name, value string) {
		if g.one(odds) {
			fields = append(fields, g.field(name, value))
		}
	}
	switch g.IntN(8) {
	case 0:
		add(1, "Connection", pick(g.dice, "keep-alive", "Keep-Alive, X-Hop"))
	case 2:
		if !goesOn {
			add(1, "Connection", pick(g.dice, "close", "x-hop, close"))
		}
	case 1:
		add(1, "Connection", "x-hop")
	}
	add(12, "X-Hop", "for the next one alone")
	add(12, "Keep-Alive", "timeout=5")
	add(16, "Proxy-Connection", "keep-alive")
	add(16, "Proxy-Authorization", "Basic eDp5")
	if !old && g.one(16) {
		fields = append(fields, g.field("Connection", "Upgrade, HTTP2-Settings"), g.field("Upgrade", "h2c"), g.field("HTTP2-Settings", "AAMAAABkAAQAAP__"))
	}
	return fields
}

func (g *generator) requestBody(x *exchange, version string) (fields []field) {
	m := &x.request
	m.body = g.content(g.size())
	if g.big > 0 && g.one(20) {
		g.big--
		m.body, x.sizes = g.content(1<<20+g.IntN(63<<20)), []int{60000}
	}
	kind := pick(g.dice, "application/octet-stream", "text/plain", "application/json", "application/json", "application/x-www-form-urlencoded", "")
	key := pick(g.dice, "none", g.ours(x))
	if len(m.body) > 1<<20-1000 {
		key = "none" // it would be refused
	}
	switch kind {
	case "application/json":
		m.body = fmt.Appendf(nil, `{"key": %q, "text": %q}`, key, g.letters(len(m.body)))
	case "application/x-www-form-urlencoded":
		m.body = []byte("key=" + key + "&text=" + strings.ReplaceAll(g.letters(len(m.body)), " ", "+"))
	}
	if kind != "" {
		fields = append(fields, g.field("Content-Type", kind))
	}
	switch {
	case version == "HTTP/1.1" && g.one(3):
		m.framing = "chunked"
		fields = append(fields, field{name: g.spelled("Transfer-Encoding"), raw: pick(g.dice, " chunked", " Chunked")})
		fields = append(fields, g.trail(x, m)...)
	case g.one(8):
		m.body = nil
		if g.one(2) {
			return fields
		}
		fallthrough
	default:
		m.framing = "sized"
		fields = append(fields, field{name: g.spelled("Content-Length"), raw: pick(g.dice, " ", " ", "", " 00")})
	}
	if x.expects = x.expects && len(m.body) > 0 && x.pair == (pair{"HTTP/1", "HTTP/1"}); x.expects {
		x.ungiving = g.one(3)
		fields = append(fields, field{name: g.spelled("Expect"), raw: pick(g.dice, " 100-continue", " 100-Continue")})
	}
	return fields
}

// ours is the placeholder where its value may go.
func (g *generator) ours(x *exchange) string {
	if x.reached() {
		return placeholder
	}
	return "none"
}

// trail adds trailers, announced or not, and returns what announces them.
func (g *generator) trail(x *exchange, m *message) []field {
	if g.one(2) {
		return nil
	}
	m.trailers = []field{g.field("X-Sum", "12"), g.field("Server-Timing", "db;dur=5"), g.field("x-AFTER", g.letters(9))}[g.IntN(3):]
	if g.one(3) {
		m.trailers = append(m.trailers, g.field("X-Sum", "again"))
	}
	if !x.mixed() && g.one(6) { // over HTTP/2 it is an error of the stream
		m.trailers = append(m.trailers, g.field("Authorization", "Bearer late"))
	}
	switch g.IntN(3) {
	case 0:
		return nil
	case 1:
		return []field{g.field("Trailer", m.trailers[0].name)}
	}
	var names []string
	for _, f := range m.trailers {
		names = append(names, f.name)
	}
	return []field{g.field("Trailer", strings.Join(names, ", "))}
}

// encode is b in a content coding.
func encode(coding string, b []byte) []byte {
	var out bytes.Buffer
	switch coding {
	case "gzip", "x-gzip":
		w := gzip.NewWriter(&out)
		w.Write(b)
		w.Close()
	case "deflate":
		w := zlib.NewWriter(&out)
		w.Write(b)
		w.Close()
	case "br":
		w := brotli.NewWriterLevel(&out, 3)
		w.Write(b)
		w.Close()
	case "zstd":
		w, err := zstd.NewWriter(&out)
		if err != nil {
			panic(err)
		}
		w.Write(b)
		w.Close()
	default:
		return b
	}
	return out.Bytes()
}
