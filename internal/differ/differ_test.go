package differ

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "of the generated exchanges; 0: a new one")
	exchanges = flag.Int("exchanges", 300, "how many there are")
	bigFlag   = flag.Int("big", 4, "how many of their bodies have 1 to 64 MiB")
)

// stage is an origin, and the two ways to it.
type stage struct {
	direct road
	ways   map[string]*road // through us, by kind of host
	origin *origin
}

func newStage(t *testing.T) *stage {
	t.Helper()
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM())
	s := &stage{origin: startOrigin(t, authority.Leaf)}
	port := s.origin.port()
	cfg := lab.Config{
		Secrets: map[string]string{"DIFFER_KEY": secret},
		Allow:   []string{fmt.Sprintf("reached.h1.test:%d", port), fmt.Sprintf("reached.h2.test:%d", port)},
		Change:  func(c *mitm.Config) { c.Roots = func(string) *x509.CertPool { return roots } },
	}
	dial := func(raw func(authority string) (net.Conn, error), roots *x509.CertPool) func(string, ...string) (*tls.Conn, error) {
		return func(authority string, protocols ...string) (*tls.Conn, error) {
			c, err := raw(authority)
			if err != nil {
				return nil, err
			}
			host, _, _ := strings.Cut(authority, ":")
			conn := tls.Client(c, &tls.Config{RootCAs: roots, ServerName: host, NextProtos: protocols})
			return conn, conn.Handshake()
		}
	}
	s.direct = road{true, "", dial(func(string) (net.Conn, error) { return net.Dial("tcp", s.origin.listener.Addr().String()) }, roots), s.origin}
	through := func() *road {
		l := lab.New(t, cfg)
		return &road{false, l.Run.URL(l.Addr), dial(func(a string) (net.Conn, error) { return tunnel(l.Run.URL(l.Addr), a) }, l.Roots), s.origin}
	}
	some := through()
	s.ways = map[string]*road{"plain": through(), "other": some, "reached": some}
	for _, proto := range []string{"h1", "h2"} {
		s.give(t, fmt.Sprintf("reached.%s.test:%d", proto, port))
	}
	return s
}

// give has the value go to a host, so that echoes are looked for from then on.
func (s *stage) give(t *testing.T, authority string) {
	t.Helper()
	c, err := s.ways["reached"].dial(authority, "http/1.1")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nAuthorization: Bearer %s\r\n\r\n", authority, placeholder)
	if b := make([]byte, 12); func() bool { _, err := c.Read(b); return err != nil || string(b) != "HTTP/1.1 200" }() {
		t.Fatalf("the value did not go to %s: %q", authority, b)
	}
}

// Exchanges through us are what they are straight, but for the changes.
func TestExchangesAreTheSame(t *testing.T) {
	seed, big := *seedFlag, *bigFlag
	if seed == 0 {
		seed = rand.Uint64N(1 << 32)
	}
	if testing.Short() {
		big = min(big, 1)
	}
	t.Logf("to see it again: go test ./internal/differ -run Same -seed %d -exchanges %d -big %d", seed, *exchanges, big)
	fmt.Fprintf(os.Stderr, "differ: seed %d\n", seed) // also where all is well
	playAll(t, seed, *exchanges, big)
}

// metSeed makes exchanges that meet all changes, each more than twice.
const metSeed = 4

// Each change happens: one that does not would hide a difference.
func TestEveryChangeIsMet(t *testing.T) {
	met := playAll(t, metSeed, 300, 0)
	for _, c := range changes() {
		if met[c.name] == 0 {
			t.Errorf("nothing of it is met: %s", c.name)
		}
	}
}

