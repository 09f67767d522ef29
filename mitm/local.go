package mitm

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"

	"github.com/agentsecrets/agentsecrets/internal/style"
	"github.com/agentsecrets/agentsecrets/internal/webpage"
)

// Clients of our own user on this machine may come without a credential, if the
// configuration can tell who they are; and they may use /proxy, the contract of
// older clients, in which a request to the proxy itself says in X-AS-* fields
// what to send where.

type clientKey struct{}

// withClient keeps the way to tell whose a connection is. What has been told
// stays: later its addresses may belong to another connection.
func (p *Proxy) withClient(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(*clientConn); ok {
		ctx, conn = context.WithValue(ctx, connKey{}, c), c.Conn
	}
	if p.cfg.Local == nil {
		return ctx
	}
	return context.WithValue(ctx, clientKey{}, sync.OnceValues(func() (RunOf, error) { return p.cfg.Local(conn) }))
}

// admit finds the run that a request belongs to. A credential that is wrong is
// refused, whoever sent it; so is who may not ask, whatever the credential.
func (p *Proxy) admit(r *http.Request) (*Run, *Problem) {
	runOf, refusal := client(r)
	if refusal != nil {
		return nil, refusal
	}
	if fields, sent := r.Header["Proxy-Authorization"]; sent { // an empty one is wrong too, and of two nobody knows which counts
		if len(fields) != 1 {
			return nil, needCredential()
		}
		if run := p.runs.byCredential(fields[0]); run != nil {
			return run, nil
		}
		return nil, needCredential()
	}
	if runOf == nil {
		return nil, needCredential()
	}
	run, err := runOf()
	if err != nil {
		return nil, asProblem(err, *needCredential())
	}
	return run, nil
}

// client is who sent r, as far as that can be told.
func client(r *http.Request) (RunOf, *Problem) {
	tell, ok := r.Context().Value(clientKey{}).(func() (RunOf, error))
	if !ok {
		return nil, nil
	}
	runOf, err := tell()
	var refusal *Problem
	if errors.As(err, &refusal) {
		return nil, refusal
	}
	if err != nil {
		return nil, nil
	}
	return runOf, nil
}

// callPath is where the proxy takes requests that say in fields what they want.
const callPath = "/proxy"

// serveCall answers one of those.
func (p *Proxy) serveCall(w http.ResponseWriter, r *http.Request) {
	refuse := func(why *Problem) { p.turnAway(w, r, why) }
	if webpage.AsksFor(r, targetHost(r), localPort(r)) {
		refuse(&Problem{Status: http.StatusForbidden, Slug: "permission_denied", Message: "web pages may not use " + callPath})
		return
	}
	run, refusal := p.admit(r)
	if refusal != nil {
		refuse(refusal)
		return
	}
	if why := p.join(r, run); why != nil {
		overloaded(w, r, why)
		return
	}
	out, s, refusal := readCall(r)
	if refusal != nil {
		refuse(refusal)
		return
	}
	if agent := r.Header.Get(ourFields + "Agent-Id"); agent != "" {
		run = run.as(agent)
	}
	run = run.shown(r.Header)
	trailers := hasToken(r.Header["Te"], "trailers")
	if trailers {
		out.Header.Del("Te") // it was meant for us
	}
	if !trailers || r.Method == http.MethodHead { // which has nothing for a trailer to stand behind, and whose length is a result
		p.Call(w, out, run, s)
		return
	}
	result := p.Call(trailed{w}, out, run, s)
	w.Header().Set(http.TrailerPrefix+redactedField, strconv.Itoa(result.Redactions))
}

// trailed is the writer of a response behind whose body it stands how many echoes
// were taken out of it, for a client that reads trailers (RFC 9110, 6.5.1).
type trailed struct{ http.ResponseWriter }

