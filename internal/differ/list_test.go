package differ

import (
	"fmt"
	"slices"
	"strings"
)

// change is one way in which we change messages. docs/protocols.md has a row for
// each, in these words.
type change struct {
	name, of, what, why string
	alters              excuse
	apply               func(p *passage)
}

// excuse is what lets a change alter more than how a message travels: bodies, and
// the values of end-to-end fields. Statuses no change alters.
type excuse string

const (
	none      excuse = ""
	redaction excuse = "redaction"
	decoding  excuse = "decoding"
	altSvc    excuse = "Alt-Svc"
)

// passage is an exchange as it has to be through us: at first as it was straight.
type passage struct {
	x    *exchange
	want *outcome
	got  *outcome // for what is ours to choose
}

const (
	requests  = "requests"
	responses = "responses"
	both      = "both"
)

// changes are in the order in which they apply.
func changes() []change {
	return []change{
		{"white space", both, "one space stands before a field's value, none behind it", "it is no part of the value (RFC 9110, 5.5)", none, whiteSpace},
		{"version", both, "HTTP/1.0 becomes HTTP/1.1; a request without `Host` gets one", "each connection has a version of its own (RFC 9110, 2.5)", none, version},
		{"authority", requests, "a URL in the request line becomes its path, `Host` the tunnel's host in lower case", "the same origin, written in the one way that was checked against the tunnel", none, authority},
		{"cookie lines", requests, "several `Cookie` lines become one, joined by `; `", "servers read them as one (RFC 9113, 8.2.3), and so does the search for placeholders", none, cookieLines},
		{"hop-by-hop fields", both, "`Connection` and what it names, `Keep-Alive`, `Upgrade`, `HTTP2-Settings` and `Proxy-*` are removed; of `TE` stays `trailers`", "they end at the connection (RFC 9110, 7.6.1)", none, hopByHop},
		{"late trailers", both, "trailers that would change what was decided before the body came, such as `Authorization`, are removed", "they may not stand there (RFC 9110, 6.5.1)", none, lateTrailers},
		{"unannounced trailers", requests, "trailers that `Trailer` does not name are removed, if the client speaks HTTP/2", "Go's server does not take them, and who receives trailers may discard them (RFC 9110, 6.5.1)", none, unannounced},
		{"100 Continue", responses, "comes from us when we read the body, to HTTP/2 also before another informational response; the origin's is not passed on", "it is about the connection that the body comes on (RFC 9110, 10.1.1)", none, hundred},
		{"accepted codings", requests, "`Accept-Encoding` becomes `identity` for hosts that values may go to, and loses codings that cannot be undone for others once a value has gone out; `Grpc-Accept-Encoding` is removed for the former", "what comes back has to be readable to be searched", decoding, acceptedCodings},
		{"ranges", both, "`Range`, `If-Range` and the response's `Accept-Ranges` are removed, where the host may hold a value", "a part may begin inside a value", redaction, ranges},
		{"entity tags in requests", requests, "those of `If-Match` lose `W/`, where the host may hold a value", "we put it there, see below, and the origin has never seen it", redaction, strongTags},
		{"WebSocket extensions", requests, "`Sec-WebSocket-Extensions` is removed", "messages have to be readable to be searched", redaction, extensions},
		{"Alt-Svc", responses, "is removed", "HTTP/3 would go past us", altSvc, noAltSvc},
		{"digests", responses, "`Digest`, `Content-MD5`, `Content-Digest` and `Repr-Digest` are removed once a value has gone out", "they are of bytes that the client may not get, and tell whether a guess is right", redaction, noDigests},
		{"decoded bodies", responses, "a body in a content coding is decoded where echoes are looked for; `Content-Encoding` and `Content-Length` are removed", "it is searched", decoding, decoded},
		{"echoes", responses, "values that went out are covered, in bodies, fields, trailers and the reason; the length stays", "what this program is for", redaction, echoes},
		{"entity tags in responses", responses, "get `W/` where the body was changed, or may be", "the same tag promises the same bytes (RFC 9110, 8.8.1)", redaction, weakTags},
		{"fields of ours", responses, "`AgentSecrets-Exchange` and, where something was covered in the head, `AgentSecrets-Redacted` are added; an origin's own are replaced", "they are for looking an exchange up in the log", none, ours},
		{"connection", responses, "`Connection` says how ours to the client goes on: `close`, or `keep-alive` to HTTP/1.0", "each connection has its own (RFC 9112, 9.3)", none, connection},
		{"framing", both, "sizes of chunks and their extensions are ours; a body that ends with the connection comes in chunks, to HTTP/1.0 the other way round; `Content-Length` loses zeros in front, and goes where there is no body to be", "it is of the connection (RFC 9112, 6)", none, framing},
		{"HTTP/2", both, "where one side speaks it: names of fields are in lower case or as Go writes them, their order is that of fields with one name alone, there is no reason, a `Cookie` may be several, `Content-Length` and `Trailer` may come or go", "HTTP/2 has no order, case or reason to keep (RFC 9113, 8)", none, levelled},
	}
}

