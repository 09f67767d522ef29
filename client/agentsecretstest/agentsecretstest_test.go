package agentsecretstest_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/agentsecrets/agentsecrets/client"
	"github.com/agentsecrets/agentsecrets/client/agentsecretstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const madeUp = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"

var ctx = context.Background()

// echo is an API that says what it got.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path == "/fails" {
		w.WriteHeader(http.StatusPaymentRequired)
	}
	fmt.Fprintf(w, "%s %s%s|%s|%s", r.Method, r.Host, r.URL, r.Header.Get("Authorization"), body)
}

func proxy(t *testing.T, got *string) *client.Client {
	t.Helper()
	return agentsecretstest.Proxy(t, agentsecretstest.Config{
		Secrets: map[string]string{"STRIPE_KEY": madeUp, "LOGIN": "ada:" + madeUp},
		Allow:   []string{"api.stripe.com", "POST *.acme.test:8443/v1/*"},
		Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			*got = r.Header.Get("Authorization") + r.URL.RawQuery
			echo(w, r)
		}),
	})
}

func TestProxy(t *testing.T) {
	var got string
	c := proxy(t, &got)
	resp, err := c.Call(ctx, client.Request{URL: "https://api.stripe.com/v1/balance", Bearer: "STRIPE_KEY"})
	if err != nil || got != "Bearer "+madeUp {
		t.Fatalf("%+v %v, the API got %q", resp, err, got)
	}
	if !resp.Redacted || strings.Contains(resp.Text(), madeUp) || !strings.HasPrefix(resp.Text(), "GET api.stripe.com/v1/balance|Bearer [REDACTED_BY_AGENTSECRETS]") {
		t.Errorf("%+v", resp)
	}
	if _, err = c.Call(ctx, client.Request{URL: "https://eu.acme.test:8443/v1/x", Basic: "LOGIN", Body: "b"}); err != nil || got != "Basic "+base64.StdEncoding.EncodeToString([]byte("ada:"+madeUp)) {
		t.Errorf("%v, the API got %q", err, got)
	}
	got = ""
	for _, r := range []client.Request{
		{URL: "https://evil.test/", Bearer: "STRIPE_KEY"}, {URL: "https://api.stripe.com:444/", Bearer: "STRIPE_KEY"},
		{URL: "https://eu.acme.test/v1/x", Bearer: "STRIPE_KEY"},
	} {
		var denied *client.DomainNotAllowedError
		if _, err := c.Call(ctx, r); !errors.As(err, &denied) || denied.Domain == "" || denied.Hint() == "" || got != "" {
			t.Errorf("%s: %v, the API got %q", r.URL, err, got)
		}
	}
	var missing *client.SecretNotFoundError
	if _, err := c.Call(ctx, client.Request{URL: "https://api.stripe.com/", Bearer: "NO_SUCH"}); !errors.As(err, &missing) || missing.Name != "NO_SUCH" || missing.Hint() == "" {
		t.Errorf("%v", err)
	}
	var up *client.UpstreamError
	if resp, err := c.Call(ctx, client.Request{URL: "https://api.stripe.com/fails", Bearer: "STRIPE_KEY"}); !errors.As(err, &up) || up.StatusCode != 402 || resp == nil {
		t.Errorf("%v", err)
	}
	secrets, err := c.Secrets().List(ctx)
	if err != nil || len(secrets) != 2 || secrets[0].Name != "LOGIN" {
		t.Errorf("%+v %v", secrets, err)
	}
}

