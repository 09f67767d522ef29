package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpguts"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/internal/harden"
	"github.com/agentsecrets/agentsecrets/internal/runtree"
	"github.com/agentsecrets/agentsecrets/internal/style"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// callOptions are the flags of call, as they were given.
type callOptions struct {
	url, method          string
	bearer, basic        string
	header, query        []string
	bodyField, formField []string
	body, bodyFile       string
	forward              []string
	origins              originFlags
	audit                auditFlags
	log                  logFlag
	hasBody, include     bool
	token                string // of an agent
}

func (a *app) callCommand() *cobra.Command {
	var o callOptions
	cmd := &cobra.Command{
		Use:   "call --url URL",
		Short: "Make one request with secrets, and show what came back",
		Long: `Make one request. The styles say where secrets go and may be combined; each is
given the name of a secret, and a text that is no such name is taken as it is.

The body of the response goes to standard output as it comes; --output json makes
one line of status, header fields and body. A status of 400 and above is a failure.`,
		Example: `  agentsecrets call --url https://api.stripe.com/v1/balance --bearer STRIPE_KEY
  agentsecrets call --url https://maps.googleapis.com/maps/api/geocode/json \
      --query key=GMAP_KEY --query "address=Lagos, Nigeria"
  agentsecrets call --url https://api.stripe.com/v1/customers --bearer STRIPE_KEY --form-field name=Ada --output json`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.hasBody = cmd.Flags().Changed("body")
			var err error
			if o.token, err = a.agentToken(cmd); err != nil {
				return err
			}
			return a.call(cmd.Context(), o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.url, "url", "", "what to ask for (required)")
	f.StringVar(&o.method, "method", "", "request method (default GET, or POST with a body)")
	f.StringVar(&o.bearer, "bearer", "", "NAME for Authorization: Bearer")
	f.StringVar(&o.basic, "basic", "", "NAME for Authorization: Basic; kept as user:password")
	f.StringArrayVar(&o.header, "header", nil, "FIELD=NAME (repeatable)")
	f.StringArrayVar(&o.query, "query", nil, "PARAM=NAME (repeatable)")
	f.StringArrayVar(&o.bodyField, "body-field", nil, "PATH=NAME, dotted path in the JSON body (repeatable)")
	f.StringArrayVar(&o.formField, "form-field", nil, "FIELD=NAME (repeatable)")
	f.StringVar(&o.body, "body", "", "request body")
	f.StringVar(&o.bodyFile, "body-file", "", "file with the request body, - for standard input")
	f.StringArrayVar(&o.forward, "forward-header", nil, `"FIELD: VALUE" to send as it is (repeatable)`)
	f.BoolVar(&o.include, "include", false, "show status and header fields before the body")
	agentFlag(cmd)
	o.origins.define(a, cmd)
	o.audit.define(cmd)
	o.log.define(a, cmd, "")
	return cmd
}

func (a *app) call(ctx context.Context, o callOptions) error {
	styles, err := o.styles()
	if err != nil {
		return err
	}
	req, done, err := a.callRequest(ctx, o)
	if err != nil {
		return err
	}
	defer done()
	w := a.newCallWriter(o.include)
	inside, err := runtree.Inside()
	switch {
	case err != nil:
		return err
	case inside:
		err = a.callInRun(w, req, styles, o)
	default:
		err = a.callAlone(ctx, w, req, styles, o)
	}
	return w.end(ctx.Err() != nil, err)
}

// callAlone makes the exchange in this process; no daemon is needed.
func (a *app) callAlone(ctx context.Context, w *callWriter, req *http.Request, styles style.Styles, o callOptions) (err error) {
	at, err := a.where()
	if err != nil {
		return err
	}
	s, err := at.secrets(ctx)
	if err != nil {
		return err
	}
	origins, err := a.origins(ctx, at, o.origins)
	if err != nil {
		return err
	}
	log, err := o.log.logger(a.stderr)
	if err != nil {
		return err
	}
	h, err := build(plan{where: at, store: s.store.serving(), origins: origins, authority: ca.NewEphemeral, sharedLog: true, audit: o.audit, log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close(grace)) }()
	if err := harden.NoCore(); err != nil {
		return err
	}
	scope := h.asAgent(at.scope(), o.token)
	run := h.proxy.NewRun(func() mitm.Scope { return scope })
	defer run.Revoke()
	return w.exchange(func() *mitm.Result { return h.proxy.Call(w, req, run, styles) })
}

// styles reads FIELD=NAME pairs.
func (o callOptions) styles() (s style.Styles, err error) {
	s.Bearer, s.Basic = o.bearer, o.basic
	for _, k := range []struct {
		flag  string
		texts []string
		pairs *[]style.Pair
	}{
		{"header", o.header, &s.Header}, {"query", o.query, &s.Query},
		{"body-field", o.bodyField, &s.Body}, {"form-field", o.formField, &s.Form},
	} {
		for _, t := range k.texts {
			field, name, ok := strings.Cut(t, "=")
			if !ok || field == "" {
				return s, usage("--%s %q: it is FIELD=NAME, as --%s key=STRIPE_KEY", k.flag, t, k.flag)
			}
			*k.pairs = append(*k.pairs, style.Pair{Field: field, Text: name})
		}
	}
	return s, nil
}

// callRequest is the request before any style; done closes its body.
func (a *app) callRequest(ctx context.Context, o callOptions) (*http.Request, func(), error) {
	done := func() {}
	if o.url == "" {
		f := usage("which URL? --url is missing")
		f.hint = "agentsecrets call --url https://api.stripe.com/v1/balance --bearer STRIPE_KEY"
		return nil, done, f
	}
	if o.hasBody && o.bodyFile != "" {
		return nil, done, usage("give --body or --body-file")
	}
	body, size, done, err := a.callBody(o)
	if err != nil {
		return nil, done, err
	}
	method := strings.ToUpper(o.method)
	if method == "" {
		method = http.MethodGet
		if body != nil || len(o.bodyField)+len(o.formField) > 0 {
			method = http.MethodPost
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, o.url, body)
	if err != nil || req.URL.Host == "" {
		return nil, done, usage("%q with %q is no request: it takes an absolute URL, as https://api.stripe.com/v1/balance, and a method", o.url, method)
	}
	if size >= 0 {
		req.ContentLength = size
	}
	for _, line := range o.forward {
		field, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, done, usage("--forward-header %q: it is \"FIELD: VALUE\"", line)
		}
		value = strings.TrimSpace(value)
		if !httpguts.ValidHeaderFieldName(field) || !httpguts.ValidHeaderFieldValue(value) { // such as one with a line break, behind which another field stands
			return nil, done, usage("--forward-header: %q with this value cannot be a header field", field)
		}
		req.Header.Add(field, value)
	}
	if o.hasBody && req.Header.Get("Content-Type") == "" && looksLikeJSON(o.body) {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, done, nil
}

// callBody opens the body; size is -1 where it is not known. A file streams.
func (a *app) callBody(o callOptions) (body io.Reader, size int64, done func(), err error) {
	done = func() {}
	switch {
	case o.hasBody:
		return strings.NewReader(o.body), int64(len(o.body)), done, nil
	case o.bodyFile == "":
		return nil, -1, done, nil
	case o.bodyFile == "-":
		return a.stdin, -1, done, nil
	}
	f, err := os.Open(o.bodyFile)
	if err != nil {
		return nil, 0, done, fmt.Errorf("read the request body: %w", err)
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f, -1, func() { f.Close() }, err
	}
	return f, info.Size(), func() { f.Close() }, nil
}

func looksLikeJSON(body string) bool {
	t := strings.TrimSpace(body)
	return strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[")
}
