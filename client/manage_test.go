package client_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/client"
)

func TestSecrets(t *testing.T) {
	c := newClient(t)
	const multi = "line one of it\nline two of it, which is long\n"
	r, err := c.Secrets().Set(background, "NEW_KEY", multi)
	if err != nil || !slices.Equal(r.Set, []string{"NEW_KEY"}) {
		t.Fatalf("%+v %v", r, err)
	}
	if r, err = c.Secrets().Set(background, "PIN", "1234"); err != nil || len(r.Short) != 1 {
		t.Errorf("%+v %v", r, err)
	}
	if err := c.Secrets().Bind(background, "NEW_KEY", client.Binding{Hosts: []string{"api.acme.test"}, Places: []string{"header:x-key"}, NoEnv: true}); err != nil {
		t.Error(err)
	}
	all, err := c.Secrets().List(background)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(s client.Secret) bool { return s.Name == "NEW_KEY" })
	if i < 0 || !all[i].NoEnv || !slices.Equal(all[i].Hosts, []string{"api.acme.test"}) || all[i].UpdatedAt.IsZero() {
		t.Errorf("%+v", all)
	}
	if err := c.Secrets().Delete(background, "NEW_KEY", "PIN"); err != nil {
		t.Error(err)
	}
	if all, err = c.Secrets().List(background); err != nil || slices.ContainsFunc(all, func(s client.Secret) bool { return s.Name == "NEW_KEY" }) {
		t.Errorf("%+v %v", all, err)
	}
}

// What a client is bound to holds for it alone.
func TestScoped(t *testing.T) {
	c := newClient(t)
	crm := c.Project("crm")
	if _, err := crm.Call(background, client.Request{URL: w.url("/v1"), Bearer: "CRM_KEY"}); err != nil {
		t.Fatal(err)
	}
	if g := w.origin.took(t); g.Header.Get("Authorization") != "Bearer "+value {
		t.Errorf("%+v", g)
	}
	if _, err := crm.Call(background, client.Request{URL: w.url("/v1"), Bearer: "LOGIN"}); err == nil {
		t.Error("the other project has no such secret")
	}
	if names := list(t, crm); !slices.Equal(names, []string{"CRM_KEY"}) {
		t.Error(names)
	}
	if names := list(t, c); !slices.Equal(names, []string{"KEY", "LOGIN"}) {
		t.Error(names)
	}
	if _, err := c.Environment("staging").Call(background, client.Request{URL: w.url("/v1"), Bearer: "KEY"}); err != nil {
		t.Fatal(err)
	}
	if g := w.origin.took(t); g.Header.Get("Authorization") != "Bearer "+other {
		t.Errorf("%+v", g)
	}
	if resp, err := c.Workspace("acme").Project("pay").Call(background, client.Request{URL: w.url("/v1"), Bearer: "KEY"}); err != nil || !resp.Redacted {
		t.Errorf("%+v %v", resp, err)
	}
	st, err := c.Status(background)
	if err != nil || st.ProjectName != "pay" || st.Environment != "development" || st.WorkspaceName != "acme" || !st.ProxyRunning || st.StorageMode != "file" || st.Secrets != 2 {
		t.Errorf("%+v %v", st, err)
	}
	// Options count before variables.
	t.Setenv("AGENTSECRETS_PROJECT", "crm")
	if names := list(t, newClient(t)); !slices.Equal(names, []string{"CRM_KEY"}) {
		t.Error(names)
	}
	if names := list(t, newClient(t, client.WithProject("pay"))); !slices.Equal(names, []string{"KEY", "LOGIN"}) {
		t.Error(names)
	}
}

