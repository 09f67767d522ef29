// Package agentsecretstest is for tests of programs that use package client: without an
// agentsecrets command, a store, or a proxy in the background.
//
//	c := agentsecretstest.Proxy(t, agentsecretstest.Config{ // a real proxy, in this process
//		Secrets: map[string]string{"STRIPE_KEY": "sk_test_made_up"}, Allow: []string{"api.stripe.com"},
//		Origin:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { … }), // is the API, and gets the value
//	})
//
//	mock := agentsecretstest.NewMock("STRIPE_KEY") // remembers calls, and knows no value
//	run(mock.Client())
//	mock.Calls()[0].Bearer // "STRIPE_KEY"
package agentsecretstest

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/client"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// Config says what a Proxy knows.
type Config struct {
	Secrets map[string]string // name to a value that was made up for the test
	Allow   []string          // rules, as of `agentsecrets workspace allowlist add`
	Origin  http.Handler      // is every host; nil answers 200
}

// Proxy is a client of a real proxy, which ends with the test: it puts values in, takes
// echoes out, and refuses as the one in the background does. Every host is cfg.Origin, over
// TLS on this machine.
func Proxy(t testing.TB, cfg Config) *client.Client {
	t.Helper()
	var l *lab.Lab
	lc := lab.Config{Secrets: cfg.Secrets, Origin: cfg.Origin, Change: func(c *mitm.Config) {
		c.Pin = func(string, int) (netip.AddrPort, bool) {
			addr, err := netip.ParseAddrPort(l.Origin.Listener.Addr().String())
			return addr, err == nil
		}
	}}
	for _, text := range cfg.Allow {
		rule, err := allowlist.ParseRequestRule(text)
		if err != nil {
			t.Fatal(err)
		}
		if rule.Port == 0 {
			rule.Port = 443 // else it would be the origin's
		}
		lc.Rules = append(lc.Rules, rule)
	}
	l = lab.New(t, lc)
	names := NewMock(sorted(cfg.Secrets)...)
	c, err := client.New(
		client.WithProxy(l.Run.URL(l.Addr), l.CA.PEM()),
		client.WithStandIn(client.StandIn{Command: names.command}),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
