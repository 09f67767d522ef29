package main

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/agentsecrets/agentsecrets/mitm"
)

// Words of --parent that are no URL.
const (
	parentEnv  = "env"  // the one that HTTPS_PROXY names
	parentNone = "none" // none, though HTTPS_PROXY names one
)

const parentHelp = `--parent reaches origins through another proxy: http://HOST:PORT, env for the one
that HTTPS_PROXY names, less the hosts in NO_PROXY, or none. run takes the one in
HTTPS_PROXY by itself. A password belongs there: others see arguments.`

// parents says which origins are reached through a parent proxy.
type parents struct {
	proxy    *mitm.Parent // nil: none
	adopted  string       // the variable that named it
	noProxy  func(*url.URL) (*url.URL, error)
	allNames bool // not for test names alone
}

// namesParent reports whether the flag holds a URL, which is policy.
func (o *originFlags) namesParent() bool {
	return o.parent != "" && o.parent != parentEnv && o.parent != parentNone
}

// parentAddr is where the flag's parent proxy is, without its credential.
func (o *originFlags) parentAddr() string {
	if !o.namesParent() {
		return o.parent
	}
	p, err := parseParent(o.parent)
	if err != nil {
		return ""
	}
	return p.String()
}

// parseParent reads a URL as people write it, with or without http://. Its
// errors do not hold it: there may be a password in it.
func parseParent(text string) (*mitm.Parent, error) {
	u, err := parentURL(text)
	if err != nil {
		return nil, err
	}
	return mitm.NewParent(u)
}

func parentURL(text string) (*url.URL, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		_, err = mitm.NewParent(new(url.URL)) // says what it should have been
	}
	return u, err
}

// parents reads --parent. Of HTTPS_PROXY it takes none of ours: that would lead
// back here, or into a run.
func (a *app) parents(ctx context.Context, home string, o originFlags) (parents, error) {
	if o.namesParent() {
		p, err := parseParent(o.parent)
		if err != nil {
			return parents{}, usage("--parent: %w", err)
		}
		return newParents(p, ""), nil
	}
	if o.parent == parentNone || o.parent == "" && !o.adopts {
		return parents{}, nil
	}
	name, text := "HTTPS_PROXY", a.variable("HTTPS_PROXY")
	if text == "" {
		name, text = "https_proxy", a.variable("https_proxy")
	}
	if text == "" {
		return parents{}, nil
	}
	u, err := parentURL(text)
	if err == nil && a.isOurs(ctx, home, u) {
		return parents{}, nil
	}
	var p *mitm.Parent
	if err == nil {
		p, err = mitm.NewParent(u)
	}
	switch {
	case err != nil && o.parent == parentEnv:
		return parents{}, usage("--parent env: in %s %w", name, err)
	case err != nil:
		a.warn("origins are reached directly, not through what %s names: %v", name, err)
		return parents{}, nil
	}
	noProxy := a.variable("NO_PROXY")
	if noProxy == "" {
		noProxy = a.variable("no_proxy")
	}
	got := newParents(p, noProxy)
	got.adopted, got.allNames = name, true
	return got, nil
}

func newParents(p *mitm.Parent, noProxy string) parents {
	through := httpproxy.Config{HTTPSProxy: "http://parent.invalid", NoProxy: noProxy} // asked only whether, not which
	return parents{proxy: p, noProxy: through.ProxyFunc()}
}

// isOurs reports whether u is the proxy of a run, or a daemon of ours.
func (a *app) isOurs(ctx context.Context, home string, u *url.URL) bool {
	addr, err := netip.ParseAddr(u.Hostname())
	if u.Hostname() != "localhost" && (err != nil || !addr.Unmap().IsLoopback()) {
		return false
	}
	if token, ok := u.User.Password(); ok && u.User.Username() == "run" && len(token) == 43 { // as mitm.Run.URL writes it
		return true
	}
	ports := []string{strconv.Itoa(defaultPort), a.variable("AGENTSECRETS_PORT")}
	if st, err := askDaemon(ctx, home); err == nil {
		ports = append(ports, strconv.Itoa(st.Port))
	}
	for _, port := range ports {
		if port != "" && port == u.Port() {
			return true
		}
	}
	_, ours := healthAt(ctx, u.Host) // that of another home
	return ours
}

// Parent is the proxy through which host is reached; nil: none.
func (r *origins) Parent(host string, port int) *mitm.Parent {
	p := r.parents
	if p.proxy == nil || !p.allNames && !r.everywhere && !isTestName(host) {
		return nil
	}
	via, err := p.noProxy(&url.URL{Scheme: "https", Host: net.JoinHostPort(host, strconv.Itoa(port))})
	if err == nil && via == nil {
		return nil
	}
	return p.proxy
}
