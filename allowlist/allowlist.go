// Package allowlist decides where requests with secrets may go.
//
//	rule, err := allowlist.ParseRule("api.stripe.com")
//	list := &allowlist.List{Rules: []allowlist.Rule{rule}}
//	err = list.Check(allowlist.Use{Name: "STRIPE_KEY", Host: "api.stripe.com", Port: 443, Place: "header:authorization"})
//	var denied *allowlist.DeniedError // has a Hint: the command that would allow it
//	policy, err := allowlist.LoadPolicy(path)
//	err = policy.List(projectID).Check(use)
//	provider, ok := allowlist.NewCatalogue().For("STRIPE_KEY") // whose provider.Binding() a new secret may get
//
// Guarantees: what no rule names is denied, an empty list denies everything; a binding narrows where one secret may
// go and never widens it; hosts are compared exactly, in the form of NormalHost; a policy file that cannot be
// understood whole, or that something else has changed, is an error and stays as it is. Nothing here knows a value.
package allowlist

import "slices"

// List is what one project may reach. Nil and the zero List allow nothing.
type List struct {
	Rules    []Rule
	Bindings map[string]Binding // by the secret's name; a secret without one may go to any allowed host
}

// Use is one placeholder in one request.
type Use struct {
	Name   string // of the secret
	Host   string
	Port   int
	Method string
	Path   string // as the client wrote it, without the query
	Place  string // as internal/place writes it
	Whole  bool   // all of the field, value or path segment is the placeholder
}

// Check returns nil if the use is allowed, else a *DeniedError. The first of these decides: there are rules at all,
// one of them names the host and has method, path and place, the binding's hosts, its methods, its paths, its places.
func (l *List) Check(u Use) error {
	if l == nil || len(l.Rules) == 0 {
		return u.denied(emptyList, Binding{})
	}
	host, err := NormalHost(u.Host)
	if err != nil || !matchAny(l.Rules, host, u.Port) {
		return u.denied(otherDomain, Binding{})
	}
	if _, why, ok := u.allowing(l.at(host, u.Port)); !ok {
		return u.denied(why, Binding{})
	}
	b := l.Bindings[u.Name]
	if len(b.Hosts) > 0 && !matchAny(b.Hosts, host, u.Port) {
		return u.denied(otherHost, b)
	}
	if !b.allowsMethod(u.Method) {
		return u.denied(otherMethod, b)
	}
	if !b.allowsPath(u.Path) {
		return u.denied(otherPath, b)
	}
	if !b.allowsPlace(u.Place) {
		return u.denied(otherPlace, b)
	}
	return nil
}

// Reaches reports whether a rule names host on port: whether any value might ever go there.
func (l *List) Reaches(host string, port int) bool {
	if l == nil {
		return false
	}
	normal, err := NormalHost(host)
	return err == nil && matchAny(l.Rules, normal, port)
}

func matchAny(rules []Rule, host string, port int) bool {
	return slices.ContainsFunc(rules, func(r Rule) bool { return r.match(host, port) })
}
