package mitm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"

	"github.com/elazarl/goproxy"
)

// The edge is where clients arrive: CONNECT, which goproxy takes apart for us,
// absolute-form requests, and requests to the proxy itself. goproxy's transport,
// dialer and interception are never reached: every CONNECT is hijacked, nothing
// else is given to it, and its dialers refuse.

var errNotDialled = errors.New("goproxy does not dial here")

func (p *Proxy) newEdge() *goproxy.ProxyHttpServer {
	refuse := func(string, string) (net.Conn, error) { return nil, errNotDialled }
	e := goproxy.NewProxyHttpServer()
	e.Logger = log.New(io.Discard, "", 0)
	e.ConnectDial = refuse
	e.Tr = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errNotDialled }}
	action := &goproxy.ConnectAction{Action: goproxy.ConnectHijack, Hijack: p.intercept}
	e.OnRequest().HandleConnect(goproxy.FuncHttpsHandler(
		func(host string, _ *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) { return action, host }))
	return e
}

// edgeKey carries what serveOuter found out about a CONNECT past goproxy.
type edgeKey struct{}

type admitted struct {
	run  *Run
	dest authority
}

func (p *Proxy) serveOuter(w http.ResponseWriter, r *http.Request) {
	defer p.recovered(w)
	if why := p.shedding(r); why != nil {
		p.shed(w, r, why)
		return
	}
	if !r.URL.IsAbs() && r.URL.Path != callPath && r.Method != http.MethodConnect && r.ContentLength != 0 {
		leaveBody(w) // nothing of what is asked of the proxy itself has one
	}
	switch {
	case r.Method == http.MethodConnect:
		p.serveConnect(w, r)
	case r.URL.IsAbs():
		p.serveAbsolute(w, r)
	case r.URL.Path == callPath:
		p.serveCall(w, r)
	case p.cfg.Status != nil:
		p.cfg.Status.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

// shed ends a connection that there is no room for.
func (p *Proxy) shed(w http.ResponseWriter, r *http.Request, why *Problem) {
	if r.Method == http.MethodConnect {
		refuseConnect(w, why)
		return
	}
	w.Header().Set("Connection", "close")
	overloaded(w, r, why)
}

func (p *Proxy) serveConnect(w http.ResponseWriter, r *http.Request) {
	run, refusal := p.admit(r)
	if refusal != nil {
		refuseConnect(w, p.refused(refusal))
		return
	}
	dest, err := p.parseAuthority(r.RequestURI, 0)
	if err != nil {
		refuseConnect(w, p.refused(&Problem{Status: 400, Slug: "bad_authority", Message: "CONNECT names no host and port that we can read"}))
		return
	}
	if why := p.join(r, run); why != nil {
		refuseConnect(w, why)
		return
	}
	run = run.shown(r.Header)
	a := admitted{run, dest}
	if route := p.route(run.now(), dest); route.Relay && route.Denied == nil {
		p.serveRelay(w, r, a, route)
		return
	}
	p.shaking.Add(1)
	defer p.shaking.Done()
	ctx := context.WithValue(r.Context(), edgeKey{}, a)
	p.edge.ServeHTTP(earlyBytes{w}, r.WithContext(ctx))
}

// serveAbsolute answers "GET http://host/…", and the same with https, which
// some old clients send instead of CONNECT.
func (p *Proxy) serveAbsolute(w http.ResponseWriter, r *http.Request) {
	run, refusal := p.admit(r)
	if refusal != nil {
		p.turnAway(w, r, refusal)
		return
	}
	port, known := portOf(r.URL.Scheme)
	dest, err := p.parseAuthority(r.URL.Host, port)
	if !known || err != nil || r.URL.User != nil {
		p.turnAway(w, r, badTarget())
		return
	}
	why := p.join(r, run)
	if why == nil {
		why = p.enter(run)
	}
	if why != nil {
		p.shed(w, r, why)
		return
	}
	defer p.leave(run)
	p.newExchange(run, r.URL.Scheme, dest).serve(w, r)
}

// turnAway refuses r before it is an exchange, and does not wait for its body.
func (p *Proxy) turnAway(w http.ResponseWriter, r *http.Request, why *Problem) {
	if why.Status == http.StatusProxyAuthRequired {
		w.Header().Set("Proxy-Authenticate", challenge)
	}
	if r.ContentLength != 0 {
		leaveBody(w)
	}
	p.refused(why).write(w, "")
}

const challenge = `Basic realm="agentsecrets"`

func needCredential() *Problem {
	return &Problem{
		Status: http.StatusProxyAuthRequired, Slug: "proxy_credential_required",
		Message: "the proxy URL carries no credential of a live run",
		Hint:    `eval "$(agentsecrets proxy env)"`,
	}
}

// refuseConnect answers by hand, since clients show their users nothing of a
// refused CONNECT but the status line, whose reason net/http does not let us
// choose. The connection closes: kept open, Node would wait on it for ever.
func refuseConnect(w http.ResponseWriter, p *Problem) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	more := http.Header{}
	if p.Status == http.StatusProxyAuthRequired {
		more.Set("Proxy-Authenticate", challenge)
	}
	conn.Write(p.response(more))
}

// response is p as bytes, with a reason in its status line and more in its head.
func (p *Problem) response(more http.Header) []byte {
	reason := "agentsecrets: " + p.Message
	if p.Status == http.StatusProxyAuthRequired {
		reason += "; run agentsecrets proxy env"
	}
	rec := &memory{head: http.Header{}}
	p.write(rec, "")
	rec.head.Set("Connection", "close")
	maps.Copy(rec.head, more)
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", p.Status, reason)
	rec.head.Set("Content-Length", fmt.Sprint(rec.body.Len()))
	rec.head.Write(&b)
	b.WriteString("\r\n")
	b.Write(rec.body.Bytes())
	return b.Bytes()
}

// memory is a ResponseWriter that keeps what was written.
type memory struct {
	head http.Header
	body bytes.Buffer
}

func (m *memory) Header() http.Header         { return m.head }
func (m *memory) WriteHeader(int)             {}
func (m *memory) Write(b []byte) (int, error) { return m.body.Write(b) }

// earlyBytes keeps what a client sent in the same packet as CONNECT, usually
// its ClientHello. goproxy hands a hijacker the bare connection and drops what
// the HTTP server had already read from it.
type earlyBytes struct{ http.ResponseWriter }

func (e earlyBytes) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(e.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("hijack CONNECT: %w", err)
	}
	if n := rw.Reader.Buffered(); n > 0 {
		early, _ := rw.Reader.Peek(n)
		conn = &replayed{conn, io.MultiReader(bytes.NewReader(bytes.Clone(early)), conn)}
	}
	return conn, rw, nil
}

type replayed struct {
	net.Conn
	r io.Reader
}

func (c *replayed) NetConn() net.Conn { return c.Conn }

func (c *replayed) Read(b []byte) (int, error) { return c.r.Read(b) }
