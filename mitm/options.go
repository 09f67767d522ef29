package mitm

import (
	"crypto/x509"
	"net/http"
	"net/netip"
	"strings"
)

// Options say how an exchange may be made, by the rules that allow it. The zero
// Options are the strictest.
type Options struct {
	Private   bool   // the origin may have an address that GuardPrivate takes
	Plaintext bool   // values go over http, to loopback addresses
	Range     bool   // parts of responses may be asked for
	Roots     string // certificates in PEM form that verify the origin, too
}

// and is what both say.
func (o Options) and(other Options) Options {
	o.Private, o.Plaintext, o.Range = o.Private && other.Private, o.Plaintext && other.Plaintext, o.Range && other.Range
	if o.Roots != other.Roots {
		o.Roots = ""
	}
	return o
}

// optionsOf is what the rules say however a request is read.
func (x *exchange) optionsOf(readings []Use) (all Options) {
	if x.proxy.cfg.Options == nil {
		return Options{}
	}
	for i, reading := range readings {
		o := x.proxy.cfg.Options(x.scope, reading)
		if i > 0 {
			o = all.and(o)
		}
		all = o
	}
	return all
}

// agree takes o, of one more use, into the exchange's options: the strictest
// count for all of it.
func (x *exchange) agree(o Options) {
	if x.agreed {
		o = x.options.and(o)
	}
	x.options, x.agreed = o, true
}

// settle fixes the options that the request is sent with. Without a use they are
// those of the rules that name what it asks for, if any names the host.
func (x *exchange) settle() {
	x.reaches = x.proxy.cfg.Reaches(x.scope, x.dest.host, x.dest.port)
	if !x.agreed && x.reaches {
		if all, err := readings(x.request(), x.fields); err == nil {
			x.options = x.optionsOf(all)
		}
	}
	x.sentWith = x.options
	x.scope.Seen = nil // what comes later, in a body that streams, is decided by the policy of then
}

// request is what is asked for, as a use of nothing.
func (x *exchange) request() Use {
	return Use{Host: x.dest.host, Port: x.dest.port, Method: x.method, Path: x.target.path}
}

// checkSent refuses a use in a body that streams if its rules do not allow the
// connection that the body is on.
func (x *exchange) checkSent(u found) error {
	p := &Problem{Status: http.StatusForbidden, Name: u.Name, Domain: x.domain(), Message: "the rule that allows the secret does not allow the connection that the request is on already"}
	option := ""
	switch o, sent := x.options, x.sentWith; {
	case x.scheme != "https" && !(sent.Plaintext && o.Plaintext):
		p.Slug, option = "plaintext_denied", " --plaintext"
	case sent.Private && !o.Private:
		p.Slug, option = "private_address", " --private"
	case sent.Roots != "" && sent.Roots != o.Roots:
		p.Slug, option = "origin_untrusted", " --ca FILE"
	case sent.Range && !o.Range && x.fields.Get("Range") != "":
		p.Slug, option = "place_denied", " --range"
	default:
		return nil
	}
	p.Hint = x.adding(u.Use, option)
	return p
}

// adding is the command that adds the rule anew that allows u, with option.
func (x *exchange) adding(u Use, option string) string {
	hint := "agentsecrets workspace allowlist add " + x.dest.short("https") // rules are for 443 if they name no port
	if x.proxy.cfg.Adding != nil {
		hint = x.proxy.cfg.Adding(x.scope, u)
	}
	if strings.Contains(hint, option) { // other certificates
		return hint
	}
	return hint + option
}

// plaintext refuses a value over http. Where the host is this machine a rule may
// allow it.
func (x *exchange) plaintext(u Use) *Problem {
	p := &Problem{
		Status: http.StatusForbidden, Slug: "plaintext_denied", Name: u.Name, Domain: x.domain(), Message: "no value is sent over plaintext http",
		Hint: "write the URL with https://",
	}
	if addr, err := netip.ParseAddr(u.Host); isLocalhost(u.Host) || err == nil && addr.IsLoopback() {
		p.Hint = x.adding(u, " --plaintext")
	}
	return p
}

// originProblem says why the origin could not be asked. Where a rule names the
// host, an option of it could help.
func (x *exchange) originProblem(err error) *Problem {
	p := originProblem(err, x.scheme, x.domain())
	option := map[string]string{"private_address": " --private", "origin_untrusted": " --ca FILE"}[p.Slug]
	if p.Hint == "" || !x.reaches || option == "" {
		return p
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	u := x.request()
	if len(x.uses) > 0 {
		u = x.uses[0].Use
	}
	p.Hint = x.adding(u, option)
	return p
}

// wayKey tells apart what may never share a connection.
type wayKey struct {
	run      string // that it is of: HPACK keeps what was sent over a connection
	guarded  bool   // carries values, or is held to what those are
	private  bool
	loopback bool // over http, and nowhere else
	roots    string
}

// maxWays is how many kinds of connections are kept; a run has as many as there are
// sets of options in its policy.
const maxWays = 1024

// way is the way out for what is sent so.
func (o *origins) way(k wayKey) way {
	o.mu.Lock()
	defer o.mu.Unlock()
	if w, ok := o.ways[k]; ok {
		return w
	}
	if len(o.ways) >= maxWays {
		o.closeIdleLocked()
		clear(o.ways) // what is under way has its own
	}
	w := o.newWay(k)
	o.ways[k] = w
	return w
}

// wayOut is the one for x. Roots of a rule count for its hosts without a value too.
func (x *exchange) wayOut() way {
	k := wayKey{run: x.run.id, roots: x.sentWith.Roots}
	if x.guarded || x.route.Guarded {
		k.guarded, k.private = true, x.sentWith.Private
		if x.scheme != "https" && x.sentWith.Plaintext {
			k.loopback = true
		}
	}
	return x.proxy.origins.way(k)
}

// verifiedBy are the roots for host: nil is the system's.
func (d *dialer) verifiedBy(host string) *x509.CertPool {
	var pool *x509.CertPool
	if d.roots != nil {
		pool = d.roots(host)
	}
	if d.kind.roots == "" {
		return pool
	}
	if pool != nil {
		pool = pool.Clone()
	} else if system, err := x509.SystemCertPool(); err == nil {
		pool = system
	} else {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM([]byte(d.kind.roots))
	return pool
}