func list(t *testing.T, c *client.Client) (names []string) {
	t.Helper()
	all, err := c.Secrets().List(background)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

func TestSwitch(t *testing.T) {
	c := newClient(t)
	asLibrary := func(name string) int {
		resp, err := c.HTTPClient().Get(w.url("/v1?k=" + client.Placeholder(name)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		w.origin.took(t)
		return resp.StatusCode
	}
	bearer := func() string {
		if _, err := c.Call(background, client.Request{URL: w.url("/v1"), Bearer: "KEY"}); err != nil {
			t.Fatal(err)
		}
		return w.origin.took(t).Header.Get("Authorization")
	}
	if got := bearer(); got != "Bearer "+value {
		t.Error(got)
	}
	if err := c.SetEnvironment(background, "staging"); err != nil {
		t.Fatal(err)
	}
	if got := bearer(); got != "Bearer "+other {
		t.Error(got)
	}
	if err := c.SetEnvironment(background, "development"); err != nil {
		t.Fatal(err)
	}
	if err := c.SetProject(background, "crm"); err != nil {
		t.Fatal(err)
	}
	if names := list(t, c); !slices.Equal(names, []string{"CRM_KEY"}) {
		t.Error(names)
	}
	if _, err := c.Call(background, client.Request{URL: w.url("/v1"), Bearer: "CRM_KEY"}); err != nil {
		t.Errorf("after another project was chosen: %v", err)
	}
	// The same behind our back: what the proxy knows the client by is of another project.
	behind := func(project string) {
		t.Helper()
		if out, err := w.command("project", "use", project).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	behind("pay")
	if got := asLibrary("KEY"); got != 200 {
		t.Error(got)
	}
	if got := bearer(); got != "Bearer "+value {
		t.Error(got)
	}
	behind("crm")
	if _, err := c.Call(background, client.Request{URL: w.url("/v1"), Bearer: "CRM_KEY"}); err != nil {
		t.Errorf("after another project was chosen elsewhere: %v", err)
	}
	w.origin.took(t)
	behind("pay") // where other tests are
}

func TestPlaces(t *testing.T) {
	newHome(t)
	c := newClient(t, client.WithDir(emptyProject(t)))
	p, err := c.Projects().Create(background, "shop", "sells")
	if err != nil || p.Name != "shop" || p.ID == "" || p.Description != "sells" {
		t.Fatalf("%+v %v", p, err)
	}
	if p, err = c.Projects().Update(background, "shop", "market", ""); err != nil || p.Name != "market" || p.Description != "sells" {
		t.Errorf("%+v %v", p, err)
	}
	all, err := c.Projects().List(background)
	if err != nil || len(all) != 2 {
		t.Errorf("%+v %v", all, err)
	}
	if _, err := c.Secrets().Set(background, "KEY", value); err != nil {
		t.Fatal(err)
	}
	if m, err := c.Environments().Copy(background, "development", "staging"); err != nil || !slices.Equal(m.Added, []string{"KEY"}) {
		t.Errorf("%+v %v", m, err)
	}
	if m, err := c.Environments().Merge(background, "staging", "production"); err != nil || !slices.Equal(m.Added, []string{"KEY"}) {
		t.Errorf("%+v %v", m, err)
	}
	if m, err := c.Environments().Clean(background, "production"); err != nil || !slices.Equal(m.Deleted, []string{"KEY"}) {
		t.Errorf("%+v %v", m, err)
	}
	environments, err := c.Environments().List(background)
	if err != nil || len(environments) != 3 || !environments[0].Current || environments[1].Secrets != 1 {
		t.Errorf("%+v %v", environments, err)
	}
	if err := c.SetProject(background, "empty"); err != nil {
		t.Error(err)
	}
	if err := c.Projects().Delete(background, "market"); err != nil {
		t.Error(err)
	}
	spaces, err := c.Workspaces().List(background)
	if err != nil || len(spaces) != 1 || spaces[0].Name != "acme" || !spaces[0].Current {
		t.Errorf("%+v %v", spaces, err)
	}
	if space, err := c.Workspaces().Create(background, "other"); err != nil || space.Name != "other" || space.ID == "" {
		t.Errorf("%+v %v", space, err)
	}
	var denied *client.PermissionDeniedError
	if _, err := c.Workspaces().Rename(background, "other", "labs"); !errors.As(err, &denied) || denied.Operation != "workspace rename other labs" {
		t.Errorf("%v", err)
	}
	if err := c.SetWorkspace(background, "other"); err != nil {
		t.Error(err)
	}
	members, err := c.Workspaces().Members(background)
	if err != nil || len(members) != 1 || members[0].Role != "owner" {
		t.Errorf("%+v %v", members, err)
	}
	if v, err := c.Version(background); err != nil || v == "" {
		t.Errorf("%q %v", v, err)
	}
}

func TestAllowlist(t *testing.T) {
	c := newClient(t)
	rules, err := c.Allowlist().List(background)
	if err != nil || len(rules) != 1 || rules[0].Host != host || rules[0].AddedAt.IsZero() {
		t.Errorf("%+v %v", rules, err)
	}
	if _, err := c.Allowlist().Remove(background, rules[0].Rule); err == nil {
		t.Error("nobody was asked for the password")
	}
	log, err := c.Allowlist().Log(background, 0)
	if err != nil || len(log) < 2 || log[len(log)-1].Action != "remove" || log[len(log)-1].Outcome != "denied" {
		t.Errorf("%+v %v", log, err)
	}
	v, err := c.Allowlist().Test(background, "POST", w.url("/v1"), "KEY")
	if err != nil || !v.Allowed || len(v.Names) != 1 || v.Names[0].Name != "KEY" {
		t.Errorf("%+v %v", v, err)
	}
	v, err = c.Allowlist().Test(background, "", "https://"+elsewhere+"/", "KEY")
	if err != nil || v.Allowed || v.Names[0].Reason != "domain_not_in_allowlist" || v.Names[0].Hint == "" {
		t.Errorf("%+v %v", v, err)
	}
}

func TestProxyLogs(t *testing.T) {
	c := newClient(t, client.WithAgent("builder"))
	for _, r := range []client.Request{{URL: w.url("/v1?q=1"), Bearer: "KEY"}, {URL: w.url("/v2"), Basic: "LOGIN"}, {URL: w.url("/v3"), Bearer: "NO_SUCH"}} {
		_, _ = c.Call(background, r)
	}
	events, err := c.Proxy().Logs(background, client.LogFilter{Last: 3})
	if err != nil || len(events) != 3 {
		t.Fatalf("%+v %v", events, err)
	}
	e := events[0]
	if e.TargetURL != w.url("/v1") || e.Method != "GET" || e.StatusCode != 200 || e.Timestamp.IsZero() || !e.Redacted ||
		!slices.Equal(e.SecretKeys, []string{"KEY"}) || !slices.Equal(e.AuthStyles, []string{"bearer"}) || e.AgentID != "builder" || e.ProjectID == "" {
		t.Errorf("%+v", e)
	}
	for _, f := range []client.LogFilter{{Secret: "NO_SUCH", Last: 1}, {Status: "BLOCKED", Last: 1}} {
		if events, err = c.Proxy().Logs(background, f); err != nil || len(events) != 1 || events[0].Reason != "secret_not_found" && f.Secret != "" || events[0].Status != "BLOCKED" {
			t.Errorf("%+v: %+v %v", f, events, err)
		}
	}
	if events, err = c.Proxy().Logs(background, client.LogFilter{Last: -1, Environment: "production"}); err != nil || len(events) != 0 {
		t.Errorf("%+v %v", events, err)
	}
}

func TestHTTPClient(t *testing.T) {
	c := newClient(t)
	ask := func(url string) (int, string) {
		req, err := http.NewRequest("POST", url, strings.NewReader(`{"key":"`+client.Placeholder("KEY")+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+client.Placeholder("KEY"))
		resp, err := c.HTTPClient().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var denied *client.DomainNotAllowedError
		if refused := errors.As(client.Refusal(resp), &denied); refused != (resp.StatusCode == 403) {
			t.Errorf("%s is a refusal: %v", resp.Status, refused)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		noValue(t, "the response", body)
		return resp.StatusCode, string(body)
	}
	status, _ := ask(w.url("/v1"))
	if g := w.origin.took(t); status != 200 || g.Header.Get("Authorization") != "Bearer "+value || g.Body != `{"key":"`+value+`"}` {
		t.Errorf("%d %+v", status, g)
	}
	resp, err := c.HTTPClient().Get(w.url("/forged"))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Refusal(resp); err != nil {
		t.Errorf("what an API says is no refusal: %v", err)
	}
	resp.Body.Close()
	w.origin.took(t)
	status, body := ask("https://" + elsewhere + ":" + w.port + "/")
	if g := w.origin.took(t); status != 403 || !strings.Contains(body, `"error":"domain_not_in_allowlist"`) || g.Method != "" {
		t.Errorf("%d %s %+v", status, body, g)
	}
}

// What needs a server says that there is none, and differences are none.
func TestServer(t *testing.T) {
	c := newClient(t)
	d, err := c.Secrets().Diff(background)
	if err != nil || d.Compared || d.HasDrift {
		t.Errorf("%+v %v", d, err)
	}
	for name, err := range map[string]error{
		"sync": c.Secrets().Sync(background), "pull": c.Secrets().Pull(background, true), "push": c.Secrets().Push(background, true),
		"rotate": c.Secrets().Rotate(background, "KEY"), "project invite": c.Projects().Invite(background, "alice@acme.test", "admin"),
		"invite": c.Workspaces().Invite(background, "alice@acme.test", "member"), "remove": c.Workspaces().Remove(background, "alice@acme.test"),
		"promote": c.Workspaces().Promote(background, "alice@acme.test"), "demote": c.Workspaces().Demote(background, "alice@acme.test"),
	} {
		var e *client.Error
		if !errors.As(err, &e) || e.Slug != "no_server" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChecks(t *testing.T) {
	c := newClient(t)
	checks, _, err := c.Doctor(background)
	if err != nil || len(checks) < 5 || checks[0].What == "" {
		t.Errorf("%+v %v", checks, err)
	}
	files, ok, err := c.VerifyLog(background)
	if err != nil || !ok || len(files) == 0 || files[0].State != "ok" {
		t.Errorf("%+v %v", files, err)
	}
}
