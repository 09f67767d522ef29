package main

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// What a program did elsewhere, and what others did at the same host, decides
// what it means that it left.
func TestFindings(t *testing.T) {
	at := func(program, host string, sign mitm.Sign) mitm.Shown {
		return mitm.Shown{Program: program, Host: host, Port: 443, Sign: sign}
	}
	held, probe := at("p", "a", mitm.SentNothing), at("p", "a", mitm.SentNothing)
	held.Held, probe.Probe = 2*preconnect, true
	for name, c := range map[string]struct {
		seen []mitm.Shown
		want string
	}{
		"nothing":                      {nil, ""},
		"all is well":                  {[]mitm.Shown{at("p", "a", mitm.SentRequest)}, ""},
		"an alert":                     {[]mitm.Shown{at("p", "a", mitm.UnknownCA)}, "ca_not_trusted p a 1"},
		"went twice":                   {[]mitm.Shown{at("p", "a", mitm.SentNothing), at("p", "a", mitm.LeftInHandshake)}, "ca_not_trusted p a 2"},
		"went, and came back":          {[]mitm.Shown{at("p", "a", mitm.SentNothing), at("p", "a", mitm.SentRequest)}, ""},
		"left, and came back":          {[]mitm.Shown{at("p", "a", mitm.LeftInHandshake), at("p", "a", mitm.SentRequest)}, ""},
		"an alert, and came back":      {[]mitm.Shown{at("p", "a", mitm.BadCertificate), at("p", "a", mitm.SentRequest)}, "ca_not_trusted p a 1"},
		"somebody came back":           {[]mitm.Shown{at("p", "a", mitm.SentNothing), at("", "a", mitm.SentRequest)}, ""},
		"somebody went, this one not":  {[]mitm.Shown{at("", "a", mitm.SentNothing), at("p", "a", mitm.SentRequest)}, ""},
		"another came":                 {[]mitm.Shown{at("p", "a", mitm.SentNothing), at("q", "a", mitm.SentRequest)}, "ca_not_trusted p a 1"},
		"another came elsewhere":       {[]mitm.Shown{at("p", "a", mitm.UnknownCA), at("q", "b", mitm.SentRequest)}, "ca_not_trusted p a 1"},
		"unknown ones":                 {[]mitm.Shown{at("", "a", mitm.UnknownCA), at("", "b", mitm.SentRequest)}, "ca_not_trusted  a 1"},
		"a pin":                        {[]mitm.Shown{at("p", "a", mitm.CertificateUnknown), at("p", "b", mitm.SentRequest)}, "certificate_pinned p a 1"},
		"a pin that is checked late":   {[]mitm.Shown{at("p", "a", mitm.SentNothing), at("p", "b", mitm.SentRequest)}, "certificate_pinned p a 1"},
		"other CAs one time":           {[]mitm.Shown{at("p", "a", mitm.SentRequest), at("p", "b", mitm.SentRequest), at("p", "a", mitm.UnknownCA)}, "ca_not_trusted p a 1"},
		"a pin, and others came":       {[]mitm.Shown{at("q", "a", mitm.SentRequest), at("", "a", mitm.SentRequest), at("p", "b", mitm.SentRequest), at("p", "a", mitm.UnknownCA)}, "certificate_pinned p a 1"},
		"went here, came everywhere":   {[]mitm.Shown{at("p", "a", mitm.SentRequest), at("p", "b", mitm.SentRequest), at("p", "a", mitm.SentNothing)}, ""},
		"ahead of need":                {[]mitm.Shown{held, at("p", "b", mitm.SentRequest)}, ""},
		"a probe":                      {[]mitm.Shown{probe}, ""},
		"a probe, and an alert":        {[]mitm.Shown{probe, at("p", "a", mitm.UnknownCA)}, "ca_not_trusted p a 1"},
		"in order, and fine elsewhere": {[]mitm.Shown{probe, at("p", "b", mitm.SentRequest)}, "certificate_pinned p a 1"},
	} {
		var o observed
		for _, s := range c.seen {
			o.add(s)
		}
		var got []string
		for _, f := range o.findings() {
			got = append(got, fmt.Sprintf("%s %s %s %d", f.reason, f.program, f.host, f.count))
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestFindingsAreBounded(t *testing.T) {
	var o observed
	for i := range 2 * maxObserved {
		o.add(mitm.Shown{Program: "p", Host: fmt.Sprint(i), Port: 443, Sign: mitm.UnknownCA})
	}
	if n := len(o.hosts()); n != maxObserved {
		t.Errorf("%d hosts are kept", n)
	}
	lines := tell(o.findings(), auditFlags{})
	if len(lines) != 1 || !strings.Contains(lines[0], "and 999 other hosts (1000 connections)") {
		t.Errorf("%q", lines)
	}
	if lines := tell([]finding{{findingKey: findingKey{reasonPins, "a\x1b[2J", "h"}}}, auditFlags{}); strings.ContainsRune(lines[0], '\x1b') {
		t.Errorf("the name of a program moves the cursor: %q", lines)
	}
}

// To look for a program takes a while: of thousands of connections few are worth it.
func TestProgramsAreLookedForSeldom(t *testing.T) {
	none, other := net.Pipe()
	defer other.Close()
	defer none.Close()
	o := observed{started: time.Now().Add(-2 * nameEvery)}
	for range 10 * maxNamed {
		o.program(none)
	}
	if n := o.named.Load(); n < maxNamed || n > maxNamed+10 {
		t.Errorf("%d programs were looked for", n)
	}
}

func TestAdviceIsThePrograms(t *testing.T) {
	for program, want := range map[string]string{
		"curl": "CURL_CA_BUNDLE", "python3.13": "REQUESTS_CA_BUNDLE", "git-remote-https": "GIT_SSL_CAINFO", "node": "NODE_EXTRA_CA_CERTS",
		"java": "JAVA_TOOL_OPTIONS", "wget": "WGETRC", "php8.4": "PHP_INI_SCAN_DIR", "aria2c": "--ca-certificate", "mono-sgen": "cert-sync", "dotnet": "CustomTrustStore", "my-program": "SSL_CERT_FILE", "": "SSL_CERT_FILE",
	} {
		if got := trustFix(program); !strings.Contains(got, want) {
			t.Errorf("%q: %s", program, got)
		}
	}
}

// The end of a run may come while its findings are being recorded.
func TestFindingsAreRecordedOnce(t *testing.T) {
	dir := t.TempDir()
	log, err := audit.Open(audit.Config{Dir: dir, Key: func() ([]byte, error) { return []byte("key"), nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	h := &house{log: log, messages: slog.New(slog.DiscardHandler)}
	const programs = 200
	for i := range programs {
		h.observed.add(mitm.Shown{Program: fmt.Sprint(i), Host: "a", Port: 443, Sign: mitm.UnknownCA})
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { h.recordFindings(0) })
	}
	all.Wait()
	if events, err := audit.Read(dir, audit.Filter{}); len(events) != programs || err != nil {
		t.Errorf("%d events of %d programs, %v", len(events), programs, err)
	}
}

// A placeholder that passed as text, to a host that then asks who comes, was
// perhaps meant for its value; its exchange says where it stood.
func TestTextThatWasTurnedAway(t *testing.T) {
	log, err := audit.Open(audit.Config{Dir: t.TempDir(), Key: func() ([]byte, error) { return []byte("key"), nil }})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	h := &house{log: log}
	event := func(change func(*audit.Event)) audit.Event {
		e := audit.Event{ID: "the one", Timestamp: time.Now(), Event: audit.Done, Domain: "a.test", StatusCode: 401, Status: audit.OK, Mentions: []string{"KEY body"}}
		change(&e)
		return e
	}
	for _, change := range []func(*audit.Event){
		func(e *audit.Event) { e.StatusCode = 200 },
		func(e *audit.Event) { e.Event = audit.Decided },
		func(e *audit.Event) { e.Mentions = nil },
		func(e *audit.Event) { e.SecretKeys = []string{"KEY"} },
		func(e *audit.Event) { e.Status, e.StatusCode = audit.Blocked, 403 },
	} {
		if err := h.record(event(change)); err != nil {
			t.Fatal(err)
		}
	}
	if found := h.observed.findings(); len(found) > 0 {
		t.Errorf("%+v", found)
	}
	for _, status := range []int{401, 403} {
		if err := h.record(event(func(e *audit.Event) { e.StatusCode = status })); err != nil {
			t.Fatal(err)
		}
	}
	want := "a placeholder passed to a.test as text, and was turned away (2 requests): agentsecrets explain the one"
	if lines := tell(h.observed.findings(), auditFlags{}); len(lines) != 1 || lines[0] != want {
		t.Errorf("%q, want %q", lines, want)
	}
}

// What a run refused is told by its reason, with the latest of each; what a program
// puts into a request moves no cursor, and fills no memory.
func TestRefusalsAreTold(t *testing.T) {
	var o observed
	at := time.Now()
	refuse := func(reason, url, detail, id string, written bool) {
		at = at.Add(time.Second)
		o.refused(audit.Event{ID: id, Timestamp: at, Event: audit.Done, TargetURL: url, Reason: reason, Detail: detail, Status: audit.Blocked}, written)
	}
	refuse("a", "https://one.test/x", "no one", "id1", true)
	refuse("b", "https://one.test:8443/", "no\x1b[2J", "id2", true)
	refuse("a", "https://two.test/", "no two", "id3", true)
	refuse("a", "https://two.test/y", "nor this", "id4", true)
	refuse("c", "https://one.test/", "unwritten", "id5", false)
	want := []string{
		"1 request to one.test refused (c): unwritten: agentsecrets doctor",
		"3 requests to two.test and 1 other host refused (a): nor this: agentsecrets explain id4",
		"1 request to one.test:8443 refused (b): no·[2J: agentsecrets explain id2",
	}
	if got := tell(o.refusals(), auditFlags{}); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, e := range []audit.Event{
		{Event: audit.Decided, Status: audit.Blocked, Detail: "no"}, {Event: audit.Done, Status: audit.OK, Detail: "no"},
		{Event: audit.Done, Status: audit.Error, Reason: "truncated"}, // by its host
	} {
		var o observed
		if o.refused(e, true); len(o.refusals()) > 0 {
			t.Errorf("%+v is told", e)
		}
	}
	for i := range 2 * maxObserved {
		refuse("a", fmt.Sprintf("https://%d.test/", i), "no", "id", true)
	}
	if n := len(o.refusals()); n > maxObserved+10 {
		t.Errorf("%d are kept", n)
	}
	if lines := tell(o.refusals(), auditFlags{}); !strings.HasPrefix(lines[0], "2003 requests to ") {
		t.Errorf("%q", lines)
	}
}

// Who looks at what a proxy found is not to wait; what may yet turn out to be nothing is waited for, and no longer
// because it comes again and again.
func TestFindingsAreRecordedSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		log, err := audit.Open(audit.Config{Dir: dir, Key: func() ([]byte, error) { return []byte("key"), nil }})
		if err != nil {
			t.Fatal(err)
		}
		h := &house{log: log, messages: slog.New(slog.DiscardHandler), over: make(chan struct{}), observed: observed{news: make(chan struct{}, 1)}}
		h.chores.Go(h.judge)
		found := func() (programs []string) {
			synctest.Wait()
			for _, f := range h.latest(auditFlags{}) {
				programs = append(programs, f.Client)
			}
			slices.Sort(programs)
			return programs
		}
		saw := func(program, host string, sign mitm.Sign) {
			h.observed.add(mitm.Shown{Program: program, Host: host, Port: 443, Sign: sign})
		}
		at := func(what string, want ...string) {
			if got := found(); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		time.Sleep(time.Hour) // idle
		saw("said", "a", mitm.UnknownCA)
		saw("went", "b", mitm.LeftInHandshake)
		saw("back", "c", mitm.LeftInHandshake)
		time.Sleep(soon)
		at("after a second", "said")
		saw("back", "c", mitm.SentRequest)
		time.Sleep(judging - soon - soon/2)
		saw("went", "b", mitm.LeftInHandshake)
		at("shortly before it counts", "said")
		time.Sleep(soon)
		at("when it counts", "said", "went")
		close(h.over)
		h.chores.Wait()
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
}

// The program of a run may take our certificate elsewhere, and is then told another thing: once.
func TestFindingsOfARunWait(t *testing.T) {
	h := &house{run: new(mitm.Run)}
	h.observed.add(mitm.Shown{Program: "p", Host: "a", Port: 443, Sign: mitm.UnknownCA})
	h.observed.note(finding{findingKey: findingKey{reasonPast, "p", "b"}})
	for _, f := range h.observed.findings() {
		if got := h.settled(f, judging); got != (f.reason == reasonPast) {
			t.Errorf("%s is settled: %v", f.reason, got)
		}
	}
}
