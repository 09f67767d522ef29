package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/agentsecrets/agentsecrets/internal/style"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// callInRun sends the request, with placeholders, through the proxy of the run
// that we are in: its project, environment and rules hold.
func (a *app) callInRun(w *callWriter, req *http.Request, styles style.Styles, o callOptions) error {
	if err := a.staysInRun(o); err != nil {
		return err
	}
	client, err := a.runClient()
	if err != nil {
		return err
	}
	return a.throughRun(client, w, req, styles, o.token)
}

// staysInRun refuses what would lead out of the run that we are in.
func (a *app) staysInRun(o callOptions) error {
	if err := a.staysInProject(); err != nil {
		return err
	}
	if o.origins.any() {
		return o.origins.refusedInRun()
	}
	if o.audit.any() {
		return denied("", "inside a run the records are the outer run's: leave --audit and --audit-sync away")
	}
	if o.log.level != "" {
		return denied("", "inside a run the proxy is the outer run's: leave --log-level away")
	}
	return nil
}

// staysInProject refuses a project or environment that are not those of the run that
// we are in. What its proxy says of them decides about this message alone: the run's
// count, whatever was asked for.
func (a *app) staysInProject() error {
	if a.project == "" && a.environment == "" && a.workspace == "" || a.namesTheRuns() {
		return nil
	}
	return denied("", "inside a run its project and environment stay: leave --project, --environment and --workspace away")
}

func (a *app) namesTheRuns() bool {
	proxy, err := url.Parse(a.variable("HTTPS_PROXY"))
	if err != nil {
		return false
	}
	w, err := a.where()
	if err != nil {
		return false
	}
	h, ok := healthAt(context.Background(), proxy.Host)
	return ok && h.Project != "" && h.Project == w.ProjectID && (a.environment == "" || a.environment == h.Environment)
}

// throughRun makes the exchange by way of client, which is the run's, as the agent that
// token is of, if any.
func (a *app) throughRun(client *http.Client, w *callWriter, req *http.Request, styles style.Styles, token string) error {
	if err := styles.Apply(req); err != nil {
		return usage("%w", err)
	}
	if token != "" {
		req = withToken(req, a.variable("HTTPS_PROXY"), token)
		client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: client.CheckRedirect}
	}
	resp, err := client.Do(req)
	if err != nil {
		return &failure{code: exitUnreachable, err: fmt.Errorf("the run's proxy cannot be reached")}
	}
	defer resp.Body.Close()
	for k, vs := range resp.Header {
		w.header[k] = vs
	}
	w.result = &mitm.Result{Exchange: resp.Header.Get("AgentSecrets-Exchange")}
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(w, resp.Body); err != nil {
		w.cut = true
	}
	w.result.Redactions = redactions(resp.Header, w)
	w.result.Refused = refusalIn(resp.Header, w.body.Bytes())
	return nil
}

// withToken is req as the proxy itself takes it, with the token of an agent: through
// a tunnel it could only be shown to the origin.
func withToken(req *http.Request, proxyURL, token string) *http.Request {
	proxy, err := url.Parse(proxyURL)
	if err != nil {
		return req // runClient has read it
	}
	out := req.Clone(req.Context())
	out.Header.Set("X-AS-Target-URL", req.URL.String())
	out.Header.Set("X-AS-Method", req.Method)
	out.Header.Set("X-AS-Agent-Token", token)
	password, _ := proxy.User.Password()
	out.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(proxy.User.Username()+":"+password)))
	out.URL, out.Host = &url.URL{Scheme: "http", Host: proxy.Host, Path: "/proxy"}, ""
	return out
}

// runClient goes through the run's proxy and follows no redirect.
func (a *app) runClient() (*http.Client, error) {
	proxy, err := url.Parse(a.variable("HTTPS_PROXY"))
	if err != nil || proxy.Host == "" {
		return nil, &failure{code: exitUnreachable, err: fmt.Errorf("inside a run, and HTTPS_PROXY does not name its proxy")}
	}
	pem, err := os.ReadFile(a.variable("AGENTSECRETS_CA"))
	roots := x509.NewCertPool()
	if err != nil || !roots.AppendCertsFromPEM(pem) {
		return nil, &failure{code: exitUnreachable, err: fmt.Errorf("inside a run, and AGENTSECRETS_CA does not name its certificate")}
	}
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// redactions are those that the head tells of; in a body they show by their marker.
func redactions(h http.Header, w *callWriter) int {
	n, _ := strconv.Atoi(h.Get("AgentSecrets-Redacted"))
	return n + strings.Count(w.body.String(), "[REDACTED_BY_AGENTSECRETS]")
}

// refusalIn reads a refusal of the proxy, which an origin's problem lacks the
// exchange of.
func refusalIn(h http.Header, body []byte) *mitm.Problem {
	var p struct {
		Status                             int
		Error, Message, Hint, Domain, Name string
		Exchange                           string
	}
	if h.Get("Content-Type") != "application/problem+json" || json.Unmarshal(body, &p) != nil ||
		p.Exchange == "" || p.Exchange != h.Get("AgentSecrets-Exchange") {
		return nil
	}
	return &mitm.Problem{Status: p.Status, Slug: p.Error, Message: p.Message, Hint: p.Hint, Domain: p.Domain, Name: p.Name}
}
