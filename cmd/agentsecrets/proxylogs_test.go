package main

import (
	"strings"
	"testing"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/agentsecrets/agentsecrets/audit"
)

// hostileEvent holds what a client may put into a record: texts that would move
// a cursor, turn text around or never end.
func hostileEvent() audit.Event {
	return audit.Event{
		ID: "x", Timestamp: time.Now(), Event: audit.Done, Status: audit.OK, StatusCode: 200, Reason: "-", Redactions: 3,
		Method: "GET\x1b[2J", TargetURL: "https://api.acme.test/\x1b]0;title\x07\u202eevil\u009b31m" + strings.Repeat("/long", 100),
		SecretKeys: []string{"ACME_KEY", strings.Repeat("B", 120)}, Places: []string{"header:x\r\n\r\n", "query:日本語"}, DurationMS: 1234567,
	}
}

func TestLogsFitTheScreen(t *testing.T) {
	for _, width := range []int{60, 80, 133, 300} {
		for what, text := range map[string]string{
			"table": eventTable([]audit.Event{hostileEvent(), {Method: "GET"}}, width),
			"line":  eventLine(eventRow(hostileEvent()), width), "header": eventLine(eventHeader(), width),
		} {
			for line := range strings.Lines(text) {
				if w := lipgloss.Width(strings.TrimSuffix(line, "\n")); w > width {
					t.Errorf("%s: %d columns on a screen of %d:\n%s", what, w, width, line)
				}
			}
			if strings.ContainsAny(text, "\x1b\x07\r\u202e\u009b") {
				t.Errorf("%s moves the cursor: %q", what, text)
			}
			if what != "header" && !strings.Contains(text, "OK") {
				t.Errorf("%s on %d columns tells nothing:\n%s", what, width, text)
			}
			if lines := strings.Count(text, "\n"); what != "table" && lines != 1 {
				t.Errorf("%s has %d lines", what, lines)
			}
		}
	}
}
