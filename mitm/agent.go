package mitm

import "net/http"

// A client may show the token of an agent, at CONNECT or in a request. From then
// on it is that agent and nobody else: a token that does not count refuses what it
// came with, and a run that is one agent's takes no other's. The token goes no
// further than here.

// tokenField is how net/http has X-AS-Agent-Token.
const tokenField = ourFields + "Agent-Token"

// unknownToken is the ID of what is no token.
const unknownToken = "-"

// identify returns s as that of whoever shows a token. Of several fields nobody
// could say which one counts.
func (c *Config) identify(s Scope, shown []string) Scope {
	of := s
	of.AgentID, of.TokenID = "", unknownToken
	if c.Identify != nil && len(shown) == 1 {
		of = c.Identify(s, shown[0])
	}
	if s.TokenID != "" && of.TokenID != s.TokenID {
		s.Mixed = true
		return s
	}
	return of
}

// admit says why the token of s does not count.
func (c *Config) admit(s Scope) *Problem {
	invalid := Problem{Status: http.StatusForbidden, Slug: "agent_token_invalid", Message: "this is the token of no agent"}
	if s.Mixed {
		return &Problem{
			Status: http.StatusForbidden, Slug: "agent_denied",
			Message: "the run is that of agent " + s.AgentID + ", and the token that was shown is not the one that it was started with",
		}
	}
	if c.Admit == nil {
		return &invalid
	}
	if err := c.Admit(s); err != nil {
		return asProblem(err, invalid)
	}
	return nil
}

// shown is the run as that of the agent whose token stands in h.
func (r *Run) shown(h http.Header) *Run {
	tokens, ok := h[tokenField]
	if !ok {
		return r
	}
	cfg := &r.proxy.cfg
	return r.but(func(s Scope) Scope { return cfg.identify(s, tokens) })
}

// heed takes a token that stands in the request itself.
func (x *exchange) heed(h http.Header) {
	tokens, ok := h[tokenField]
	if !ok {
		return
	}
	x.scope = x.proxy.cfg.identify(x.scope, tokens)
	x.route = x.proxy.route(x.scope, x.dest)
}

// nextPiece has the next secret count anew, where a body that streams goes on: it may
// be messages, one after the other, as over WebSocket. Where one ends nobody can say, so
// that what came at a time is taken for one. What came with the head counts with it.
func (x *exchange) nextPiece() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.counted = x.counted && !x.flows
	x.flows = true
}

// spendOnce counts the exchange of an agent, or a message or piece of it, when it first
// uses a secret.
func (x *exchange) spendOnce() error {
	if x.scope.TokenID == "" || x.counted || x.proxy.cfg.Spend == nil {
		return nil
	}
	if err := x.proxy.cfg.Spend(x.scope); err != nil {
		return asProblem(err, Problem{Status: http.StatusTooManyRequests, Slug: "rate_limited", Message: "the agent has used secrets too often"})
	}
	x.counted = true
	return nil
}
