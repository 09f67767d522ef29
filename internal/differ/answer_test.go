package differ

import (
	"fmt"
	"slices"
)

// answer makes what the origin says. Where more requests are on their way, the
// connection stays open behind it.
func (g *generator) answer(x *exchange, goesOn bool) {
	status := pick(g.dice, 200, 200, 200, 200, 200, 201, 202, 204, 299, 301, 302, 304, 400, 401, 404, 418, 429, 500, 503, 599)
	version := "HTTP/1.1"
	if !x.mixed() && !goesOn && g.one(12) {
		version = "HTTP/1.0"
	}
	if x.ungiving {
		status = pick(g.dice, 401, 413, 417)
	}
	if !x.reached() && slices.ContainsFunc(x.request.fields, func(f field) bool { return f.is("Range") }) {
		status = 206
	}
	m := &x.answer
	m.line = fmt.Sprintf("%s %d %s", version, status, g.reason(x))
	m.fields = g.answerFields(x, status)
	x.plain = g.answerBody(x)
	m.body = x.plain
	coding := ""
	if g.one(3) {
		coding = pick(g.dice, "gzip", "br", "zstd", "deflate", "x-gzip", "x-unknown", "identity")
		if x.searched() && coding == "x-unknown" {
			coding = "gzip" // what cannot be searched is refused
		}
		if len(x.plain) > 1<<20 && (coding == "br" || coding == "zstd") {
			coding = "gzip" // they make so little of what repeats that it is refused
		}
		m.body = encode(coding, x.plain)
		m.fields = append(m.fields, g.field("Content-Encoding", coding))
	}
	m.fields = append(m.fields, g.framed(x, status, version, goesOn)...)
	g.Shuffle(len(m.fields), func(i, j int) { m.fields[i], m.fields[j] = m.fields[j], m.fields[i] })
	m.announce()
	if x.mixed() {
		simplify(m)
	}
	if !x.old() && version == "HTTP/1.1" && !x.ungiving && x.pair.origin == "HTTP/1" {
		g.earlier(x)
	}
}

func (g *generator) reason(x *exchange) string {
	if x.searched() && g.one(8) {
		return "Refused " + secret
	}
	return pick(g.dice, "OK", "Fine, Thanks", "", "caf\xe9", "Not  What\tYou Think")
}

func (g *generator) answerFields(x *exchange, status int) (fields []field) {
	add := func(odds int, name, value string) {
		if g.one(odds) {
			fields = append(fields, g.field(name, value))
		}
	}
	echo := "nothing"
	if x.searched() && g.one(2) {
		echo = secret
	}
	add(2, "Date", "Wed, 25 Nov 2026 22:00:00 GMT")
	add(2, "Server", "raw/1.0")
	add(2, "Content-Type", pick(g.dice, "application/json", "text/plain; charset=utf-8", "application/octet-stream", ""))
	for i := range g.IntN(4) {
		add(2, "Set-Cookie", fmt.Sprintf("c%d=%s; Path=/; HttpOnly", i, echo))
	}
	add(3, "Etag", pick(g.dice, `"abc"`, `W/"abc"`))
	add(6, "Accept-Ranges", "bytes")
	add(4, "Alt-Svc", `h3=":443"; ma=86400`)
	add(4, "Cache-Control", "no-store")
	for range g.IntN(3) {
		add(2, "Link", "</"+g.letters(5)+">; rel=preload")
	}
	add(4, "X-Echo", "Bearer "+echo)
	add(6, "X-Empty", "")
	add(8, "X-Latin", "caf\xe9 \xff")
	add(12, "X-Long", g.letters(2000+g.IntN(20000)))
	add(12, "Strict-Transport-Security", "max-age=1")
	add(12, pick(g.dice, "Digest", "Content-MD5", "Content-Digest", "Repr-Digest"), "sha-256=x")
	add(12, "Vary", "Accept-Encoding, Origin")
	add(12, "AgentSecrets-Exchange", "made up")
	add(12, "AgentSecrets-Redacted", "99")
	if status/100 == 3 && status != 304 {
		add(1, "Location", "/next?key="+echo)
	}
	if status == 401 {
		add(1, "WWW-Authenticate", `Basic realm="x", Bearer`)
	}
	if x.pair.origin == "HTTP/1" {
		add(12, "Keep-Alive", "timeout=5")
		add(16, "Proxy-Authenticate", "Basic")
		add(16, "Upgrade", "h2c")
		if g.one(12) {
			fields = append(fields, g.field("Connection", "X-Hop"), g.field("X-Hop", "1"))
		}
	}
	return fields
}

func (g *generator) answerBody(x *exchange) []byte {
	b := g.content(g.size())
	if g.big > 0 && g.one(20) {
		g.big--
		b, x.ansSizes = g.content(1<<20+g.IntN(63<<20)), []int{60000}
	}
	for range g.IntN(4) {
		if x.searched() && len(b) > 100 {
			at := g.IntN(len(b) - 60)
			copy(b[at:], "\n "+secret+" \n")
		}
	}
	return b
}

// framed says how the body ends.
func (g *generator) framed(x *exchange, status int, version string, goesOn bool) (fields []field) {
	m := &x.answer
	bodiless := x.method() == "HEAD" || status == 204 || status == 304
	closing := !goesOn && g.one(8)
	chunks := version == "HTTP/1.1" && !x.old()
	switch {
	case x.pair.origin == "HTTP/1" && chunks && g.one(3):
		m.framing = "chunked"
		if status != 204 {
			fields = append(fields, field{name: g.spelled("Transfer-Encoding"), raw: pick(g.dice, " chunked", " Chunked", "chunked")})
		}
		if !bodiless {
			fields = append(fields, g.trail(x, m)...)
		}
	case !goesOn && !bodiless && g.one(8):
		m.framing = "to close"
	case bodiless && g.one(3), status == 204 && x.mixed(): // HTTP/2 takes no length there
		m.framing = "none"
	default:
		m.framing = "sized"
		fields = append(fields, field{name: g.spelled("Content-Length"), raw: pick(g.dice, " ", " ", "", " 00")})
	}
	switch {
	case x.ungiving, version == "HTTP/1.1" && closing && g.one(2):
		fields = append(fields, g.field("Connection", "close"))
	case version == "HTTP/1.0" && g.one(2) && m.framing != "to close":
		fields = append(fields, g.field("Connection", "keep-alive"))
	}
	if closing && !bodiless && len(m.body) > 0 && m.framing != "to close" && g.one(2) {
		m.cut = true
	}
	return fields
}

// earlier puts informational responses before the answer.
func (g *generator) earlier(x *exchange) {
	for range g.IntN(8) - 5 {
		m := message{line: pick(g.dice, "HTTP/1.1 103 Early Hints", "HTTP/1.1 102 Still Busy", "HTTP/1.1 103 ")}
		for range g.IntN(3) {
			m.fields = append(m.fields, g.field(pick(g.dice, "Link", "X-Progress", "Digest", "Alt-Svc"), "a"+g.letters(5)))
		}
		if x.searched() && g.one(2) {
			m.fields = append(m.fields, g.field("X-Echo", secret))
		}
		x.early = append(x.early, m)
	}
}

// simplify takes out of an answer what HTTP/2 cannot say.
func simplify(m *message) {
	m.remove("Connection", "X-Hop", "Keep-Alive", "Upgrade", "Proxy-Authenticate")
}