func (m *message) remove(names ...string) {
	m.fields = slices.DeleteFunc(m.fields, func(f field) bool {
		return slices.ContainsFunc(names, f.is)
	})
}

// set gives the first field of that name a value, and adds it behind the others
// where there is none.
func (m *message) set(name, value string) {
	found := false
	m.fields = slices.DeleteFunc(m.fields, func(f field) bool {
		again := f.is(name) && found
		found = found || f.is(name)
		return again
	})
	for i, f := range m.fields {
		if f.is(name) {
			m.fields[i].raw = " " + value
			return
		}
	}
	m.fields = append(m.fields, field{name, " " + value, true})
}

func (o *outcome) all() []*message {
	return append([]*message{o.request, o.response}, o.early...)
}

func whiteSpace(p *passage) {
	for _, m := range p.want.all() {
		for _, list := range [][]field{m.fields, m.trailers} {
			for i, f := range list {
				list[i].raw = " " + f.value()
			}
		}
		if m.status() > 0 && strings.Count(m.line, " ") < 2 {
			m.line += " "
		}
	}
}

func version(p *passage) {
	q, a := p.want.request, p.want.response
	if rest, ok := strings.CutSuffix(q.line, "HTTP/1.0"); ok {
		q.line = rest + "HTTP/1.1"
	}
	if rest, ok := strings.CutPrefix(a.line, "HTTP/1.0"); ok {
		a.line = "HTTP/1.1" + rest
	}
}

// authority: the tunnel says which it is.
func authority(p *passage) {
	q := p.want.request
	host := p.x.authority
	method, rest, _ := strings.Cut(q.line, " ")
	if rest, ok := strings.CutPrefix(rest, "https://"+host); ok {
		q.line = method + " " + rest
	}
	q.set("Host", host)
}

func cookieLines(p *passage) {
	if lines := p.want.request.get("Cookie"); len(lines) > 0 {
		p.want.request.set("Cookie", strings.Join(lines, "; "))
	}
}

func hopByHop(p *passage) {
	for _, m := range p.want.all() {
		trailers := m.has("TE", "trailers") && m == p.want.request
		var te field
		names := []string{"Connection", "Keep-Alive", "Upgrade", "HTTP2-Settings"}
		for _, v := range m.get("Connection") {
			for name := range strings.SplitSeq(v, ",") {
				names = append(names, strings.TrimSpace(name))
			}
		}
		m.remove(names...)
		m.fields = slices.DeleteFunc(m.fields, func(f field) bool { return strings.HasPrefix(strings.ToLower(f.name), "proxy-") })
		_ = te
		if trailers {
			m.set("TE", "trailers")
		} else {
			m.remove("TE")
		}
	}
}

// lateTrailers would change what was decided before the body came.
func lateTrailers(p *passage) {
	for _, m := range p.want.all() {
		m.trailers = slices.DeleteFunc(m.trailers, func(f field) bool { return f.is("Authorization") })
	}
}

// unannounced: net/http takes no others from clients over HTTP/2.
func unannounced(p *passage) {
	if m := p.want.request; p.x.pair.client == "HTTP/2" {
		m.trailers = slices.DeleteFunc(m.trailers, func(f field) bool { return !m.has("Trailer", f.name) })
	}
}

// hundred: we send it when we read the body, the origin's is for us.
func hundred(p *passage) {
	is := func(m *message) bool { return m.status() == 100 || m.line == "100" }
	p.want.early = slices.DeleteFunc(p.want.early, is)
	asked := p.x.expects || p.x.pair.client == "HTTP/2" && p.x.request.framing != "none" && len(p.want.early) > 0
	for i, m := range p.got.early {
		if is(m) && asked && i == 0 {
			p.want.early = slices.Insert(p.want.early, 0, &message{line: "HTTP/1.1 100 Continue", fields: nil})
		}
	}
}

func acceptedCodings(p *passage) {
	m := p.want.request
	if p.x.reached() {
		m.set("Accept-Encoding", "identity")
		m.remove("Grpc-Accept-Encoding")
		return
	}
	if lines := m.get("Accept-Encoding"); p.x.searched() && len(lines) > 0 {
		var kept []string
		for item := range strings.SplitSeq(lines[0], ",") {
			if name, _, _ := strings.Cut(item, ";"); slices.Contains([]string{"gzip", "deflate", "br", "zstd", "identity"}, strings.TrimSpace(name)) {
				kept = append(kept, strings.TrimSpace(item))
			}
		}
		if kept == nil {
			kept = []string{"identity"}
		}
		m.set("Accept-Encoding", strings.Join(kept, ", "))
	}
}

func ranges(p *passage) {
	if p.x.reached() {
		p.want.request.remove("Range", "If-Range")
		p.want.response.remove("Accept-Ranges")
	}
}

