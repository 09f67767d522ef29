package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
)

// ruleFlags are the flags of allowlist add.
type ruleFlags struct {
	in                        []string
	private, plaintext, slice bool
	ca                        []string
}

const ruleHelp = `The other flags say how requests are made that these rules allow, where nothing else is
safe by itself: to private addresses, over http:// on this machine, in parts, to a host
with a certificate of your own authority. A rule that is there gets the options that are
given here in place of its own; without any it stays as it is.`

func (o *ruleFlags) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.in, "in", nil, "place in a request, as of secrets bind, for all these rules (repeatable; default: any that the binding allows)")
	f.BoolVar(&o.private, "private", false, "values may go to private addresses of these hosts; never to metadata services")
	f.BoolVar(&o.plaintext, "plaintext", false, "values may go to http:// URLs of these hosts, on loopback addresses alone")
	f.BoolVar(&o.slice, "range", false, "parts of responses may be asked for; a part of an echo is not redacted")
	f.StringArrayVar(&o.ca, "ca", nil, "file of root certificates that verify these hosts, beside the system's; kept in the rule (repeatable)")
}

// ruleOptions reads the files of --ca: the rule keeps what is in them now.
func (a *app) ruleOptions(o ruleFlags) (allowlist.Options, error) {
	options := allowlist.Options{Private: o.private, Plaintext: o.plaintext, Range: o.slice}
	var all []byte
	for _, file := range o.ca {
		pem, err := os.ReadFile(file)
		if err != nil {
			return options, fmt.Errorf("read root certificates: %w", err)
		}
		if _, err := allowlist.ParseCA(pem); err != nil {
			return options, usage("--ca %s %w", file, err)
		}
		all = append(append(all, pem...), '\n')
	}
	if len(o.ca) == 0 {
		return options, nil
	}
	var err error
	if options.CA, err = allowlist.ParseCA(all); err != nil {
		return options, usage("--ca %s %w", strings.Join(o.ca, ", "), err)
	}
	for _, c := range options.Certificates() {
		if time.Now().After(c.NotAfter) {
			a.warn("the certificate of %s expired on %s, and verifies nothing", cell(c.Subject.String()), c.NotAfter.Format("2006-01-02"))
		}
	}
	return options, nil
}

// warnOfPlaintext says what will not work: which address a name has is only
// known when it is dialled.
func (a *app) warnOfPlaintext(r allowlist.Rule) {
	if !r.Plaintext {
		return
	}
	if !isLoopbackName(r.Host) {
		a.warn("--plaintext: values go over http:// to loopback addresses alone; to any other address of %s they are refused", r)
	}
	if r.Port == 0 {
		a.warn("--plaintext: %s is for port 443, and http:// asks port 80 unless the URL names one: add HOST:PORT", r)
	}
}

// warnOfLoopback says what is not plain to see: the variables of a run have
// programs go past the proxy to servers on this machine.
func (a *app) warnOfLoopback(rules []allowlist.Rule) {
	var here []string
	for _, r := range rules {
		if isLoopbackName(r.Host) {
			here = append(here, r.String())
		}
	}
	if len(here) > 0 {
		a.warn("programs of a run go past the proxy to %s (NO_PROXY), where placeholders arrive as they are: use agentsecrets call, or curl --noproxy none.test", strings.Join(here, ", "))
	}
}

// isLoopbackName tells hosts that are this machine by what they are called.
func isLoopbackName(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && addr.IsLoopback()
}

var errNotLoopback = errors.New("values go over plaintext http to loopback addresses alone")
