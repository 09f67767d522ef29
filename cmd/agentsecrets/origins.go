package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/allowlist"
)

// The flags that open origins decide where a value goes, so they are policy: a
// program could use them as a "get". For names that only exist on a machine of
// one's own they are free; for others they want the workspace password.

// originFlags are those flags as they were given.
type originFlags struct {
	ca           []string
	resolve      []string
	allowPrivate bool
	parent       string
	adopts       bool // without --parent, the proxy in HTTPS_PROXY is the parent
	egress       egressFlags
}

const originHelp = `--origin-ca, --resolve, --parent and --allow-private decide where values go. They are free
for names under .test, .localhost and .invalid; for others they need the workspace
password, or a yes on a terminal where there is none. In a run they are refused.`

// originFlagNames are all of them, as messages say them.
const originFlagNames = "--origin-ca, --resolve, --parent, --allow-private, --egress and --tunnel"

func (o *originFlags) refusedInRun() error {
	return denied("", "inside a run "+originFlagNames+" are refused")
}

func (o *originFlags) define(a *app, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.ca, "origin-ca", nil, "file of more root certificates for origins (repeatable)")
	f.StringArrayVar(&o.resolve, "resolve", nil, "HOST:PORT:ADDR[:PORT], dial this address for the host, as with curl (repeatable)")
	f.BoolVar(&o.allowPrivate, "allow-private", false, "values may go to private addresses")
	f.StringVar(&o.parent, "parent", "", "reach origins through this proxy: http://HOST:PORT, env or none")
	o.egress.define(cmd)
	a.passwordFlag(cmd)
	cmd.Long = strings.TrimSpace(cmd.Long + "\n\n" + originHelp + "\n\n" + parentHelp + "\n\n" + egressHelp)
}

func (o *originFlags) any() bool { return o.policy() || o.parent != "" || o.egress.any() }

// policy reports whether a flag was given that decides where values go.
func (o *originFlags) policy() bool {
	return len(o.ca) > 0 || len(o.resolve) > 0 || o.allowPrivate || o.namesParent()
}

// origins is what the flags mean. All methods are for mitm.Config.
type origins struct {
	pins       map[string]netip.AddrPort // by "host:port"
	private    bool                      // --allow-private
	everywhere bool                      // the password was given: not for test names alone
	files      []string                  // of --origin-ca
	clients    []string                  // files of more roots for exchanges without a value
	roots      atomic.Pointer[roots]
	egress     egress
	parents    parents
}

// roots are what certificate files held when they were read.
type roots struct {
	extra *x509.CertPool        // system roots and --origin-ca; nil without
	sum   [sha256.Size]byte     // of the files of --origin-ca
	plain func() *x509.CertPool // for exchanges without a value
}

// origins reads the flags, and asks for the password where they need it.
func (a *app) origins(ctx context.Context, w where, o originFlags) (*origins, error) {
	r := &origins{pins: map[string]netip.AddrPort{}, private: o.allowPrivate, files: o.ca, clients: clientRoots(a.variable)}
	var err error
	if r.egress, err = o.egress.parse(); err != nil {
		return nil, err
	}
	if r.parents, err = a.parents(ctx, w.home, o); err != nil {
		return nil, err
	}
	now, err := r.readRoots()
	if err != nil {
		return nil, err
	}
	r.roots.Store(now)
	for _, text := range o.resolve {
		key, to, err := parseResolve(text)
		if err != nil {
			return nil, err
		}
		r.pins[key] = to
	}
	r.everywhere = o.policy() && (a.passwordFile != "" || a.answers.authorizes())
	if real := r.realNames(); r.everywhere || real != "" {
		what := "what --origin-ca, --resolve, --parent and --allow-private say"
		if real != "" {
			what = "--resolve for " + real
		}
		if err := a.authorize(ctx, w.home, w.WorkspaceID, w.WorkspaceName, what); err != nil {
			return nil, err
		}
		r.everywhere = true
	}
	if !r.everywhere && len(r.pins) == 0 && (now.extra != nil || r.private || o.namesParent()) { // with pins it is clear which names are meant
		a.say("agentsecrets: --origin-ca, --parent and --allow-private count for .test, .localhost and .invalid names; --password-file makes them count for all")
	}
	return r, nil
}

