package main

import (
	"errors"
	"net/http"
	"slices"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// Modes of --egress: what is done with hosts that no rule of the allowlist names.
const (
	egressInspect = "inspect" // opened like all others
	egressDeny    = "deny"    // refused
	egressTunnel  = "tunnel"  // relayed unread
)

const egressHelp = `--egress says what becomes of hosts that are not on the allowlist: inspect opens
connections to them as to all others, deny refuses them, tunnel relays them unread.
--tunnel HOST relays one host in any mode, for clients that take one certificate
alone; no value is sent there.`

// egressFlags are those flags as they were given.
type egressFlags struct {
	mode    string
	tunnels []string
}

func (e *egressFlags) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&e.mode, "egress", egressInspect, "hosts off the allowlist: inspect, deny or tunnel")
	f.StringArrayVar(&e.tunnels, "tunnel", nil, "HOST[:PORT] whose connections are relayed unread, and get no value (repeatable)")
}

func (e *egressFlags) any() bool {
	return len(e.tunnels) > 0 || e.mode != "" && e.mode != egressInspect
}

// args are the flags for a daemon.
func (e *egressFlags) args() []string {
	args := []string{"--egress", e.mode}
	for _, host := range e.tunnels {
		args = append(args, "--tunnel", host)
	}
	return args
}

// egress is what the flags mean.
type egress struct {
	mode   string
	tunnel *allowlist.List // hosts of --tunnel
	frozen *allowlist.List // hosts that a run opens in tunnel mode; nil: those on the allowlist now
}

func (e *egressFlags) parse() (egress, error) {
	out := egress{mode: e.mode, tunnel: &allowlist.List{}}
	if out.mode == "" {
		out.mode = egressInspect
	}
	if !slices.Contains([]string{egressInspect, egressDeny, egressTunnel}, out.mode) {
		return out, usage("--egress %q: it is %s, %s or %s", e.mode, egressInspect, egressDeny, egressTunnel)
	}
	for _, text := range e.tunnels {
		rule, err := allowlist.ParseRule(text)
		var bad *allowlist.RuleError
		if errors.As(err, &bad) {
			return out, usage("--tunnel %q %s", text, bad.Reason)
		}
		out.tunnel.Rules = append(out.tunnel.Rules, rule)
	}
	return out, nil
}

// freeze keeps the hosts that a run opens in tunnel mode: the constraints of its
// CA say the same, and cannot change.
func (e *egress) freeze(w where) error {
	if e.mode != egressTunnel {
		return nil
	}
	policy, err := w.policy()
	if err != nil {
		return err
	}
	e.frozen = policy.List(w.ProjectID)
	return nil
}

// authority makes the CA of a run.
func (e *egress) authority(c ca.Config) (*ca.Authority, error) {
	if e.frozen != nil {
		c.Only = []string{}
		for _, r := range e.frozen.Rules {
			if !slices.ContainsFunc(e.tunnel.Rules, func(t allowlist.Rule) bool { return t.Host == r.Host && t.Port == r.Port && t.Wildcard == r.Wildcard }) {
				c.Only = append(c.Only, r.Host)
			}
		}
	}
	return ca.NewEphemeral(c)
}

// route says what becomes of what a client sends to host:port.
func (h *house) route(s mitm.Scope, host string, port int) mitm.Route {
	e := h.origins.egress
	r := mitm.Route{Guarded: e.mode == egressDeny}
	if e.tunnel.Reaches(host, port) {
		r.Relay = true
		return r
	}
	if e.mode == egressInspect {
		return r
	}
	list, err := e.frozen, error(nil)
	if list == nil {
		list, err = h.policies.list(s)
	}
	switch {
	case err != nil:
		errors.As(unreadablePolicy("", err), &r.Denied)
	case list.Reaches(host, port):
	case e.mode == egressTunnel:
		r.Relay = true
	default:
		r.Denied = &mitm.Problem{
			Status: http.StatusForbidden, Slug: "egress_denied", Message: "the host is not on the allowlist, and --egress deny lets nothing out to others",
			Hint: "agentsecrets workspace allowlist add " + domainOf(mitm.Use{Host: host, Port: port}),
		}
	}
	return r
}
