package mitm

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/engine"
	"github.com/agentsecrets/agentsecrets/redact"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// exchange is one request and its response, in the order of the steps that
// serve takes: who, where, what, may it, what is it worth, write it down, put
// it in, send, take echoes out, write it down. Any step that fails ends it.
type exchange struct {
	proxy    *Proxy
	run      *Run
	released *redact.Set // of the run; tells spend
	scope    Scope
	id       string
	start    time.Time
	scheme   string
	dest     authority
	route    Route
	short    string // dest as people write it

	method   string
	proto    string // that the client speaks: HTTP/2.0
	target   target
	fields   http.Header // as the client wrote them: no value is ever in there
	uses     []found
	listed   listed   // of uses, in events
	rules    []string // that decided about uses
	mentions []string // "NAME place" of placeholders that pass as text
	noted    noted    // what is in uses
	denied   *Problem
	broken   string // slug of what broke a response off in its middle
	client   *http.ResponseController
	cancel   func()   // ends the exchange
	taken    *stall   // waits for the client to take the response; may be nil
	liveUses int      // placeholders that a streaming body asked values for
	given    int      // bytes of values that went into the request, or a message of it
	answered bool     // a response has begun
	grpc     bool     // the client speaks it
	closing  bool     // a refusal ends the connection: what is left of the body is not read
	asked    []string // places that a style of a call names
	live     bool     // what streams upstream passes the expander: a body, or messages
	guarded  bool     // sent where values may go
	reaches  bool     // some value may go to this host
	decodes  bool     // the response's content coding is undone
	anywhere bool     // some value may go to it wherever a body names it
	again    int      // whole values that count as text and will be met again

	options  Options // of the uses so far
	agreed   bool    // there were some
	sentWith Options // of the connection

	mu       sync.Mutex // guards what a body that streams through the expander adds
	values   map[string]resolve.Value
	bodyStop *Problem
	over     bool // the done event is written

	status int
	echoes redact.Counts
	clock  clock
	held   int // bytes of the response that are held back

	counted   bool        // against what its agent may
	reached   atomic.Bool // a connection to the origin was had, and something may have gone there
	flows     bool        // some of a body that passes the expander has come
	overspent atomic.Bool // the run's budget has no room for an echo in the response
}

// statusClientLeft is nginx's number for it; nobody is sent it.
const statusClientLeft = 499

// found is a use with what auditing wants to know of it.
type found struct {
	Use
	style string // "bearer", "basic", "header", "query", "path", "body", "form"
}

func (p *Proxy) newExchange(run *Run, scheme string, dest authority) *exchange {
	now, scope := p.cfg.now(), p.cfg.look(run.now())
	x := &exchange{
		proxy: p, run: run, scope: scope, route: p.route(scope, dest), id: audit.NewID(), start: now, clock: clock{from: now},
		scheme: scheme, dest: dest, short: dest.short(scheme), values: map[string]resolve.Value{}, noted: noted{}, echoes: redact.Counts{},
	}
	x.released = run.released.OnWeak(x.spend)
	return x
}

// domain is the origin as people write it.
func (x *exchange) domain() string { return x.short }

func (x *exchange) serve(w http.ResponseWriter, r *http.Request) {
	x.client = http.NewResponseController(w)
	up := uploadOf(r)
	x.answer(w, r, up)
	up.settle(r.Context(), x)
}

// answer is over when there is a response, and what the origin is still sent is given up.
func (x *exchange) answer(w http.ResponseWriter, r *http.Request, up *upload) {
	defer x.finish()
	defer x.recovered(w)
	x.method, x.proto, x.target, x.fields = r.Method, r.Proto, parseTarget(r.RequestURI), r.Header
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(x.run.live, cancel)()
	r = r.WithContext(ctx)
	if up != nil {
		r.Body = up
	}
	x.grpc = speaksGRPC(r)
	x.cancel, x.taken = cancel, x.taking(w)
	if r.ProtoMajor == 1 && r.Body != http.NoBody {
		x.closing = r.ContentLength != 0
		// Without it net/http reads the whole request body before the first byte
		// of a response, and an origin that answers as it reads waits for ever.
		x.client.EnableFullDuplex()
	}
	out, err := x.prepare(w, r)
	if err != nil {
		x.refuse(w, err)
		return
	}
	x.send(w, r, out)
}