// What generated exchanges seldom meet.
func TestRareExchanges(t *testing.T) {
	s := newStage(t)
	length := []field{{name: "Content-Length", raw: " 1"}}
	for name, c := range map[string]struct {
		pair   pair
		slow   bool // and the client ends its side behind the request: it still gets the answer
		answer message
	}{
		"half closed": {pair{"HTTP/1", "HTTP/1"}, true, message{line: "HTTP/1.1 200 OK", framing: "sized", body: []byte("x"), fields: length}},
		"cut early":   {pair{"HTTP/1", "HTTP/1"}, false, message{line: "HTTP/1.1 200 OK", framing: "sized", body: []byte("x"), fields: length, cut: true}},
		"cut, HTTP/2": {pair{"HTTP/2", "HTTP/1"}, false, message{line: "HTTP/1.1 200 OK", framing: "sized", body: []byte("x"), fields: length, cut: true}},
		"304":         {pair{"HTTP/1", "HTTP/2"}, false, message{line: "HTTP/1.1 304 Same", framing: "sized", body: []byte("x"), fields: length}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []string{"plain", "reached"} {
				x := &exchange{id: 1, pair: c.pair, kind: kind, slow: c.slow, sizes: []int{9}, ansSizes: []int{9}, answer: c.answer}
				x.authority = x.host(s.origin.port())
				x.request = message{line: "GET / HTTP/1.1", framing: "none", fields: []field{{name: "Host", raw: " " + x.authority}, {name: "X-Exchange", raw: " 1"}}}
				s.compare(t, &session{exchanges: []*exchange{x}, half: c.slow}, map[string]int{})
			}
		})
	}
}

// playAll tells how often each change was met.
func playAll(t *testing.T, seed uint64, exchanges, big int) map[string]int {
	s, met := newStage(t), map[string]int{}
	g := newGenerator(seed, s.origin, big)
	for g.next < exchanges && !t.Failed() {
		s.compare(t, g.session(), met)
	}
	t.Logf("met: %v", met)
	return met
}

// docs/protocols.md has the changes in the words of the list, and no others.
func TestChangesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/protocols.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## What we change\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var want strings.Builder
	want.WriteString("| change | in | what | why |\n|---|---|---|---|\n")
	for _, c := range changes() {
		why := c.why
		if c.alters != none {
			why += " (" + string(c.alters) + ")"
		}
		fmt.Fprintf(&want, "| %s | %s | %s | %s |\n", c.name, c.of, c.what, why)
	}
	if _, got, _ := strings.Cut(section, "\n| "); !strings.HasPrefix("| "+got, want.String()) || strings.Count(section, "\n|") != len(changes())+2 {
		t.Errorf("its table of changes has to be\n%s", want.String())
	}
}

func (s *stage) compare(t *testing.T, session *session, met map[string]int) {
	t.Helper()
	through := s.ways[session.exchanges[0].kind]
	start := time.Now()
	straight := s.direct.play(session)
	half := time.Now()
	past := through.play(session)
	if took := time.Since(start); took > time.Second {
		t.Logf("%v: %v and %v", session.exchanges[0], half.Sub(start), time.Since(half))
	}
	for i, x := range session.exchanges {
		if met["of "+x.kind]++; x.clear {
			met["without TLS"]++
		}
		if straight[i].err != nil {
			for _, x := range session.exchanges[:i+1] {
				t.Logf("%v:\n%s\n%s", x, x.request.head(), x.answer.head())
			}
			t.Fatalf("%v does not work straight: %v", x, straight[i].err)
		}
		if err := past[i].err; err != nil {
			t.Errorf("%v, pipelined %v, half %v: %v\nThe client sends\n%.1500s\nand the origin %.1500s\n%s, cut %v", x, session.pipelined, session.half, err, x.request.head(), x.answer.head(), x.answer.framing, x.answer.cut)
			return
		}
		if faults := judge(x, straight[i], past[i], met); len(faults) > 0 {
			t.Errorf("%v, pipelined %v, half %v:\n%s", x, session.pipelined, session.half, strings.Join(faults, "\n"))
		}
	}
}

