package mitm_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/internal/style"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// Every kind of event says whose it is: of which run, in which workspace, project and environment. What is refused
// before it is an exchange of a run leaves none, so that nobody can fill the log without a credential.
func TestEveryEventSaysWhose(t *testing.T) {
	l := labOfARun(t)
	closed := listening(t)
	client := l.NewClient(true)
	bare := &http.Transport{
		Proxy:           http.ProxyURL(&url.URL{Scheme: "http", Host: l.Addr.String()}),
		TLSClientConfig: &tls.Config{RootCAs: l.Roots},
	}
	t.Cleanup(bare.CloseIdleConnections)
	get := func(c *http.Client, host, path, name string) {
		req := asking(l.URL(host, path), "", bearer(name))
		send(t, c, req)
	}

	get(client, host, "/expanded", "KEY")
	get(client, host, "/unknown", "NOPE")
	get(client, "other.test", "/denied", "KEY")
	get(&http.Client{Transport: bare}, host, "/local", "KEY")
	l.Proxy.Call(httptest.NewRecorder(), asking(l.URL(host, "/call"), "", nil), l.Run, style.Styles{Bearer: "KEY"})
	for _, agent := range []string{"", "builder"} {
		askProxy(t, l, "GET", http.Header{
			"X-AS-Target-URL": {l.URL(host, "/contract"+agent)}, "X-AS-Inject-Bearer": {"KEY"}, "X-AS-Agent-ID": {agent},
		}, "")
	}
	plain := l.Connect(l.Authority(host))
	io.WriteString(plain, "this is no TLS\n")
	io.Copy(io.Discard, plain)
	relayed, r := connected(t, l, fmt.Sprintf("%s:%d", relayedHost, closed.port))
	r.ReadString('\n')
	relayed.Close()
	if _, _, status := connectRaw(t, l, relayedHost+":1"); status != http.StatusBadGateway {
		t.Errorf("a relay to nowhere is answered with %d", status)
	}

	// None of these.
	for _, head := range []string{
		"CONNECT api.acme.test:443 HTTP/1.1\r\nHost: api.acme.test:443\r\nProxy-Authorization: Basic cnVuOm5vdC1vbmU=\r\n\r\n",
		"CONNECT nowhere HTTP/1.1\r\nHost: nowhere\r\n\r\n",
		"GET http://user@api.acme.test/ HTTP/1.1\r\nHost: api.acme.test\r\nConnection: close\r\n\r\n",
		"GET /proxy HTTP/1.1\r\nHost: 127.0.0.1\r\nX-AS-Target-URL: nowhere\r\nConnection: close\r\n\r\n",
	} {
		c := l.Dial()
		io.WriteString(c, head)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode < 400 {
			t.Errorf("%q: %v, %v", head, resp, err)
		}
	}

	want := []string{
		"CONNECT done BLOCKED not_tls", "CONNECT done ERROR origin_unreachable", "CONNECT done OK -",
		"/call decided OK -", "/call done OK -", "/contract decided OK -", "/contract done OK -",
		"/contractbuilder decided OK -", "/contractbuilder done OK -", "/denied done BLOCKED domain_not_in_allowlist",
		"/expanded decided OK -", "/expanded done OK -", "/local decided OK -", "/local done OK -",
		"/unknown done BLOCKED secret_not_found",
	}
	slices.Sort(want)
	var events map[string]audit.Event
	for end := time.Now().Add(20 * time.Second); len(events) < len(want) && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		events = eventsOf(t, l)
	}
	if got := slices.Sorted(maps.Keys(events)); !slices.Equal(got, want) {
		t.Errorf("recorded\n%q, want\n%q", got, want)
	}
	for what, e := range events {
		if e.RunID != l.Run.ID() || e.WorkspaceID != "ws" || e.ProjectID != "prj" || e.Environment != "staging" {
			t.Errorf("%s: of run %q, workspace %q, project %q, environment %q", what, e.RunID, e.WorkspaceID, e.ProjectID, e.Environment)
		}
	}
}

// Who needs no credential and shows a wrong one is refused. One that is empty is wrong, and so are two, whichever stands first.
func TestL18WrongCredentialIsNotNone(t *testing.T) {
	l := labOfARun(t)
	right, wrong := "Proxy-Authorization: Basic "+basic("run", token(t, l))+"\r\n", "Proxy-Authorization: Basic "+basic("run", "wrong")+"\r\n"
	const empty = "Proxy-Authorization:\r\n"
	for fields, want := range map[string]int{
		"": 200, right: 200, wrong: 407, empty: 407, "proxy-authorization: \t\r\n": 407, empty + wrong: 407, right + wrong: 407, wrong + right: 407, right + right: 407,
		"Connection: Proxy-Authorization\r\n" + wrong: 407,
	} {
		c := l.Dial()
		fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n%s\r\n", l.Authority(host), fields)
		resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodConnect})
		if err != nil || resp.StatusCode != want {
			t.Errorf("%q: %v, %v; want %d", fields, resp, err, want)
		}
		c.Close()
	}
}

// labOfARun is a lab with a run of which everything is known. It takes clients without a credential, and relays one host.
func labOfARun(t *testing.T) *lab.Lab {
	var l *lab.Lab
	l = lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: newRecorder(), Change: func(c *mitm.Config) {
		c.Local = func(net.Conn) (mitm.RunOf, error) { return func() (*mitm.Run, error) { return l.Run, nil }, nil }
		c.Route = func(_ mitm.Scope, h string, _ int) mitm.Route { return mitm.Route{Relay: h == relayedHost} }
	}})
	l.Run = l.Proxy.NewRun(func() mitm.Scope {
		return mitm.Scope{WorkspaceID: "ws", ProjectID: "prj", Environment: "staging"}
	})
	return l
}

// eventsOf are the lines of the log so far, each by what it tells.
func eventsOf(t *testing.T, l *lab.Lab) map[string]audit.Event {
	t.Helper()
	all := map[string]audit.Event{}
	for line := range strings.Lines(onFile(l.AuditDir())) {
		var e audit.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			continue // one that is being written
		}
		what := e.Method
		if u, err := url.Parse(e.TargetURL); err == nil && what != http.MethodConnect {
			what = u.Path
		}
		all[strings.Join([]string{what, e.Event, e.Status, e.Reason}, " ")] = e
	}
	return all
}
