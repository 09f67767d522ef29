package mitm

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/redact"
)

// A Run is one client process tree, or all those that work in one project, with
// a proxy credential of its own.
type Run struct {
	scope func() Scope
	proxy *Proxy
	token string
	sum   [sha256.Size]byte
	id    string
	sent
	load   *load
	budget *budget
	of     *Run            // that this one is, with another scope; nil: itself
	live   context.Context // ends with the credential
	end    context.CancelFunc
}

// sent is what has gone out through a proxy, for whichever run: an origin may
// keep a value that it got from one and show it to another.
type sent struct {
	released *redact.Set // comes out of every later response
	kept     *kept       // how long
	gave     *sync.Map   // host: it received a value
}

func newSent() sent {
	released := redact.NewSet()
	return sent{released, newKept(released), new(sync.Map)}
}

// runs is the registry of live credentials.
type runs struct {
	mu   sync.RWMutex
	list []*Run
}

// user is the name in every run's proxy URL; the token alone tells runs apart.
const user = "run"

// NewRun issues a credential. scope is asked at every exchange, so that it can
// follow a switch of environment, or stay pinned; its RunID is filled in here.
func (p *Proxy) NewRun(scope func() Scope) *Run {
	var secret [32]byte
	rand.Read(secret[:])
	token := base64.RawURLEncoding.EncodeToString(secret[:])
	r := &Run{
		scope: scope, proxy: p, token: token, sum: sha256.Sum256([]byte(token)),
		id:   audit.NewRunID(),
		sent: p.sent, load: &load{}, budget: &budget{},
	}
	r.live, r.end = context.WithCancel(context.Background())
	p.runs.mu.Lock()
	defer p.runs.mu.Unlock()
	p.runs.list = append(p.runs.list, r)
	return r
}

// ID names the run in audit events.
func (r *Run) ID() string { return r.id }

// URL is the value for HTTPS_PROXY: http, because an https proxy URL breaks
// several clients, and with the credential in it.
func (r *Run) URL(addr net.Addr) string {
	u := url.URL{Scheme: "http", User: url.UserPassword(user, r.token), Host: addr.String()}
	return u.String()
}

// Revoke ends the credential and every exchange under it; connections that it
// opened are closed.
func (r *Run) Revoke() {
	p := r.proxy
	p.runs.mu.Lock()
	for i, x := range p.runs.list {
		if x == r {
			p.runs.list = append(p.runs.list[:i:i], p.runs.list[i+1:]...)
			break
		}
	}
	p.runs.mu.Unlock()
	r.end()
	p.conns.closeOf(r)
	p.origins.leave(r.id)
}

func (r *Run) now() Scope {
	s := r.scope()
	s.RunID = r.id
	return s
}

// byCredential finds the run that a Proxy-Authorization field names. Clients
// write the scheme in any case (RFC 9110, 11.1). Every live token is compared,
// by digest and in constant time.
func (rs *runs) byCredential(field string) *Run {
	scheme, rest, ok := strings.Cut(field, " ")
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
	if err != nil {
		return nil
	}
	name, token, ok := strings.Cut(string(raw), ":")
	if !ok || name != user {
		return nil
	}
	sum := sha256.Sum256([]byte(token))
	rs.mu.RLock()
	defer rs.mu.RUnlock()
	var found *Run
	for _, r := range rs.list {
		if subtle.ConstantTimeCompare(sum[:], r.sum[:]) == 1 {
			found = r
		}
	}
	return found
}

func (r *Run) String() string { return fmt.Sprintf("run %s", r.id) }