// realNames lists the pinned hosts that are not test names.
func (r *origins) realNames() string {
	var real []string
	for key := range r.pins {
		if host, _, _ := net.SplitHostPort(key); !isTestName(host) {
			real = append(real, host)
		}
	}
	slices.Sort(real) // a yes counts for what was asked, word for word
	return strings.Join(real, ", ")
}

// isTestName: names that no public DNS resolves (RFC 6761).
func isTestName(host string) bool {
	for _, top := range []string{"test", "localhost", "invalid"} {
		if host == top || strings.HasSuffix(host, "."+top) {
			return true
		}
	}
	return false
}

func (r *origins) readRoots() (*roots, error) {
	extra, sum, err := withRoots(r.files)
	if err != nil {
		return nil, err
	}
	plain := sync.OnceValue(func() *x509.CertPool { // when first asked for: it takes longer than all the rest of a start
		pool, _, err := withRoots(slices.Concat(r.clients, r.files))
		if err != nil {
			return extra
		}
		return pool
	})
	return &roots{extra, sum, plain}, nil
}

// reload reads the files of --origin-ca again. Where they count for all names
// they were part of what the password was given for: others need it again.
func (r *origins) reload() error {
	now, err := r.readRoots()
	if err != nil {
		return err
	}
	if r.everywhere && now.sum != r.roots.Load().sum {
		return denied("agentsecrets proxy stop", "the files of --origin-ca have changed, and the password was given for what they were: start the proxy anew")
	}
	r.roots.Store(now)
	return nil
}

// withRoots returns the system's roots and those in files, nil where there is
// none, and a digest of the files.
func withRoots(files []string) (pool *x509.CertPool, sum [sha256.Size]byte, err error) {
	if len(files) == 0 {
		return nil, sum, nil
	}
	if pool, err = x509.SystemCertPool(); err != nil {
		return nil, sum, fmt.Errorf("load the system's root certificates: %w", err)
	}
	var all []byte
	for _, file := range files {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, sum, fmt.Errorf("read root certificates: %w", err)
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, sum, usage("no certificate in PEM form in %s", file)
		}
		all = append(all, pem...)
	}
	return pool, sha256.Sum256(all), nil
}

// clientRoots are the root files that programs here were told to trust when we
// were started. They verify exchanges that carry no value.
func clientRoots(variable func(string) string) []string {
	var files []string
	seen := map[string]bool{}
	for _, name := range []string{
		"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO",
		"AWS_CA_BUNDLE", "PIP_CERT", "CARGO_HTTP_CAINFO", "DENO_CERT",
	} {
		file := variable(name)
		if file == "" || seen[file] {
			continue
		}
		seen[file] = true
		if text, err := os.ReadFile(file); err == nil && holdsCertificate(text) {
			files = append(files, file) // one that the program could not use either is left out
		}
	}
	return files
}

// holdsCertificate reports whether AppendCertsFromPEM takes anything of text; it stops at
// the first, since lists of all roots are long.
func holdsCertificate(text []byte) bool {
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return false
		}
		if x509.NewCertPool().AppendCertsFromPEM(pem.EncodeToMemory(block)) {
			return true
		}
	}
}

// Pin names the address to dial. An --allow-private that counts for test names
// alone pins those to what they resolve to: a pinned address may be private.
func (r *origins) Pin(host string, port int) (netip.AddrPort, bool) {
	if to, ok := r.pins[net.JoinHostPort(host, strconv.Itoa(port))]; ok {
		return to, true
	}
	if !r.private || r.everywhere || !isTestName(host) {
		return netip.AddrPort{}, false
	}
	addrs, err := net.DefaultResolver.LookupNetIP(context.Background(), "ip", host)
	if err != nil || len(addrs) == 0 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(addrs[0].Unmap(), uint16(port)), true
}

// Guard refuses addresses that a value may not go to.
func (r *origins) Guard(addr netip.Addr) error {
	if r.private && r.everywhere {
		return allowlist.GuardMetadata(addr)
	}
	return allowlist.GuardAddr(addr)
}

// Roots verify exchanges that may carry a value; nil means the system's.
func (r *origins) Roots(host string) *x509.CertPool {
	if r.everywhere || isTestName(host) {
		return r.roots.Load().extra
	}
	return nil
}

// PlainRoots verify exchanges that carry none.
func (r *origins) PlainRoots(string) *x509.CertPool { return r.roots.Load().plain() }