func strongTags(p *passage) {
	if !p.x.reached() {
		return
	}
	for i, f := range p.want.request.fields {
		if f.is("If-Match") {
			p.want.request.fields[i].raw = strings.ReplaceAll(f.raw, `W/"`, `"`)
		}
	}
}

func extensions(p *passage) { p.want.request.remove("Sec-WebSocket-Extensions") }

func noAltSvc(p *passage) {
	for _, m := range append(p.want.early, p.want.response) {
		m.remove("Alt-Svc")
	}
}

func noDigests(p *passage) {
	if p.x.searched() {
		for _, m := range append(p.want.early, p.want.response) {
			m.remove("Digest", "Content-MD5", "Content-Digest", "Repr-Digest")
		}
	}
}

func decoded(p *passage) {
	m := p.want.response
	coding := strings.Join(m.get("Content-Encoding"), ", ")
	if !p.x.searched() || coding == "" || coding == "identity" {
		return
	}
	m.remove("Content-Encoding")
	if m.framing != "none" || !slices.Equal(m.get("Content-Length"), []string{"0"}) {
		m.remove("Content-Length")
	}
	if m.framing == "sized" {
		m.framing = "chunked"
	}
	if !p.x.bodiless() {
		m.body = p.x.plain
	}
	weaken(m)
}

func weaken(m *message) {
	if tags := m.get("Etag"); len(tags) > 0 && !strings.HasPrefix(tags[0], "W/") {
		m.set("Etag", "W/"+tags[0])
	}
}

func redact(s string) string { return strings.ReplaceAll(s, secret, marker) }

func echoes(p *passage) {
	for _, m := range append(p.want.early, p.want.response) {
		m.line = redact(m.line)
		for _, list := range [][]field{m.fields, m.trailers} {
			for i, f := range list {
				list[i].raw = redact(f.raw)
			}
		}
	}
	m := p.want.response
	if m.cut { // what comes of it is chance, and half a value is none
		m.body = m.body[:min(len(m.body), len(p.got.response.body))]
	}
	if body := redact(string(m.body)); body != string(m.body) {
		m.body = []byte(body)
	}
}

// weakTags: the body may be another one than the tag was made for.
func weakTags(p *passage) {
	if got := p.got.response.get("Etag"); p.x.searched() && len(got) > 0 && strings.HasPrefix(got[0], "W/") {
		weaken(p.want.response)
	}
}

// ours are fields of ours; the origin's by the same names are not passed on.
func ours(p *passage) {
	m := p.want.response
	if id := p.got.response.get("AgentSecrets-Exchange"); len(id) == 1 && len(id[0]) == 26 {
		m.set("Agentsecrets-Exchange", id[0])
	}
	if n := p.got.response.get("AgentSecrets-Redacted"); len(n) == 1 && strings.Contains(fmt.Sprint(m.fields), marker) {
		m.set("Agentsecrets-Redacted", n[0])
	} else {
		m.remove("AgentSecrets-Redacted")
	}
}

// connection says how ours to the client goes on.
func connection(p *passage) {
	asked := p.x.request.has("Connection", "close") || p.x.ungiving && len(p.got.early) == 0 || // it may still send the body
		p.x.ungiving && len(p.x.request.body) > 256<<10 && p.got.response.has("Connection", "close") // how much it sent so far is chance
	switch m := p.want.response; {
	case asked, p.x.old() && !p.x.request.has("Connection", "keep-alive"), m.framing != "none" && m.framing != "sized" && p.x.old():
		m.set("Connection", "close")
	case p.x.old():
		m.set("Connection", "keep-alive")
	}
}

// levelled: net/http, which speaks HTTP/2 for us, knows no order of fields.
func levelled(p *passage) {
	if p.x.mixed() {
		for _, m := range p.want.all() {
			m.level()
		}
	}
}

// framing: lengths stay, everything else is chunks where the other side knows them.
func framing(p *passage) {
	for _, m := range []*message{p.want.request, p.want.response} {
		for i, f := range m.fields {
			if f.is("Content-Length") && len(f.value()) > 1 {
				m.fields[i].raw = " " + strings.TrimLeft(f.value()[:len(f.value())-1], "0") + f.value()[len(f.value())-1:]
			}
		}
		m.remove("Transfer-Encoding")
	}
	m := p.want.response
	if m.framing == "to close" || m.framing == "chunked" {
		m.framing = "chunked"
		if p.x.old() {
			m.framing = "to close"
		}
	}
	if m.status() == 204 {
		m.remove("Content-Length")
	}
	for _, m := range []*message{p.want.request, p.want.response} {
		if m.framing == "chunked" {
			m.set("Transfer-Encoding", "chunked")
		}
		if i := slices.IndexFunc(m.fields, func(f field) bool { return f.added }); i >= 0 {
			slices.SortFunc(m.fields[i:], func(a, b field) int { return strings.Compare(a.name, b.name) })
		}
	}
}
