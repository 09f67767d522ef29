package mitm_test

import (
	"bufio"
	"crypto/x509"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// Every version of HTTP on one side meets every one on the other, byte by byte:
// what a client is told is what the origin said, as far as its version can say it,
// and nothing else.

// version of HTTP that a side speaks: 10, 11 or 20.
type httpVersion int

const (
	http10 httpVersion = 10
	http11 httpVersion = 11
	http20 httpVersion = 20
)

// question is a request. Names of fields are in lower case; lines are "name: value".
type question struct {
	method   string
	fields   []string
	body     string
	sized    bool // with a Content-Length
	waits    bool // sends its body once it is told to, or cannot wait
	trailers []string
	announce bool
}

// reply is a response.
type reply struct {
	early    []string // "103 name: value"
	status   int
	fields   []string
	body     string
	sized    bool
	length   string // a Content-Length where there is no body
	trailers []string
	announce bool
	cut      bool // it breaks off in its body
}

// pair is one exchange.
type pair struct {
	name    string
	ask     question
	reply   reply
	expects string // what the origin does before the body: "100", "103 100", "nothing", "final"
}

var pairs = []pair{
	{name: "sized", ask: question{method: "GET"}, reply: reply{status: 200, fields: []string{"x-a: 1", "x-a: 2"}, body: "hello", sized: true}},
	{name: "unsized", ask: question{method: "GET", fields: []string{"x-b: 1"}}, reply: reply{status: 200, body: "hello"}},
	{name: "empty", ask: question{method: "GET"}, reply: reply{status: 200, sized: true}},
	{name: "large", ask: question{method: "GET"}, reply: reply{status: 200, body: strings.Repeat("0123456789\n", 3000)}},
	{name: "HEAD", ask: question{method: "HEAD"}, reply: reply{status: 200, length: "1234"}},
	{name: "HEAD, no length", ask: question{method: "HEAD"}, reply: reply{status: 200}},
	{name: "HEAD, trailers announced", ask: question{method: "HEAD"}, reply: reply{status: 200, length: "1234", trailers: []string{"x-sum: 7"}, announce: true}},
	{name: "204", ask: question{method: "DELETE"}, reply: reply{status: 204}},
	{name: "304", ask: question{method: "GET"}, reply: reply{status: 304, fields: []string{`etag: "v1"`}, length: "1234"}},
	{name: "304, no length", ask: question{method: "GET"}, reply: reply{status: 304, fields: []string{`etag: "v1"`}}},
	{name: "POST", ask: question{method: "POST", body: "question", sized: true}, reply: reply{status: 201, body: "answer", sized: true}},
	{name: "POST, unsized", ask: question{method: "POST", body: "question"}, reply: reply{status: 200, body: "answer"}},
	{name: "103", ask: question{method: "GET"}, reply: reply{early: []string{"103 link: </a>", "103 link: </b>"}, status: 200, body: "hello", sized: true}},
	{name: "102", ask: question{method: "POST", body: "question", sized: true}, reply: reply{early: []string{"102 "}, status: 200, body: "hello", sized: true}},
	{name: "103 before 204", ask: question{method: "GET"}, reply: reply{early: []string{"103 link: </a>"}, status: 204}},
	{name: "as many 103 as may be", ask: question{method: "GET"}, reply: reply{early: slices.Repeat([]string{"103 link: </a>"}, 10), status: 200, body: "hello", sized: true}},
	{name: "too many 103", ask: question{method: "GET"}, reply: reply{early: slices.Repeat([]string{"103 link: </a>"}, 11), status: 200, body: "hello", sized: true}},
	{name: "100 in time", ask: question{method: "PUT", body: "question", sized: true, waits: true}, reply: reply{status: 200, body: "answer", sized: true}, expects: "100"},
	{name: "100 behind 103", ask: question{method: "PUT", body: "question", sized: true, waits: true}, reply: reply{status: 200, body: "answer", sized: true}, expects: "103 100"},
	{name: "100 never", ask: question{method: "PUT", body: "question", sized: true, waits: true}, reply: reply{status: 200, body: "answer", sized: true}, expects: "nothing"},
	{name: "417 instead", ask: question{method: "PUT", body: "question", sized: true, waits: true}, reply: reply{status: 417, body: "no", sized: true}, expects: "final"},
	{name: "413 instead, unsized", ask: question{method: "POST", body: "question", waits: true}, reply: reply{status: 413, body: "no", sized: true}, expects: "final"},
	{name: "trailers", ask: question{method: "GET"}, reply: reply{status: 200, body: "hello", trailers: []string{"x-late: 8", "x-sum: 7"}}},
	{name: "trailers announced", ask: question{method: "GET"}, reply: reply{status: 200, body: "hello", trailers: []string{"x-sum: 7"}, announce: true}},
	{name: "trailers, and a length", ask: question{method: "GET"}, reply: reply{status: 200, body: "hello", sized: true, trailers: []string{"x-sum: 7"}, announce: true}},
	{name: "trailers that are none", ask: question{method: "GET"}, reply: reply{status: 200, body: "hello", trailers: []string{"set-cookie: a=b", "x-sum: 7"}}},
	{name: "trailers of a request", ask: question{method: "POST", body: "question", trailers: []string{"x-sum: 7"}, announce: true}, reply: reply{status: 200, body: "answer", sized: true}},
	{name: "trailers of a request, not announced", ask: question{method: "POST", body: "question", trailers: []string{"x-sum: 7"}}, reply: reply{status: 200, body: "answer", sized: true}},
	{name: "cut, sized", ask: question{method: "GET"}, reply: reply{status: 200, body: "hello", sized: true, cut: true}},
	{name: "cut, unsized", ask: question{method: "GET"}, reply: reply{status: 200, body: "hello", cut: true}},
}

func (p *pair) bodiless() bool {
	return p.ask.method == "HEAD" || p.reply.status == 204 || p.reply.status == 304
}

// told is the reply as a client of a version is to see it.
func (p *pair) told(client, origin httpVersion) string {
	r, early := p.reply, []string{}
	switch {
	case p.expects == "100" || p.expects == "nothing" || p.expects == "103 100":
		if p.expects == "103 100" && origin != http10 {
			early = append(early, "103 x-early: 1")
		}
		early = append(early, "100 ")
	case origin != http10:
		early = append(early, r.early...)
	}
	if client == http10 {
		early = nil
	}
	if len(r.early) > 10 && origin != http10 {
		return strings.Join(append(early[:min(10, len(early))], "502"), "\n")
	}
	if r.cut && !(origin == http10 && !r.sized) {
		return "broken off"
	}
	fields := slices.Clone(r.fields)
	trails := len(r.trailers) > 0 && !p.bodiless() && (origin == http20 || origin == http11 && !r.sized)
	trailers := r.trailers
	if client != http20 || origin != http20 { // net/http leaves it to the two of them
		trailers = slices.DeleteFunc(slices.Clone(trailers), func(line string) bool { return strings.HasPrefix(line, "set-cookie") })
	}
	if client == http10 || !trails {
		trailers = nil
	}
	end := map[httpVersion]string{http10: "close", http11: "chunks", http20: "stream"}[client]
	switch {
	case p.bodiless():
		if end = "nothing"; r.length != "" {
			fields = append(fields, "content-length: "+r.length)
		}
	case r.sized && !(client == http11 && len(trailers) > 0):
		end = "length"
		fields = append(fields, fmt.Sprintf("content-length: %d", len(r.body)))
	}
	if r.announce && len(trailers) > 0 {
		fields = append(fields, "trailer: x-sum")
	}
	body := r.body
	if r.cut { // and the client cannot know
		body = body[:len(body)-1]
	}
	return seenAsText(append(early, fmt.Sprint(r.status)), fields, body, trailers, end)
}

// sent is the question as an origin of a version is to see it.
func (p *pair) sent(client, origin httpVersion) string {
	a := p.ask
	fields := slices.Clone(a.fields)
	end := "nothing"
	var trailers []string
	switch {
	case a.body == "":
	case a.sized || client == http10:
		end = "length"
		fields = append(fields, fmt.Sprintf("content-length: %d", len(a.body)))
	case origin == http20:
		end = "stream"
	default:
		end = "chunks"
	}
	if client == http11 || client == http20 && a.announce { // net/http's server drops others
		trailers = a.trailers
	}
	if a.announce && len(trailers) > 0 {
		fields = append(fields, "trailer: x-sum")
	}
	if a.waits && client == http11 { // HTTP/1.0 knows none, and of HTTP/2 our server keeps it to itself
		fields = append(fields, "expect: 100-continue")
	}
	body := a.body
	if p.expects == "final" {
		body, end = "", "never"
	}
	return seenAsText([]string{a.method}, fields, body, trailers, end)
}

func seenAsText(lines, fields []string, body string, trailers []string, end string) string {
	fields, trailers = slices.Sorted(slices.Values(fields)), slices.Sorted(slices.Values(trailers))
	if len(body) > 100 {
		body = fmt.Sprintf("%d bytes, the last %q", len(body), body[len(body)-10:])
	}
	return fmt.Sprintf("%s %q\nbody %q until %s\ntrailers %q", strings.Join(lines, "\n"), fields, body, end, trailers)
}

func TestProtocolPairs(t *testing.T) {
	eachPair(t, func(t *testing.T, l *lab.Lab, o *pairOrigin, client httpVersion) {
		for i := range pairs {
			t.Run(pairs[i].name, func(t *testing.T) {
				told, sent := pairs[i].exchange(t, l, o, client)
				pairs[i].compare(t, told, sent, client, o.version, false)
			})
		}
	})
}

// Where a value is out, all is searched, and nothing else is another.
func TestProtocolPairsSearched(t *testing.T) {
	eachPair(t, func(t *testing.T, l *lab.Lab, o *pairOrigin, client httpVersion) {
		release := pair{ask: question{method: "GET", fields: []string{"x-key: AS_SECRET_KEY"}}}
		if _, sent := release.exchange(t, l, o, client); !strings.Contains(sent, value) {
			t.Fatalf("the origin was sent %s", sent)
		}
		for i := range pairs {
			p := &pairs[i]
			if p.expects == "nothing" || p.expects != "" && o.version == http10 {
				continue // a second each
			}
			t.Run(p.name, func(t *testing.T) {
				told, sent := p.exchange(t, l, o, client)
				p.compare(t, told, sent, client, o.version, true)
			})
		}
	})
}

func eachPair(t *testing.T, f func(t *testing.T, l *lab.Lab, o *pairOrigin, client httpVersion)) {
	for _, origin := range []httpVersion{http10, http11, http20} {
		o := newPairOrigin(t, origin)
		for _, client := range []httpVersion{http10, http11, http20} {
			t.Run(fmt.Sprintf("client %d, origin %d", client, origin), func(t *testing.T) {
				f(t, o.lab(t), o, client)
			})
		}
	}
}

// lab has a proxy that trusts o.
func (o *pairOrigin) lab(t *testing.T) *lab.Lab {
	return lab.New(t, lab.Config{
		Secrets: secrets, Change: func(c *mitm.Config) {
			c.Roots = func(string) *x509.CertPool { return o.roots }
			c.Allow = func(mitm.Scope, mitm.Use) error { return nil }
		},
	})
}

// exchange is what the client was told, and the origin sent.
func (p *pair) exchange(t *testing.T, l *lab.Lab, o *pairOrigin, client httpVersion) (told, sent string) {
	for len(o.seen) > 0 {
		<-o.seen // of an exchange that failed
	}
	told = newPairClient(t, l, o.authority, client).ask(p)
	select {
	case sent = <-o.seen:
	case <-time.After(5 * time.Second): // it has told before it answers
		t.Error("the origin was sent nothing")
	}
	return told, sent
}

func (p *pair) compare(t *testing.T, told, sent string, client, origin httpVersion, searched bool) {
	want := p.told(client, origin)
	if client == http20 { // which may be asked for its body at any time; it has waited for that
		told, want = strings.ReplaceAll(told, "100 \n", ""), strings.ReplaceAll(want, "100 \n", "")
	}
	if searched { // the tag promises no bytes
		want = strings.Replace(want, `etag: \"v1`, `etag: W/\"v1`, 1)
	}
	if told != want && !(strings.HasSuffix(want, "502") && strings.HasPrefix(told, want+" ")) {
		t.Errorf("the client was told\n%s\nand not\n%s", told, want)
	}
	if want := p.sent(client, origin); sent != want {
		t.Errorf("the origin was sent\n%s\nand not\n%s", sent, want)
	}
}

// A client of HTTP/1.0 keeps its connection where it asks for that, and where the
// end of the response can be told without its end.
func TestHTTP10KeepsItsConnection(t *testing.T) {
	o := newPairOrigin(t, http11)
	l := o.lab(t)
	conn := l.TLS(o.authority, "http/1.1")
	br := bufio.NewReader(conn)
	for _, c := range []struct{ name, hop, body string }{
		{"sized", "keep-alive", "hello"}, {"304", "keep-alive", ""}, {"unsized", "close", "hello"},
	} {
		i := slices.IndexFunc(pairs, func(p pair) bool { return p.name == c.name })
		fmt.Fprintf(conn, "GET /%d HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", i)
		if _, err := br.ReadString('\n'); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		h, err := readFields(br)
		if err != nil {
			t.Fatal(err)
		}
		if c.name != "304" {
			err = h.readBody(br, true)
		}
		if err != nil || h.body != c.body || h.hop != c.hop || h.chunked {
			t.Errorf("%s: %+v, %v", c.name, h, err)
		}
		<-o.seen
	}
	if rest, err := io.ReadAll(br); len(rest) > 0 || err != nil {
		t.Errorf("then %q, %v", rest, err)
	}
}
