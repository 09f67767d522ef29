package client_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agentsecrets/agentsecrets/client"
)

func TestStyles(t *testing.T) {
	c := newClient(t)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(login))
	for _, tc := range []struct {
		name string
		r    client.Request
		want func(got) bool
	}{
		{"bearer", client.Request{Bearer: "KEY"}, func(g got) bool { return g.Method == "GET" && g.Header.Get("Authorization") == "Bearer "+value }},
		{"basic", client.Request{Basic: "LOGIN"}, func(g got) bool { return g.Header.Get("Authorization") == basic }},
		{"header", client.Request{Header: map[string]string{"X-Api-Key": "KEY", "X-Version": "v 2"}}, func(g got) bool {
			return g.Header.Get("X-Api-Key") == value && g.Header.Get("X-Version") == "v 2"
		}},
		{"query", client.Request{URL: "?apiKey=old&z=%2f", Query: map[string]string{"apiKey": "KEY", "address": "Lagos, Nigeria; x"}}, func(g got) bool {
			return g.Query == "apiKey="+value+"&z=%2f&address=Lagos%2C+Nigeria%3B+x"
		}},
		{"body field", client.Request{Body: map[string]any{"grant": "x", "n": 12345678901234567}, BodyField: map[string]string{"auth.client_secret": "KEY", "auth.kind": "plain text"}}, func(g got) bool {
			return g.Method == "POST" && g.Header.Get("Content-Type") == "application/json" &&
				sameJSON(g.Body, `{"grant":"x","n":12345678901234567,"auth":{"client_secret":"`+value+`","kind":"plain text"}}`)
		}},
		{"body field alone", client.Request{BodyField: map[string]string{"k": "KEY"}}, func(g got) bool { return g.Body == `{"k":"`+value+`"}` && g.Method == "POST" }},
		{"form field", client.Request{FormField: map[string]string{"api_key": "KEY", "kind": "a&b"}}, func(g got) bool {
			return g.Header.Get("Content-Type") == "application/x-www-form-urlencoded" && g.Body == "kind=a%26b&api_key="+value
		}},
		{"combined", client.Request{Bearer: "KEY", Header: map[string]string{"X-Org-ID": "KEY"}, Query: map[string]string{"version": "KEY"}, BodyField: map[string]string{"s": "KEY"}, Body: "{}"}, func(g got) bool {
			return g.Header.Get("Authorization") == "Bearer "+value && g.Header.Get("X-Org-Id") == value && g.Query == "version="+value && g.Body == `{"s":"`+value+`"}`
		}},
		{"literals", client.Request{Bearer: "literal token", Method: "delete", ForwardHeader: http.Header{"x-plain": {"a", "b"}}}, func(g got) bool {
			return g.Method == "DELETE" && g.Header.Get("Authorization") == "Bearer literal token" && len(g.Header["X-Plain"]) == 2
		}},
		{"bytes", client.Request{Bearer: "KEY", Body: []byte("\x00\xff")}, func(g got) bool { return g.Body == "\x00\ufffd" || g.Body == "\x00\xff" }},
		{"reader", client.Request{Bearer: "KEY", Method: "PUT", Body: strings.NewReader("streamed")}, func(g got) bool { return g.Body == "streamed" && g.Method == "PUT" }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.r.URL = w.url("/v1" + tc.r.URL)
			resp, err := c.Call(context.Background(), tc.r)
			if err != nil {
				t.Fatal(err)
			}
			if g := w.origin.took(t); !tc.want(g) || g.Header.Get("Te") != "" || anyOurs(g.Header) {
				t.Errorf("the origin got %+v", g)
			}
			if resp.StatusCode != 200 || resp.Exchange == "" {
				t.Errorf("%+v", resp)
			}
			noValue(t, "the body", resp.Body)
		})
	}
}

func anyOurs(h http.Header) bool {
	for field := range h {
		if strings.HasPrefix(field, "X-As-") {
			return true
		}
	}
	return false
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && equalJSON(x, y)
}

func equalJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// An echo in a body is told of behind it, one in a head in it.
func TestRedacted(t *testing.T) {
	c := newClient(t)
	for path, want := range map[string]bool{"/v1": true, "/quiet": false} {
		resp, err := c.Call(context.Background(), client.Request{URL: w.url(path), Bearer: "KEY"})
		if err != nil {
			t.Fatal(err)
		}
		if resp.Redacted != want || want != strings.Contains(resp.Text(), "[REDACTED_BY_AGENTSECRETS]") {
			t.Errorf("%s: redacted %v: %s", path, resp.Redacted, resp.Body)
		}
		for field := range resp.Headers {
			if strings.HasPrefix(field, "Agentsecrets") {
				t.Errorf("%s is shown as one of the API's", field)
			}
		}
	}
	resp, err := c.Call(context.Background(), client.Request{URL: w.url("/head"), Method: "HEAD", Bearer: "KEY"})
	if err != nil || !resp.Redacted || strings.Contains(resp.Headers.Get("X-Echo"), value) {
		t.Errorf("%+v %v", resp, err)
	}
	// What was sent by one call is not in the response to another.
	resp, err = c.Call(context.Background(), client.Request{URL: w.url("/v1"), Query: map[string]string{"say": value}})
	if err != nil || !resp.Redacted {
		t.Errorf("an echo of an earlier call: %+v %v", resp, err)
	}
}