// judge applies the changes to what happened straight, and compares.
func judge(x *exchange, straight, past *outcome, met map[string]int) (faults []string) {
	p := &passage{x: x, got: past, want: straight.clone()}
	if x.mixed() {
		for _, m := range past.all() {
			m.level()
		}
	}
	for _, c := range changes() {
		before := p.want.clone()
		c.apply(p)
		if p.want.text() != before.text() {
			met[c.name]++
		}
		if c.alters == none {
			if what := altered(before, p.want); what != "" {
				faults = append(faults, fmt.Sprintf("the change %q alters %s", c.name, what))
			}
		}
		if before.response.status() != p.want.response.status() && !x.mixed() {
			faults = append(faults, fmt.Sprintf("the change %q alters the status", c.name))
		}
	}
	faults = append(faults, differences("the origin gets", p.want.request, past.request)...)
	if len(p.want.early) != len(past.early) {
		faults = append(faults, fmt.Sprintf("%d informational responses, where straight there are %d", len(past.early), len(p.want.early)))
	} else {
		for i, m := range p.want.early {
			faults = append(faults, differences("early, the client gets", m, past.early[i])...)
		}
	}
	return append(faults, differences("the client gets", p.want.response, past.response)...)
}

func (o *outcome) clone() *outcome {
	c := &outcome{request: o.request.clone(), response: o.response.clone()}
	for _, m := range o.early {
		c.early = append(c.early, m.clone())
	}
	return c
}

// altered tells which part is another one of what no change may touch without an
// excuse: "" for none.
func altered(before, after *outcome) string {
	for i, m := range []*message{before.request, before.response} {
		n := []*message{after.request, after.response}[i]
		if !bytes.Equal(m.body, n.body) {
			return "a body"
		}
		kept, left := endToEnd(m), endToEnd(n)
		for name, values := range kept {
			if got := left[name]; strings.Join(got, "; ") != strings.Join(values, "; ") {
				return fmt.Sprintf("%s: %.100q to %.100q", name, values, got)
			}
		}
	}
	return ""
}

// endToEnd are the values of the fields that do not end at a connection, by their
// names in lower case.
func endToEnd(m *message) map[string][]string {
	all := map[string][]string{}
	for _, f := range m.fields {
		name := strings.ToLower(f.name)
		switch name {
		case "host", "connection", "keep-alive", "upgrade", "http2-settings", "te", "trailer", "transfer-encoding", "content-length", "x-hop":
			continue // of the route, the connection or the framing; the last is named by Connection
		}
		if !strings.HasPrefix(name, "proxy-") && !strings.HasPrefix(name, "agentsecrets-") {
			all[name] = append(all[name], f.value())
		}
	}
	return all
}

func (o *outcome) text() string {
	var b strings.Builder
	for _, m := range o.all() {
		b.WriteString(m.text())
	}
	return b.String()
}

// text is a message without its body, but for its size.
func (m *message) text() string {
	var b strings.Builder
	b.WriteString(m.head())
	fmt.Fprintf(&b, "%s, cut %v\n", m.framing, m.cut)
	for _, f := range m.trailers {
		b.WriteString(f.name + ":" + f.raw + "\r\n")
	}
	return b.String()
}

// lines tells in which lines two texts differ, and of their order where it is that.
func lines(got, want string) string {
	g, w := strings.SplitAfter(got, "\n"), strings.SplitAfter(want, "\n")
	var b strings.Builder
	missing := slices.Clone(w)
	for _, l := range g {
		if i := slices.Index(missing, l); i >= 0 {
			missing = slices.Delete(missing, i, i+1)
		} else {
			fmt.Fprintf(&b, "  got  %.120q\n", l)
		}
	}
	for _, l := range missing {
		fmt.Fprintf(&b, "  want %.120q\n", l)
	}
	for i, l := range g {
		if b.Len() == 0 && l != w[i] {
			fmt.Fprintf(&b, "  %.60q where it should be %.60q\n", l, w[i])
		}
	}
	return b.String()
}

func differences(who string, want, got *message) (faults []string) {
	if w, g := want.text(), got.text(); w != g {
		faults = append(faults, who+" what differs from what it has to be in\n"+lines(g, w))
	}
	same := bytes.Equal(want.body, got.body)
	if !same {
		at := 0
		for at < min(len(want.body), len(got.body)) && want.body[at] == got.body[at] {
			at++
		}
		faults = append(faults, fmt.Sprintf("%s a body of %d bytes that differs at %d, %.60q, where it has to be of %d, %.60q", who, len(got.body), at, got.body[at:], len(want.body), want.body[at:]))
	}
	return faults
}
