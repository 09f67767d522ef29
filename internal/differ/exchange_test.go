package differ

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// What an exchange sends. Where it goes to: a plain host is one that no value may
// go to, asked through a proxy that never sent one anywhere; another host, one
// that no value may go to either, where a value has gone elsewhere; a reached
// host, one that values may go to and have gone to.
const (
	placeholder = "AS_SECRET_DIFFER_KEY"
	secret      = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
	marker      = "[REDACTED_BY_AGENTSECRETS]******" // as long as the value
)

// exchange is one request and what the origin answers, both as HTTP/1 writes
// them. Placeholders stand where the client has the value when it goes straight.
type exchange struct {
	authority string
	id        int
	pair      pair
	kind      string // "plain", "other" or "reached"
	clear     bool   // http, so without a tunnel: the client asks the proxy for a URL

	request  message
	sizes    []int  // of the request's chunks
	ext      string // behind their sizes
	expects  bool   // the client waits for 100
	answer   message
	early    []message
	ansSizes []int
	ansExt   string
	ungiving bool   // the origin answers without reading the body that the client would send
	slow     bool   // the origin takes its time
	plain    []byte // the answer's body without its content coding
}

// pair is how the two sides speak.
type pair struct{ client, origin string }

func (x *exchange) String() string {
	return fmt.Sprintf("exchange %d (%s to %s, %s)", x.id, x.pair.client, x.pair.origin, x.kind)
}

// mixed reports whether HTTP/2 is spoken on a side.
func (x *exchange) mixed() bool { return x.pair != pair{"HTTP/1", "HTTP/1"} }

func (x *exchange) reached() bool { return x.kind == "reached" }

// searched reports whether echoes are looked for.
func (x *exchange) searched() bool { return x.kind != "plain" }

func (x *exchange) method() string {
	method, _, _ := strings.Cut(x.request.line, " ")
	return method
}

// bodiless reports whether the answer is one that has no body.
func (x *exchange) bodiless() bool {
	status := x.answer.status()
	return x.method() == "HEAD" || status == 204 || status == 304
}

// old reports whether the client speaks HTTP/1.0.
func (x *exchange) old() bool { return strings.HasSuffix(x.request.line, "HTTP/1.0") }

// sent is the request as the client writes it, with the placeholder or, where it
// goes straight, with what that stands for.
func (x *exchange) sent(direct bool) *message {
	m := x.request.clone()
	if x.clear && !direct {
		method, target, _ := strings.Cut(m.line, " ")
		m.line = method + " http://" + x.authority + target
	}
	if !direct {
		return m
	}
	put := func(s string) string { return strings.ReplaceAll(s, placeholder, secret) }
	m.line = put(m.line)
	for i, f := range m.fields {
		m.fields[i].raw = put(f.raw)
	}
	if len(m.body) < 1<<20 {
		m.body = []byte(put(string(m.body)))
	}
	m.announce()
	return m
}

// announce makes Content-Length true where the body is as long as it says.
func (m *message) announce() {
	for i, f := range m.fields {
		if f.is("Content-Length") && m.framing == "sized" {
			digits := strings.TrimLeft(f.raw, " ")
			zeros := "00"[:len(digits)-len(strings.TrimPrefix(digits, "00"))] // a length may begin with some
			m.fields[i].raw = f.raw[:len(f.raw)-len(digits)] + zeros + fmt.Sprint(len(m.body))
		}
	}
}

// session is what one client does on one connection, as far as it stays open.
type session struct {
	exchanges []*exchange
	pipelined bool // all requests in one write
	half      bool // the client ends its side behind the last request
	clear     bool // all of them are
}

// dice are the choices of a generator.
type dice struct{ *rand.Rand }

func (d dice) one(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d dice, from ...T) T { return from[d.IntN(len(from))] }

// spelled is name in one of the cases in which clients and servers write it.
func (d dice) spelled(name string) string {
	switch d.IntN(5) {
	case 0:
		return strings.ToLower(name)
	case 1:
		return strings.ToUpper(name)
	}
	return name
}

// around is a value with the white space that may stand around it.
func (d dice) around(value string) string {
	return pick(d, " ", " ", " ", " ", "", "  ", "\t", " \t ") + value + pick(d, "", "", "", " ", "\t", "  ")
}

func (d dice) field(name, value string) field {
	return field{name: d.spelled(name), raw: d.around(value)}
}

func (d dice) letters(n int) string {
	const from = "abcdefghijklmnopqrstuvwxyz0123456789 ;=-_."
	if n > 1<<20 { // quickly
		return strings.Repeat(d.letters(1<<16)+"x", n>>16)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = from[d.IntN(len(from))]
	}
	return strings.Trim(string(b), " ")
}

// content is a body: of text, or of any bytes.
func (d dice) content(n int) []byte {
	const text = "abcdefghijklmnop \n{}\"':,<>&%0123456789"
	b := make([]byte, n)
	if n < 1<<20 && d.one(2) {
		for i := range b {
			b[i] = text[d.IntN(len(text))]
		}
		return b
	}
	some := b[:min(n, 1<<16)]
	for i := range some {
		some[i] = byte(d.Uint32())
	}
	for i := len(some); i < n; i += len(some) { // quickly, and different from block to block
		copy(b[i:], some)
		b[i] = byte(d.Uint32())
	}
	return b
}

func (d dice) size() int {
	switch d.IntN(10) {
	case 0:
		return 0
	case 1, 2, 3, 4:
		return d.IntN(200)
	case 5, 6, 7:
		return d.IntN(5000)
	case 8:
		return d.IntN(40 << 10)
	}
	return d.IntN(200 << 10)
}

func (d dice) sizes() []int {
	return pick(d, []int{1 << 20}, []int{1, 2, 3, 700}, []int{4096}, []int{1 + d.IntN(9000)}, []int{32 << 10, 1})
}
