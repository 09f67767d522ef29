package mitm

import (
	"net/http"
	"strings"

	"github.com/agentsecrets/agentsecrets/audit"
)

// Route says what becomes of what a client sends to one host. The zero Route
// opens it: its TLS is ended here, and a value may go there if policy allows it.
type Route struct {
	Denied  *Problem // nothing is sent there; the client is told why
	Relay   bool     // its tunnels are relayed unread, and no value goes there
	Guarded bool     // what carries no value is verified and guarded as if it did
}

func (p *Proxy) route(s Scope, dest authority) Route {
	if s.TokenID != "" {
		if why := p.cfg.admit(s); why != nil {
			return Route{Denied: why}
		}
	}
	if p.cfg.Route == nil {
		return Route{}
	}
	return p.cfg.Route(s, dest.host, dest.port)
}

// checkRoute refuses an exchange with a host that is not to be reached at all.
func (x *exchange) checkRoute() error {
	if x.route.Denied == nil {
		return nil
	}
	p := *x.route.Denied
	return &p
}

// checkRelayed keeps values from a host whose tunnels are relayed, by whatever
// other way an exchange with it comes here: what is not looked at on its way
// back could hold an echo.
func (x *exchange) checkRelayed(name string) error {
	if !x.route.Relay {
		return nil
	}
	p := &Problem{
		Status: http.StatusForbidden, Slug: "tunnelled_host", Name: name, Domain: x.domain(),
		Message: "connections to this host are relayed unread, and no value is sent to it",
	}
	if !x.proxy.cfg.Reaches(x.scope, x.dest.host, x.dest.port) { // else --tunnel names it
		p.Hint = "agentsecrets workspace allowlist add " + x.dest.short("https")
	}
	return p
}

// named reports whether a TLS server name may stand in a tunnel to a: it is a's
// host, or none, which is how clients ask for an IP address (RFC 6066, 3).
func (a authority) named(serverName string) bool {
	name := strings.ToLower(strings.TrimSuffix(serverName, "."))
	return name == "" || name == a.host
}

// recordTunnel writes down what became of a tunnel of which no exchange tells.
func (p *Proxy) recordTunnel(t *tunnel, status int, why *Problem) {
	s := t.run.now()
	e := audit.Event{
		ID: audit.NewID(), Timestamp: p.cfg.now(), Event: audit.Done,
		Method: http.MethodConnect, TargetURL: "https://" + t.dest.short("https"), Domain: t.dest.host,
		StatusCode: status, Status: audit.OK, Reason: "-", DurationMS: p.since(t.began).Milliseconds(),
		AgentID: s.AgentID, TokenID: s.TokenID, RunID: s.RunID, Environment: s.Environment, WorkspaceID: s.WorkspaceID, ProjectID: s.ProjectID,
		IdentityLevel: identityLevel(s), ResolutionPath: "local", CallerRole: "-",
	}
	if why != nil {
		e.Status, e.Reason, e.Detail, e.Hint, e.StatusCode = audit.Blocked, why.Slug, why.Message, why.Hint, why.Status
		if why.Status >= 500 {
			e.Status = audit.Error
		}
		p.refused(why)
	}
	if err := p.cfg.Record(e); err != nil {
		p.cfg.observer().AuditFailed()
		p.cfg.log().Error("audit event not written", "exchange", e.ID, "err", err)
	}
}
