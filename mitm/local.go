package mitm

import (
	"net"
	"net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/style"
)

// Clients of our own user on this machine may come without a credential, if the
// configuration can tell who they are; and they may use /proxy, the contract of
// older clients, in which a request to the proxy itself says in X-AS-* fields
// what to send where.

// admit finds the run that a request belongs to. A credential that is wrong is
// refused, whoever sent it.
func (p *Proxy) admit(r *http.Request) (*Run, *Problem) {
	if field := r.Header.Get("Proxy-Authorization"); field != "" {
		if run := p.runs.byCredential(field); run != nil {
			return run, nil
		}
		return nil, needCredential()
	}
	if p.cfg.Local == nil {
		return nil, needCredential()
	}
	ours, theirs, ok := ends(r)
	if !ok {
		return nil, needCredential()
	}
	run, err := p.cfg.Local(ours, theirs)
	if err != nil {
		return nil, asProblem(err, *needCredential())
	}
	return run, nil
}

// ends are the two addresses of the connection that r came on.
func ends(r *http.Request) (ours, theirs netip.AddrPort, ok bool) {
	local, isAddr := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	theirs, err := netip.ParseAddrPort(r.RemoteAddr)
	if !isAddr || err != nil {
		return ours, theirs, false
	}
	return unmap(local.AddrPort()), unmap(theirs), true
}

// callPath is where the proxy takes requests that say in fields what they want.
const callPath = "/proxy"

// serveCall answers one of those. Web pages and names that were rebound to us
// are refused: a page that a browser shows must not use its user's secrets.
func (p *Proxy) serveCall(w http.ResponseWriter, r *http.Request) {
	if !isLoopback(r.Host) || r.Header.Get("Origin") != "" || fetchMetadata(r.Header) {
		p.refused(&Problem{Status: http.StatusForbidden, Slug: "permission_denied", Message: "web pages may not use " + callPath}).write(w, "")
		return
	}
	run, refusal := p.admit(r)
	if refusal != nil {
		if refusal.Status == http.StatusProxyAuthRequired {
			w.Header().Set("Proxy-Authenticate", challenge)
		}
		p.refused(refusal).write(w, "")
		return
	}
	out, s, refusal := readCall(r)
	if refusal != nil {
		p.refused(refusal).write(w, "")
		return
	}
	agent := r.Header.Get("X-As-Agent-Id")
	if agent != "" {
		run = run.as(agent)
	}
	p.Call(w, out, run, s)
}

// as is the run with a name that the client declares for itself in the log.
func (r *Run) as(agent string) *Run {
	return &Run{
		scope: func() Scope {
			s := r.scope()
			s.AgentID = agent
			return s
		},
		proxy: r.proxy, id: r.id, released: r.released, gave: r.gave, live: r.live, end: r.end,
	}
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

// addStyle reads one X-AS-Inject-… field. The name of a parameter or field may
// be given in the value too, "NAME; as=client_secret": the name of a header
// field loses its case in HTTP libraries.
func addStyle(s *style.Styles, inject string, values []string) bool {
	kind, field, _ := strings.Cut(inject, "-")
	list := map[string]*[]style.Pair{"Header": &s.Header, "Query": &s.Query, "Body": &s.Body, "Form": &s.Form}[kind]
	for _, v := range values {
		name, as, _ := strings.Cut(v, ";")
		name = textproto.TrimString(name)
		if alias, ok := strings.CutPrefix(textproto.TrimString(as), "as="); ok {
			field = alias
		}
		switch {
		case kind == "Bearer" && field == "":
			s.Bearer = name
		case kind == "Basic" && field == "":
			s.Basic = name
		case list == nil || field == "":
			return false
		case kind == "Header":
			*list = append(*list, style.Pair{Field: field, Text: name})
		default:
			*list = append(*list, style.Pair{Field: strings.ToLower(field), Text: name})
		}
		if as != "" && kind != "Header" && list != nil {
			(*list)[len(*list)-1].Field = field // as it was written
		}
	}
	return true
}

func isLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// fetchMetadata is what browsers add to the requests of pages (Fetch Metadata).
func fetchMetadata(h http.Header) bool {
	for field := range h {
		if strings.HasPrefix(field, "Sec-Fetch-") {
			return true
		}
	}
	return false
}