func TestJSON(t *testing.T) {
	c := newClient(t)
	resp, err := c.Call(context.Background(), client.Request{URL: w.url("/v1"), Bearer: "KEY"})
	if err != nil {
		t.Fatal(err)
	}
	var g got
	if err := resp.JSON(&g); err != nil || g.Path != "/v1" {
		t.Errorf("%+v %v", g, err)
	}
	resp, err = c.Call(context.Background(), client.Request{URL: w.url("/quiet"), Bearer: "KEY"})
	if err != nil {
		t.Fatal(err)
	}
	var e *client.Error
	if err := resp.JSON(&g); !errors.As(err, &e) || e.Slug != "not_json" {
		t.Errorf("%v", err)
	}
}

func TestUpstreamError(t *testing.T) {
	c := newClient(t)
	resp, err := c.Call(context.Background(), client.Request{URL: w.url("/broken"), Bearer: "KEY"})
	var up *client.UpstreamError
	if !errors.As(err, &up) || up.StatusCode != 418 || up.URL != w.url("/broken") || string(up.Body) != string(resp.Body) || !resp.Redacted {
		t.Fatalf("%+v %+v", resp, err)
	}
	noValue(t, "the error", up.Body)
	resp, err = c.Call(context.Background(), client.Request{URL: w.url("/moved"), Bearer: "KEY"})
	if err != nil || resp.StatusCode != 302 || resp.Headers.Get("Location") != "/quiet" {
		t.Errorf("a redirect is not followed: %+v %v", resp, err)
	}
	// An API that speaks as the proxy does is an API.
	resp, err = c.Call(context.Background(), client.Request{URL: w.url("/forged"), Bearer: "KEY"})
	var denied *client.DomainNotAllowedError
	if !errors.As(err, &up) || errors.As(err, &denied) || resp.StatusCode != 403 {
		t.Errorf("%+v %v", resp, err)
	}
	var e *client.Error
	if resp, err = c.Call(context.Background(), client.Request{URL: w.url("/cut"), Bearer: "KEY"}); !errors.As(err, &e) || e.Slug != "origin_protocol" || resp != nil {
		t.Errorf("%+v %v", resp, err)
	}
}

// A call that is cancelled ends at the origin too, and leaves nothing here.
func TestCancel(t *testing.T) {
	before := goleak.IgnoreCurrent()
	c := newClient(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := c.Call(ctx, client.Request{URL: w.url("/silent"), Bearer: "KEY"})
		ended <- err
	}()
	<-w.origin.asked
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	select {
	case <-w.origin.left:
	case <-time.After(10 * time.Second):
		t.Error("the origin's request goes on")
	}
	c.Close()
	goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("net/http.(*http2Server).serve"),
		goleak.IgnoreAnyFunction("net/http.(*http2serverConn).serve"), goleak.IgnoreAnyFunction("net/http.(*conn).serve")) // of our own origin
}

// Before a command or a proxy is asked, ctx counts too.
func TestCancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := newClient(t).Call(ctx, client.Request{URL: w.url("/v1"), Bearer: "KEY"}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestNoRequests(t *testing.T) {
	c := newClient(t, client.WithBinary("/nonexistent")) // nobody is asked
	for _, r := range []client.Request{
		{},
		{URL: "/relative"},
		{URL: "ftp://api.acme.test/"},
		{URL: w.url("/"), Bearer: "KEY", Basic: "LOGIN"},
		{URL: w.url("/"), BodyField: map[string]string{"a": "KEY"}, FormField: map[string]string{"a": "KEY"}},
		{URL: w.url("/"), Body: func() {}},
		{URL: w.url("/"), Body: "[1]", BodyField: map[string]string{"a": "literal text"}},
		{URL: w.url("/"), Body: `{"a":"text"}`, BodyField: map[string]string{"a.b": "literal text"}},
		{URL: w.url("/"), Query: map[string]string{"a\r\nb": "KEY"}},
		{URL: w.url("/"), ForwardHeader: http.Header{"x-as-target-url": {"https://evil.test"}}},
		{URL: w.url("/"), ForwardHeader: http.Header{"Proxy-Authorization": {"Basic x"}}},
	} {
		_, err := c.Call(context.Background(), r)
		var e *client.Error
		if !errors.As(err, &e) || e.Slug != "bad_request" {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

// Many calls at once ask for the way to the proxy once.
func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "agentsecrets")
	script := "#!/bin/sh\necho \"$@\" >>" + dir + "/asked\nexec " + w.binary + " \"$@\"\n"
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, client.WithBinary(path))
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			url := w.url("/v1/" + strconv.Itoa(i))
			resp, err := c.Call(context.Background(), client.Request{URL: url, Bearer: "KEY"})
			var g got
			if err != nil || resp.JSON(&g) != nil || g.Path != "/v1/"+strconv.Itoa(i) || !resp.Redacted {
				t.Errorf("%+v %v", resp, err)
			}
		})
	}
	wg.Wait()
	asked, err := os.ReadFile(filepath.Join(dir, "asked"))
	if err != nil || strings.Count(string(asked), "\n") != 1 {
		t.Errorf("the command was asked %q %v", asked, err)
	}
}

// What a call costs a program, with a TLS origin on the same machine.
func BenchmarkCall(b *testing.B) {
	c := newClient(b)
	for b.Loop() {
		if _, err := c.Call(context.Background(), client.Request{URL: w.url("/quiet"), Bearer: "KEY"}); err != nil {
			b.Fatal(err)
		}
	}
}