// prepare takes the steps up to the request that may be sent.
func (x *exchange) prepare(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	if err := x.checkAuthority(r); err != nil {
		return nil, err
	}
	x.heed(r.Header)
	if err := x.checkRoute(); err != nil {
		return nil, err
	}
	if err := x.checkBudget(); err != nil {
		return nil, err
	}
	out := x.outgoing(r)
	head, err := x.findHead(out)
	if err != nil {
		return nil, err
	}
	if err := x.decide(r.Context(), head); err != nil {
		return nil, err
	}
	body, err := x.readBody(out, r)
	if err != nil {
		return nil, err
	}
	if err := x.decide(r.Context(), body.uses); err != nil {
		return nil, err
	}
	if err := x.record(); err != nil {
		return nil, err
	}
	if err := x.expandHead(out); err != nil {
		return nil, err
	}
	if err := body.attach(out); err != nil {
		return nil, err
	}
	if err := x.release(); err != nil {
		return nil, err
	}
	return out, nil
}

func (x *exchange) checkAuthority(r *http.Request) error {
	switch r.Method {
	case http.MethodTrace, "TRACK", http.MethodConnect:
		return &Problem{Status: http.StatusMethodNotAllowed, Slug: "method_refused", Message: "the method " + r.Method + " is not forwarded", Domain: x.domain()}
	}
	if !httpguts.ValidHeaderFieldName(r.Method) { // a token as well (RFC 9110, 9.1); HTTP/2 servers let spaces through, and a gateway would read a target in it
		return &Problem{Status: http.StatusBadRequest, Slug: "bad_request", Domain: x.domain(), Message: "the method is no token"}
	}
	if n := lines(r.Header); n > maxFields { // our engine counts for itself
		return tooManyFields(n)
	}
	if !x.target.valid(r) {
		return &Problem{Status: http.StatusBadRequest, Slug: "bad_request", Domain: x.domain(), Message: "the request-target is neither a path nor the URL of this host"}
	}
	port, _ := portOf(x.scheme)
	named := append([]string{r.Host}, r.Header["Host"]...)
	if r.URL.IsAbs() { // an empty host in it is none (RFC 9110, 4.2.1)
		named = append(named, r.URL.Host)
	}
	for _, text := range named {
		if text == "" && !r.ProtoAtLeast(1, 1) {
			continue // HTTP/1.0 knows no Host
		}
		if text == x.short {
			continue // as nearly all write it
		}
		if !x.proxy.same(x.dest, text, port) {
			return x.misdirected()
		}
	}
	if r.URL.User != nil || r.URL.Scheme != "" && r.URL.Scheme != x.scheme {
		return x.misdirected()
	}
	return nil
}

func (x *exchange) misdirected() *Problem {
	return &Problem{
		Status: http.StatusMisdirectedRequest, Slug: "authority_mismatch", Domain: x.domain(),
		Message: "the request names another host than its tunnel goes to",
	}
}

// outgoing is the request as it will be sent, with nothing in it yet.
func (x *exchange) outgoing(r *http.Request) *http.Request {
	out := &http.Request{ // send gives it its context
		Method: r.Method, Host: x.domain(), Header: r.Header.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: r.ContentLength, Trailer: r.Trailer,
	}
	upgrade := upgradeOf(r.Header)
	x.live = isWebSocket(upgrade)
	removeHopByHop(out.Header)
	delete(out.Header, tokenField)
	if lines := out.Header["Cookie"]; len(lines) > 1 { // servers read them as one (RFC 9113, 8.2.3), and so do we
		out.Header["Cookie"] = []string{strings.Join(lines, "; ")}
	}
	if upgrade != "" {
		out.Header.Set("Connection", "Upgrade")
		out.Header.Set("Upgrade", upgrade)
	}
	if hasToken(r.Header["Te"], "trailers") {
		out.Header.Set("Te", "trailers") // gRPC asks for it (RFC 9110, 10.1.4)
	}
	out.Header.Del("Host")
	if !r.ProtoAtLeast(1, 1) {
		out.Header.Del("Expect") // its client cannot wait (RFC 9110, 10.1.1)
	}
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = nil // or net/http adds its own
	}
	out.URL = x.target.url(x.scheme, x.dest)
	return out
}