func TestProxyForLibraries(t *testing.T) {
	var got string
	c := proxy(t, &got)
	hc := c.HTTPClient()
	defer hc.CloseIdleConnections()
	resp, err := hc.Get("https://api.stripe.com/v1?key=" + client.Placeholder("STRIPE_KEY"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || got != "key="+madeUp || strings.Contains(string(body), madeUp) {
		t.Errorf("%s %v, the API got %q", body, err, got)
	}
}

func TestMock(t *testing.T) {
	m := agentsecretstest.NewMock("STRIPE_KEY")
	var c client.Caller = m
	resp, err := c.Call(ctx, client.Request{URL: "https://api.stripe.com/v1/balance", Bearer: "STRIPE_KEY"})
	if err != nil || resp.StatusCode != 200 || resp.Text() != "{}" {
		t.Fatalf("%+v %v", resp, err)
	}
	if calls := m.Calls(); len(calls) != 1 || calls[0].URL != "https://api.stripe.com/v1/balance" || calls[0].Bearer != "STRIPE_KEY" {
		t.Errorf("%+v", calls)
	}
	var missing *client.SecretNotFoundError
	if _, err := c.Call(ctx, client.Request{URL: "https://api.stripe.com/", Query: map[string]string{"key": "NO_SUCH"}}); !errors.As(err, &missing) || missing.Name != "NO_SUCH" {
		t.Errorf("%v", err)
	}
	var bad *client.Error
	if _, err := c.Call(ctx, client.Request{URL: "/relative"}); !errors.As(err, &bad) || len(m.Calls()) != 2 {
		t.Errorf("what is no request is no call: %v", err)
	}
	m.Answer = func(r client.Request) (*client.Response, error) {
		if r.Bearer == "" {
			return nil, (&client.Error{Slug: "domain_not_in_allowlist", Domain: "api.stripe.com", Message: "no"}).Typed()
		}
		return &client.Response{StatusCode: 402, Body: []byte("pay")}, nil
	}
	var up *client.UpstreamError
	if resp, err = c.Call(ctx, client.Request{URL: "https://api.stripe.com/", Bearer: "STRIPE_KEY"}); !errors.As(err, &up) || resp.Text() != "pay" {
		t.Errorf("%+v %v", resp, err)
	}
	var denied *client.DomainNotAllowedError
	if _, err = c.Call(ctx, client.Request{URL: "https://api.stripe.com/"}); !errors.As(err, &denied) || denied.Domain != "api.stripe.com" {
		t.Errorf("%v", err)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err = c.Call(over, client.Request{URL: "https://api.stripe.com/"}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestMockClient(t *testing.T) {
	m := agentsecretstest.NewMock("STRIPE_KEY")
	m.Run = func(p agentsecretstest.Spawned, stdout, stderr io.Writer) int {
		fmt.Fprint(stdout, "ran ", p.Path)
		return 7
	}
	c := m.Client()
	r, err := c.Project("payments").SpawnCapture(ctx, "python", "manage.py", "migrate")
	if err != nil || r.ExitCode != 7 || r.Stdout != "ran python" {
		t.Errorf("%+v %v", r, err)
	}
	want := agentsecretstest.Spawned{Path: "python", Args: []string{"manage.py", "migrate"}, Project: "payments"}
	if got := m.Programs(); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("%+v", got)
	}
	req, err := http.NewRequest("POST", "https://api.stripe.com/v1/charges", strings.NewReader("amount=1"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+client.Placeholder("STRIPE_KEY"))
	resp, err := c.HTTPClient().Do(req)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%+v %v", resp, err)
	}
	resp.Body.Close()
	if call := m.Calls()[0]; call.Method != "POST" || call.ForwardHeader.Get("Authorization") != "Bearer AS_SECRET_STRIPE_KEY" || string(call.Body.([]byte)) != "amount=1" {
		t.Errorf("%+v", call)
	}
	if _, err := c.Secrets().Set(ctx, "OTHER", madeUp); err != nil {
		t.Error(err)
	}
	if err := c.Secrets().Delete(ctx, "STRIPE_KEY"); err != nil {
		t.Error(err)
	}
	var missing *client.SecretNotFoundError
	if err := c.Secrets().Delete(ctx, "STRIPE_KEY"); !errors.As(err, &missing) || missing.Name != "STRIPE_KEY" {
		t.Errorf("%v", err)
	}
	all, err := c.Secrets().List(ctx)
	if err != nil || !slices.ContainsFunc(all, func(s client.Secret) bool { return s.Name == "OTHER" }) || len(all) != 1 {
		t.Errorf("%+v %v", all, err)
	}
	var none *client.NotRunningError
	if _, err := c.Proxy().Start(ctx); !errors.As(err, &none) {
		t.Errorf("%v", err)
	}
	if strings.Contains(fmt.Sprintf("%+v", m), madeUp) {
		t.Error("the mock holds a value")
	}
}
