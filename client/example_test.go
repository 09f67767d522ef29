package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/agentsecrets/agentsecrets/client"
)

// What an example calls: an API that answers with what it got. In a program this is a URL
// such as https://api.stripe.com/v1/balance.
func api(path string) string { return w.url(path) }

// open is client.New for the directory of the tests' project.
func open(options ...client.Option) *client.Client {
	c, err := client.New(append([]client.Option{client.WithDir(w.dir)}, options...)...)
	if err != nil {
		panic(err)
	}
	return c
}

var ctx = context.Background()

func Example() {
	c := open() // client.New()
	defer c.Close()
	resp, err := c.Call(ctx, client.Request{
		URL:    api("/v1/charges"),
		Method: "POST",
		Bearer: "KEY",
		Body:   map[string]any{"amount": 1000, "currency": "usd", "source": "tok_visa"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var charge struct{ Path, Body string }
	if err := resp.JSON(&charge); err != nil {
		fmt.Println(err)
	}
	fmt.Println(resp.StatusCode, charge.Path, charge.Body)
	// Output: 200 /v1/charges {"amount":1000,"currency":"usd","source":"tok_visa"}
}

// The API echoes what it got: the value is taken out.
func ExampleClient_Call_styles() {
	c := open()
	defer c.Close()
	show := func(r client.Request) {
		r.URL = api("/v1")
		resp, err := c.Call(ctx, r)
		if err != nil {
			fmt.Println(err)
			return
		}
		var got struct {
			Query, Body string
			Header      http.Header
		}
		if err := resp.JSON(&got); err != nil {
			fmt.Println(err)
		}
		text := got.Header.Get("Authorization") + got.Header.Get("X-Api-Key") + got.Query + got.Body
		fmt.Println(resp.Redacted, strings.TrimRight(strings.ReplaceAll(text, "[REDACTED_BY_AGENTSECRETS]", "…"), "*"))
	}
	show(client.Request{Bearer: "KEY"})
	show(client.Request{Header: map[string]string{"X-Api-Key": "KEY"}})
	show(client.Request{Query: map[string]string{"address": "Lagos, Nigeria", "key": "KEY"}})
	show(client.Request{FormField: map[string]string{"api_key": "KEY"}})
	show(client.Request{Body: map[string]string{"grant_type": "client_credentials"}, BodyField: map[string]string{"client_id": "me myself"}})
	// Output:
	// true Bearer …
	// true …
	// true address=Lagos%2C+Nigeria&key=…
	// true api_key=…
	// false {"client_id":"me myself","grant_type":"client_credentials"}
}

func ExampleClient_Call_combined() {
	c := open()
	defer c.Close()
	resp, err := c.Call(ctx, client.Request{
		URL:    api("/v1/data"),
		Bearer: "KEY",
		Header: map[string]string{"X-Org-ID": "KEY"},
		Query:  map[string]string{"version": "2026-11-01"},
	})
	fmt.Println(err, resp.StatusCode, resp.Redacted)
	// Output: <nil> 200 true
}

// A goroutine and ctx are what async_call is elsewhere.
func ExampleClient_Call_cancelled() {
	c := open()
	defer c.Close()
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := c.Call(ctx, client.Request{URL: api("/silent"), Bearer: "KEY"})
		ended <- err
	}()
	<-w.origin.asked // the API has the request
	cancel()
	fmt.Println(<-ended)
	<-w.origin.left // and knows that nobody waits any more
	// Output: context canceled
}

func ExampleClient_Call_errors() {
	c := open()
	defer c.Close()
	for _, r := range []client.Request{
		{URL: "https://api.example.test/v1", Bearer: "KEY"},
		{URL: api("/v1"), Bearer: "NO_SUCH_KEY"},
		{URL: api("/broken"), Bearer: "KEY"},
	} {
		_, err := c.Call(ctx, r)
		var domain *client.DomainNotAllowedError
		var secret *client.SecretNotFoundError
		var upstream *client.UpstreamError
		switch {
		case errors.As(err, &domain):
			fmt.Println("not allowed:", domain.Domain, "run:", domain.Hint())
		case errors.As(err, &secret):
			fmt.Println("not there:", secret.Name, "run:", secret.Hint())
		case errors.As(err, &upstream):
			fmt.Println("the API answered", upstream.StatusCode, strings.HasPrefix(string(upstream.Body), "{"))
		}
	}
	// Output:
	// not allowed: api.example.test run: agentsecrets workspace allowlist add api.example.test
	// not there: NO_SUCH_KEY run: agentsecrets secrets set NO_SUCH_KEY
	// the API answered 418 true
}

// A library that takes an *http.Client gets placeholders for values.
func ExampleClient_HTTPClient() {
	c := open()
	defer c.Close()
	req, err := http.NewRequest("GET", api("/v1/balance"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("Authorization", "Bearer "+client.Placeholder("KEY"))
	fmt.Println(req.Header.Get("Authorization"))
	resp, err := c.HTTPClient().Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, strings.Contains(string(body), "Bearer [REDACTED_BY_AGENTSECRETS]"), err)
	// Output:
	// Bearer AS_SECRET_KEY
	// 200 true <nil>
}

func ExampleClient_Spawn() {
	c := open()
	defer c.Close()
	result, err := c.Spawn(ctx, "sh", "-c", `test -n "$KEY"`)
	fmt.Println(result.ExitCode, err)
	// What it writes is captured, for scripts and tests; of another project without a switch.
	result, err = c.Project("crm").SpawnCapture(ctx, "sh", "-c", `echo "${CRM_KEY:+there} ${KEY:-not there}"; echo no >&2; exit 3`)
	fmt.Printf("%d %q %q %v\n", result.ExitCode, result.Stdout, result.Stderr, err)
	// Output:
	// 0 <nil>
	// 3 "there not there\n" "no\n" <nil>
}

func ExampleClient_SpawnAsync() {
	c := open()
	defer c.Close()
	process, err := c.SpawnAsync(ctx, "sh", "-c", "exit 4")
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := process.Wait()
	fmt.Println(result.ExitCode, err)
	// Output: 4 <nil>
}

func ExampleClient_Status() {
	c := open()
	defer c.Close()
	st, err := c.Status(ctx)
	fmt.Println(st.WorkspaceName, st.ProjectName, st.Environment, st.ProxyRunning, st.StorageMode, err)
	// Output: acme pay development true file <nil>
}

func ExampleSecrets() {
	c := open(client.WithProject("crm"))
	defer c.Close()
	if _, err := c.Secrets().Set(ctx, "NEW_KEY", "made-up-value-4Zq8Lw2X"); err != nil {
		fmt.Println(err)
	}
	keys, err := c.Secrets().List(ctx) // names, never values
	if err != nil {
		fmt.Println(err)
	}
	for _, k := range keys {
		fmt.Println(k.Name)
	}
	fmt.Println(c.Secrets().Delete(ctx, "NEW_KEY"))
	diff, err := c.Secrets().Diff(ctx)
	fmt.Println(diff.HasDrift, err)
	// Output:
	// CRM_KEY
	// NEW_KEY
	// <nil>
	// false <nil>
}

func ExampleWorkspaces() {
	c := open()
	defer c.Close()
	spaces, err := c.Workspaces().List(ctx)
	fmt.Println(len(spaces), spaces[0].Name, spaces[0].Current, err)
	members, err := c.Workspaces().Members(ctx)
	fmt.Println(len(members), members[0].Role, err)
	// Output:
	// 1 acme true <nil>
	// 1 owner <nil>
}

// Two clients for two projects, and nothing is switched for anybody.
func ExampleClient_Project() {
	c := open()
	defer c.Close()
	crm := c.Workspace("acme").Project("crm")
	_, err := crm.Call(ctx, client.Request{URL: api("/v1"), Bearer: "CRM_KEY"})
	fmt.Println(err)
	st, err := c.Status(ctx)
	fmt.Println(st.ProjectName, err)
	// Output:
	// <nil>
	// pay <nil>
}

func ExampleProjects() {
	c := open()
	defer c.Close()
	projects, err := c.Projects().List(ctx)
	for _, p := range projects {
		fmt.Println(p.Name, p.Current)
	}
	fmt.Println(err)
	// Output:
	// pay true
	// crm false
	// <nil>
}

func ExampleClient_SetEnvironment() {
	c := open()
	defer c.Close()
	for _, name := range []string{"staging", "development"} {
		if err := c.SetEnvironment(ctx, name); err != nil {
			fmt.Println(err)
		}
		st, err := c.Status(ctx)
		fmt.Println(st.Environment, err)
	}
	// Output:
	// staging <nil>
	// development <nil>
}

// Changes want the workspace password, which only a person at a terminal can give.
func ExampleAllowlist() {
	c := open()
	defer c.Close()
	_, err := c.Allowlist().Add(ctx, "api.stripe.com", "api.openai.com")
	var denied *client.PermissionDeniedError
	fmt.Println(errors.As(err, &denied))
	verdict, err := c.Allowlist().Test(ctx, "GET", "https://api.stripe.com/v1/balance", "KEY")
	fmt.Println(verdict.Allowed, verdict.Names[0].Reason, err)
	log, err := c.Allowlist().Log(ctx, 1)
	fmt.Println(log[0].Action, log[0].Outcome, err)
	// Output:
	// true
	// false domain_not_in_allowlist <nil>
	// add denied <nil>
}

func ExampleProxy() {
	c := open()
	defer c.Close()
	st, err := c.Proxy().Status(ctx)
	fmt.Println(st.Running, st.Port > 0, st.SessionValid, err)
	// Output: true true true <nil>
}

func ExampleProxy_Logs() {
	c := open()
	defer c.Close()
	_, _ = c.Call(ctx, client.Request{URL: api("/v1/logged?q=1"), Bearer: "KEY"})
	_, _ = c.Call(ctx, client.Request{URL: "https://api.example.test/", Bearer: "KEY"})
	events, err := c.Proxy().Logs(ctx, client.LogFilter{Last: 2, Secret: "KEY"})
	for _, e := range events {
		fmt.Println(e.Method, strings.TrimPrefix(e.TargetURL, api("")), e.SecretKeys, e.StatusCode, e.Status)
	}
	blocked, err2 := c.Proxy().Logs(ctx, client.LogFilter{Last: 1, Status: "BLOCKED"})
	fmt.Println(blocked[0].Reason, err, err2)
	// Output:
	// GET /v1/logged [KEY] 200 OK
	// GET https://api.example.test/ [KEY] 403 BLOCKED
	// domain_not_in_allowlist <nil> <nil>
}

// An option counts before its variable.
func ExampleNew() {
	c, err := client.New(
		client.WithDir(w.dir),
		client.WithProject("crm"),
		client.WithEnvironment("staging"),
		client.WithoutAutoStart(),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	st, err := c.Status(ctx)
	fmt.Println(st.ProjectName, st.Environment, err)
	// Output: crm staging <nil>
}
