package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/internal/agents"
	"github.com/agentsecrets/agentsecrets/internal/place"
)

// allowTest asks policy about a request that nobody makes.
type allowTest struct {
	names    []string
	method   string
	in       string
	resolve  []string
	noLookup bool
	agent    string
}

func (a *app) allowTestCommand() *cobra.Command {
	var o allowTest
	cmd := &cobra.Command{
		Use:   "test URL",
		Short: "Say whether secrets would go to a URL, by which rule, and what would change it; nothing is sent",
		Long: `Say whether secrets would go to a URL, by which rule and binding, and which command
would change it. No request is made and no value is read. The name of the host is looked
up in DNS, to tell whether its address is one that values go to; --no-lookup leaves that
out, and --resolve answers it as run --intercept would.

The exit code is 0 if all of it would be allowed, and 3 if something would be denied.`,
		Example: `  agentsecrets allowlist test https://api.stripe.com/v1/charges --name STRIPE_KEY --method POST
  agentsecrets allowlist test https://api.telegram.org/botX/send --name BOT --in path --no-lookup`,
		Args:              takes(cobra.ExactArgs(1)),
		ValidArgsFunction: a.completeURL(),
		RunE:              func(cmd *cobra.Command, args []string) error { return a.allowTest(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.names, "name", nil, "secret that would be sent (repeatable; default: all that are kept here)")
	f.StringVar(&o.method, "method", "GET", "method of the request")
	f.StringVar(&o.in, "in", "header:authorization", "place in the request, as of secrets bind")
	f.StringArrayVar(&o.resolve, "resolve", nil, "HOST:PORT:ADDR[:PORT], the address that would be dialled (repeatable)")
	f.BoolVar(&o.noLookup, "no-lookup", false, "do not look the host up in DNS")
	f.StringVar(&o.agent, "agent", "", "agent that would send it")
	a.completeFlag(cmd, "agent", a.agentNames)
	a.completeFlag(cmd, "name", a.secretNames)
	return cmd
}

type testedJSON struct {
	URL       string              `json:"url"`
	Method    string              `json:"method"`
	Place     string              `json:"place"`
	Allowed   bool                `json:"allowed"`
	Names     []testedNameJSON    `json:"names"`
	LookedUp  bool                `json:"looked_up"`
	Lookup    string              `json:"lookup_error,omitempty"`
	Addresses []testedAddressJSON `json:"addresses"`
	adding    string              // the command that would let values go to a private one
}

type testedNameJSON struct {
	Name    string   `json:"name"` // "": any secret that is bound to nothing
	Allowed bool     `json:"allowed"`
	Text    bool     `json:"text"` // the placeholder would pass as it is
	Reason  string   `json:"reason"`
	Message string   `json:"message"`
	Decided []string `json:"decided"` // rules and bindings
	Hint    string   `json:"hint"`
}

type testedAddressJSON struct {
	Address string `json:"address"`
	Allowed bool   `json:"allowed"`
	Pinned  bool   `json:"pinned"` // by --resolve
	Message string `json:"message"`
	never   bool   // whatever a rule or a flag says
}

func (a *app) allowTest(ctx context.Context, text string, o allowTest) error {
	u, scheme, err := o.use(text)
	if err != nil {
		return err
	}
	pins := map[string]netip.AddrPort{}
	for _, text := range o.resolve {
		key, to, err := parseResolve(text)
		if err != nil {
			return err
		}
		pins[key] = to
	}
	w, err := a.where()
	if err != nil {
		return err
	}
	result, err := a.askPolicy(ctx, o, w, u, scheme, pins)
	if err != nil {
		return err
	}
	if err := a.print(result, result.write); err != nil {
		return err
	}
	if !result.Allowed {
		return &failure{code: exitDenied, err: errors.New("denied"), quiet: true}
	}
	return nil
}

// askPolicy asks the policy of w about the request u.
func (a *app) askPolicy(ctx context.Context, o allowTest, w where, u allowlist.Use, scheme string, pins map[string]netip.AddrPort) (testedJSON, error) {
	policy, err := w.policy()
	if err != nil {
		return testedJSON{}, err
	}
	names, err := o.which(w)
	if err != nil {
		return testedJSON{}, err
	}
	limit, err := o.limit(policy)
	if err != nil {
		return testedJSON{}, err
	}
	result := testedJSON{URL: scheme + "://" + net.JoinHostPort(u.Host, strconv.Itoa(u.Port)) + u.Path, Method: u.Method, Place: o.in, Allowed: true}
	list, catalogue := policy.List(w.ProjectID), allowlist.NewCatalogue()
	for _, name := range names {
		u.Name = name
		n := limit(testName(list, catalogue, u, scheme), u)
		result.Names, result.Allowed = append(result.Names, n), result.Allowed && (n.Allowed || n.Text)
	}
	pinned, guard := guardsFor(scheme, list.Options(u))
	done := a.during("looking " + u.Host + " up")
	result.addresses(ctx, u, pins, o.noLookup, pinned, guard)
	done()
	result.adding = list.Adding(u) + " --private"
	return result, nil
}

// use reads the request that is meant.
func (o allowTest) use(text string) (u allowlist.Use, scheme string, err error) {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Host == "" || parsed.User != nil || parsed.Scheme != "https" && parsed.Scheme != "http" {
		return u, "", usage("what was given is not the URL of a request: write one like https://api.stripe.com/v1/balance, without user and password")
	}
	if u.Host, err = allowlist.NormalHost(parsed.Hostname()); err != nil {
		return u, "", usage("the host %q %w", parsed.Hostname(), err)
	}
	u.Port = map[string]int{"http": 80, "https": 443}[parsed.Scheme]
	if p := parsed.Port(); p != "" {
		if u.Port, err = strconv.Atoi(p); err != nil || u.Port < 1 || u.Port > 65535 {
			return u, "", usage("the port %q is not a number from 1 to 65535", p)
		}
	}
	if u.Method, err = allowlist.ParseMethod(o.method); err != nil {
		return u, "", usage("%w", err)
	}
	if u.Place, err = place.Parse(o.in); err != nil {
		return u, "", usage("%w", err)
	}
	if u.Place == place.Any {
		u.Place = place.Text // what body:any matches and nothing else does
	}
	if u.Path = parsed.EscapedPath(); u.Path == "" {
		u.Path = "/"
	}
	u.Whole = u.Place != place.Text
	return u, parsed.Scheme, nil
}

// limit is what the policy of the agent makes of what the rules say.
func (o allowTest) limit(policy *allowlist.Policy) (func(testedNameJSON, allowlist.Use) testedNameJSON, error) {
	if o.agent == "" {
		return func(n testedNameJSON, _ allowlist.Use) testedNameJSON { return n }, nil
	}
	b, err := agents.Load(policy)
	if err != nil {
		return nil, err
	}
	agent, err := b.Agent(o.agent)
	return func(n testedNameJSON, u allowlist.Use) testedNameJSON {
		var d *agents.DeniedError
		if !n.Text && errors.As(agent.Policy.Check(agent.Name, u), &d) {
			n.Allowed, n.Reason, n.Message, n.Hint = false, reasonAgentDenied, d.Error(), d.Hint()
		}
		n.Decided = append(n.Decided, "agent "+agent.Name)
		return n
	}, err
}

// which names are asked about: those of --name, else all, else any unbound one.
func (o allowTest) which(w where) ([]string, error) {
	if len(o.names) > 0 {
		return checkNames(o.names)
	}
	names, err := w.names()
	if err == nil && len(names) == 0 {
		names = []string{""}
	}
	return names, err
}

func testName(list *allowlist.List, catalogue *allowlist.Catalogue, u allowlist.Use, scheme string) testedNameJSON {
	n := testedNameJSON{Name: u.Name, Decided: orEmpty(list.Deciding(u))}
	err := list.Check(u)
	var d *allowlist.DeniedError
	switch {
	case list.IsText(u, catalogue):
		n.Text, n.Message, n.Hint = true, "the placeholder stands there as text and passes as it is", list.PlaceHint(u)
	case scheme != "https" && !list.Options(u).Plaintext:
		n.Reason, n.Message, n.Hint = "plaintext_denied", "no value is sent over plaintext http", "write the URL with https://"
		if isLoopbackName(u.Host) {
			n.Hint = list.Adding(u) + " --plaintext"
		}
	case errors.As(err, &d):
		n.Reason, n.Message, n.Hint = d.Reason, d.Error(), d.Hint()
	default:
		n.Allowed = err == nil
	}
	return n
}

const lookupTime = 5 * time.Second

// guardsFor are what decides about an address that --resolve names, and about others.
func guardsFor(scheme string, o allowlist.Options) (pinned, other func(netip.Addr) error) {
	loopback := func(a netip.Addr) error {
		if !a.IsLoopback() {
			return errNotLoopback
		}
		return nil
	}
	switch {
	case scheme != "https" && o.Plaintext:
		return loopback, loopback
	case o.Private:
		return allowlist.GuardMetadata, allowlist.GuardPrivate
	}
	return allowlist.GuardMetadata, allowlist.GuardAddr
}

// addresses asks the guard about what would be dialled. A host that has one
// address that may be is dialled there.
func (t *testedJSON) addresses(ctx context.Context, u allowlist.Use, pins map[string]netip.AddrPort, noLookup bool, pinned, guard func(netip.Addr) error) {
	t.Addresses = []testedAddressJSON{}
	if to, ok := pins[net.JoinHostPort(u.Host, strconv.Itoa(u.Port))]; ok {
		t.address(to.Addr(), true, pinned)
	} else if addr, err := netip.ParseAddr(u.Host); err == nil {
		t.address(addr, false, guard)
	} else if !noLookup {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		t.LookedUp = true
		addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Host)
		if err != nil {
			t.Lookup = "the name could not be resolved"
		}
		for _, addr := range addrs {
			t.address(addr.Unmap(), false, guard)
		}
	}
	some := len(t.Addresses) == 0
	for _, addr := range t.Addresses {
		some = some || addr.Allowed
	}
	t.Allowed = t.Allowed && some
}

func (t *testedJSON) address(addr netip.Addr, pinned bool, guard func(netip.Addr) error) {
	n := testedAddressJSON{Address: addr.String(), Pinned: pinned}
	if err := guard(addr.Unmap()); err != nil {
		n.Message, n.never = err.Error(), allowlist.GuardMetadata(addr.Unmap()) != nil
	} else {
		n.Allowed = true
	}
	t.Addresses = append(t.Addresses, n)
}

func (t testedJSON) write(out io.Writer) {
	fmt.Fprintf(out, "%s %s, in %s: %s\n", t.Method, cell(t.URL), t.Place, allowedOr(t.Allowed, "would be allowed", "would be denied"))
	for _, n := range t.Names {
		name := n.Name
		if name == "" {
			name = "any unbound secret"
		}
		switch {
		case n.Text:
			fmt.Fprintf(out, "%s: text; %s\n", name, n.Message)
		case n.Allowed:
			fmt.Fprintf(out, "%s: allowed\n", name)
		default:
			fmt.Fprintf(out, "%s: denied, %s: %s\n", name, n.Reason, cell(n.Message))
		}
		if len(n.Decided) > 0 {
			fmt.Fprintf(out, "  by %s\n", strings.Join(n.Decided, "; "))
		}
		if n.Hint != "" {
			fmt.Fprintf(out, "  to change it: %s\n", n.Hint)
		}
	}
	t.writeAddresses(out)
}

func (t testedJSON) writeAddresses(out io.Writer) {
	switch {
	case t.Lookup != "":
		fmt.Fprintf(out, "Address: %s: look at its spelling, and at the network\n", t.Lookup)
		fmt.Fprintln(out, "  to change it: --resolve HOST:PORT:ADDR, or --parent http://HOST:PORT where only a proxy knows names, of run, call or proxy start")
	case len(t.Addresses) == 0:
		fmt.Fprintln(out, "Address: not looked up")
	}
	for _, addr := range t.Addresses {
		how := allowedOr(addr.Pinned, ", by --resolve", allowedOr(t.LookedUp, ", looked up in DNS", ""))
		if addr.Allowed {
			fmt.Fprintf(out, "Address %s%s: allowed\n", addr.Address, how)
			continue
		}
		if addr.Message == errNotLoopback.Error() {
			fmt.Fprintf(out, "Address %s%s: denied, plaintext_denied: %s\n", addr.Address, how, addr.Message)
			continue
		}
		fmt.Fprintf(out, "Address %s%s: denied, private_address: %s\n", addr.Address, how, addr.Message)
		if !addr.Pinned && !addr.never {
			fmt.Fprintf(out, "  to change it: %s, or --allow-private of run, call or proxy start\n", t.adding)
		}
	}
}

func allowedOr(yes bool, then, otherwise string) string {
	if yes {
		return then
	}
	return otherwise
}