func (t trailed) WriteHeader(status int) {
	if status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified {
		t.Header().Del("Content-Length") // trailers need chunks (RFC 9112, 7.1.2)
	}
	t.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (t trailed) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// targetHost is the host that a call is for, as its URL has it.
func targetHost(r *http.Request) string {
	target, err := url.Parse(r.Header.Get(ourFields + "Target-Url"))
	if err != nil {
		return ""
	}
	return target.Host
}

// localPort is the port that r came in at, 0 where that is not known.
func localPort(r *http.Request) int {
	c, ok := r.Context().Value(connKey{}).(*clientConn)
	if !ok {
		return 0
	}
	addr, ok := c.LocalAddr().(*net.TCPAddr)
	if !ok {
		return 0
	}
	return addr.Port
}

// as is the run with a name that the client declares for itself in the log. Where
// a token says who it is, that counts.
func (r *Run) as(agent string) *Run {
	return r.but(func(s Scope) Scope {
		if s.TokenID == "" {
			s.AgentID = agent
		}
		return s
	})
}

// but is the run with another scope. All that is counted of it stays one.
func (r *Run) but(change func(Scope) Scope) *Run {
	return &Run{
		scope: func() Scope { return change(r.scope()) },
		proxy: r.proxy, id: r.id, sent: r.sent, load: r.load, budget: r.budget, live: r.live, end: r.end, of: r.root(),
	}
}

// root is the run that a client was given, whatever else it says of itself.
func (r *Run) root() *Run {
	if r.of != nil {
		return r.of
	}
	return r
}

const ourFields = "X-As-"

// readCall reads the contract's fields into a request.
func readCall(r *http.Request) (*http.Request, style.Styles, *Problem) {
	var s style.Styles
	bad := func(message string) (*http.Request, style.Styles, *Problem) {
		return nil, s, &Problem{Status: http.StatusBadRequest, Slug: "bad_request", Message: message}
	}
	target, err := url.Parse(r.Header.Get(ourFields + "Target-Url"))
	if err != nil || !target.IsAbs() || target.Host == "" {
		return bad("X-AS-Target-URL names no absolute URL")
	}
	out := r.Clone(r.Context())
	out.URL, out.Host = target, target.Host
	if m := r.Header.Get(ourFields + "Method"); m != "" {
		out.Method = strings.ToUpper(m)
	}
	if !httpguts.ValidHeaderFieldName(out.Method) { // a method is a token too (RFC 9110, 9.1)
		return bad("X-AS-Method names no method")
	}
	for field, values := range r.Header {
		if !strings.HasPrefix(field, ourFields) {
			continue
		}
		out.Header.Del(field)
		inject, ok := strings.CutPrefix(field, ourFields+"Inject-")
		if ok && !addStyle(&s, inject, values) {
			return bad("the field " + field + " is none of the six styles")
		}
	}
	out.Header.Del("Proxy-Authorization")
	return out, s, nil
}

// addStyle reads one X-AS-Inject-… field.
func addStyle(s *style.Styles, inject string, values []string) bool {
	kind, field, _ := strings.Cut(inject, "-")
	list := map[string]*[]style.Pair{"Header": &s.Header, "Query": &s.Query, "Body": &s.Body, "Form": &s.Form}[kind]
	for _, v := range values {
		name, as, ok := cutAs(v)
		switch {
		case !ok || name == "":
			return false
		case list != nil && as != "":
			*list = append(*list, style.Pair{Field: as, Text: name})
		case list != nil && field != "":
			*list = append(*list, style.Pair{Field: strings.ToLower(field), Text: name})
		case kind == "Bearer" && field == "" && as == "" && s.Bearer == "":
			s.Bearer = name
		case kind == "Basic" && field == "" && as == "" && s.Basic == "":
			s.Basic = name
		default:
			return false
		}
	}
	return true
}

// cutAs reads "NAME; as=client_secret": a parameter or field may be named in
// the value, since the name of a header field loses its case in HTTP libraries.
func cutAs(value string) (name, as string, ok bool) {
	name, parameter, has := strings.Cut(value, ";")
	name = textproto.TrimString(name)
	if !has {
		return name, "", true
	}
	as, ok = strings.CutPrefix(textproto.TrimString(parameter), "as=")
	return name, as, ok && as != ""
}
