package main

import (
	"testing"

	"github.com/agentsecrets/agentsecrets/audit"
)

// A message over WebSocket is refused when its connection has long been answered.
func TestExplainMessage(t *testing.T) {
	e := audit.Event{Event: audit.Done, Method: "GET", StatusCode: 101, Status: audit.Blocked, Reason: "place_denied", Detail: "KEY may not stand there"}
	for decided, want := range map[bool]string{
		false: "a message was refused, and the connection ended: place_denied: KEY may not stand there; no value was sent",
		true:  "a message was refused, and the connection ended: place_denied: KEY may not stand there; a value may have been sent before that",
	} {
		if outcome, text := result(e, decided); outcome != outcomeRefused || text != want {
			t.Errorf("%s: %q, want %q", outcome, text, want)
		}
	}
}

// A connection that did not come about took no value along, whatever had been decided.
func TestExplainWhatHadNoConnection(t *testing.T) {
	e := audit.Event{Event: audit.Done, Method: "GET", StatusCode: 502, Status: audit.Error, Reason: "origin_unreachable", Detail: "nothing listens", SecretKeys: []string{"KEY"}}
	for unsent, want := range map[bool]string{
		true:  "failed with 502 origin_unreachable: nothing listens; no value was sent",
		false: "failed with 502 origin_unreachable: nothing listens; a value may have been sent before that", // as a record of before, and after a connection that broke off
	} {
		e.Unsent = unsent
		if outcome, text := result(e, true); outcome != outcomeFailed || text != want {
			t.Errorf("%s: %q, want %q", outcome, text, want)
		}
	}
	left := audit.Event{Event: audit.Done, Method: "GET", StatusCode: statusClientLeft, Reason: "-", Unsent: true, SecretKeys: []string{"KEY"}}
	if _, text := result(left, true); text != "the client left before there was an answer; no value was sent" {
		t.Errorf("%q", text)
	}
}