// decide asks policy about uses and resolves their values. Nothing is sent
// before it has agreed to all of them.
func (x *exchange) decide(ctx context.Context, uses []found) error {
	if len(uses) > maxUses {
		return tooMany()
	}
	for _, u := range uses {
		if x.note(u) {
			x.noteRules(u)
		}
		if err := x.allow(u); err != nil {
			return err
		}
		if _, ok := x.values[u.Name]; ok {
			continue
		}
		v, err := x.proxy.cfg.Resolve(ctx, x.scope, u.Name)
		if err != nil {
			x.proxy.cfg.observer().Unresolved()
			return asProblem(err, Problem{Status: 503, Slug: "store_locked", Name: u.Name, Message: "the value could not be resolved"})
		}
		x.values[u.Name] = v
	}
	return nil
}

// note keeps u for the audit event and reports whether it is anything new.
func (x *exchange) note(u found) bool {
	if !x.noted.add(u) {
		return false
	}
	x.uses = append(x.uses, u)
	return true
}

// maxRules is how many rules, and how many mentions, of one exchange are told
// apart in its event.
const maxRules = 32

func (x *exchange) noteRules(u found) {
	if x.proxy.cfg.Rules == nil || len(x.rules) >= maxRules {
		return
	}
	for _, r := range x.proxy.cfg.Rules(x.scope, u.Use) {
		x.rules = appendNew(x.rules, r)
	}
}

func (x *exchange) allow(u found) error {
	all, err := readings(u.Use, x.fields)
	if err != nil {
		return err
	}
	options := x.optionsOf(all)
	if x.scheme != "https" && !options.Plaintext {
		return x.plaintext(u.Use)
	}
	if err := x.checkRelayed(u.Name); err != nil {
		return err
	}
	for _, use := range all {
		if err := x.proxy.cfg.Allow(x.scope, use); err != nil {
			return asProblem(err, Problem{Status: 403, Slug: "domain_not_in_allowlist", Name: u.Name, Domain: x.domain(), Message: "policy did not allow it"})
		}
	}
	x.agree(options)
	return x.spendOnce()
}

// send forwards out and answers the client. The transport retries on a fresh
// connection only what has not been sent or may be sent twice.
func (x *exchange) send(w http.ResponseWriter, r, out *http.Request) {
	x.settle()
	x.askForReadable(out)
	x.guarded = len(x.values) > 0 || x.live && x.reaches
	way := x.wayOut()
	var t http.RoundTripper = way.any
	if upgradeOf(r.Header) != "" {
		t = way.http1
	}
	early := &earlyHints{w: w, x: x, http1: r.ProtoAtLeast(1, 1)}
	early.asks = r.ProtoMajor == 2 && out.Body != nil && out.GetBody == nil // net/http's server keeps what the client expects
	trace := &httptrace.ClientTrace{
		Got1xxResponse: early.forward,
		GotConn:        func(httptrace.GotConnInfo) { x.reached.Store(true) },
	}
	x.clock.stop(x.proxy.cfg.now())
	defer func() { x.proxy.cfg.observer().Overhead(x.clock.own) }()
	ctx := engine.WithEarly(httptrace.WithClientTrace(r.Context(), trace), early.forwardAsWritten)
	if x.grpc {
		ctx = context.WithValue(ctx, onlyHTTP2{}, true)
	}
	resp, err := t.RoundTrip(out.WithContext(ctx))
	early.stop()
	if err != nil {
		x.sendFailed(w, r, err)
		return
	}
	defer resp.Body.Close()
	engine.Keep(w, engine.FieldsOf(resp))
	x.status = resp.StatusCode
	x.respond(w, r, resp)
}

func (x *exchange) sendFailed(w http.ResponseWriter, r *http.Request, err error) {
	x.mu.Lock()
	stop := x.bodyStop
	x.mu.Unlock()
	switch {
	case stop != nil:
		x.refuse(w, stop)
	case errors.Is(r.Context().Err(), context.Canceled):
		x.status = statusClientLeft
		panic(http.ErrAbortHandler) // or the engines answer 200 with nothing
	default:
		x.refuse(w, x.originProblem(err))
	}
}

// refuse answers with the problem that err is.
func (x *exchange) refuse(w http.ResponseWriter, err error) {
	p := asProblem(err, Problem{Status: 400, Slug: "bad_request", Message: "the request could not be read"})
	if p.Domain == "" {
		p.Domain = x.domain()
	}
	x.denied, x.status = p, p.Status
	x.proxy.cfg.log().Warn("refused", "reason", p.Slug, "host", x.dest.host, "name", p.Name, "exchange", x.id)
	if x.closing {
		leaveBody(w)
	}
	x.answered = true
	if x.grpc {
		p.writeStatus(w, x.id)
		return
	}
	p.write(w, x.id)
}
