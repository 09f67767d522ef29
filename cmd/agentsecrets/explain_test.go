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
