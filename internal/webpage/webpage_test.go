package webpage

import (
	"net/http"
	"testing"
)

func TestAsks(t *testing.T) {
	for host, page := range map[string]bool{
		"127.0.0.1:8765": false, "127.0.0.1": false, "localhost:8765": false, "LOCALHOST": false, "[::1]:8765": false, "[::1]": false,
		"127.9.9.9:1": false, "[::ffff:127.0.0.1]:1": false,
		"": true, "evil.example": true, "localhost.evil.example:8765": true, "127.0.0.1.evil.example": true, "10.0.0.1": true, "0.0.0.0:8765": true,
	} {
		if got := Asks(&http.Request{Host: host}); got != page {
			t.Errorf("Host %q: %v", host, got)
		}
	}
	for field, page := range map[string]bool{"Origin": true, "Sec-Fetch-Mode": true, "Sec-Fetch-Site": true, "Referer": false, "User-Agent": false} {
		if got := Asks(&http.Request{Host: "localhost", Header: http.Header{field: {""}}}); got != page {
			t.Errorf("field %s: %v", field, got)
		}
	}
}

// A page's Host has the port of our listener. What has another one, and is for that
// very host, was sent by a program.
func TestAsksFor(t *testing.T) {
	for _, c := range []struct {
		host, target string
		page         bool
	}{
		{"localhost:8765", "api.acme.test", false},
		{"api.acme.test", "api.acme.test", false},
		{"API.acme.test", "api.acme.test", false},
		{"api.acme.test:443", "api.acme.test:443", false},
		{"[2001:db8::1]:9443", "[2001:db8::1]:9443", false},
		{"api.acme.test:8765", "api.acme.test:8765", true},
		{"api.acme.test:8765", "api.acme.test", true},
		{"evil.example", "api.acme.test", true},
		{"evil.example:9", "api.acme.test", true},
		{"api.acme.test:", "api.acme.test:", true},
		{"api.acme.test:x", "api.acme.test:x", true},
		{"api.acme.test:99999", "api.acme.test:99999", true},
		{"a:b:c", "a:b:c", true},
		{"", "", true},
	} {
		if got := AsksFor(&http.Request{Host: c.host}, c.target, 8765); got != c.page {
			t.Errorf("Host %q for %q: %v", c.host, c.target, got)
		}
	}
	for name, r := range map[string]*http.Request{
		"an origin": {Host: "api.acme.test", Header: http.Header{"Origin": {""}}},
		"fetch":     {Host: "api.acme.test", Header: http.Header{"Sec-Fetch-Site": {"same-origin"}}},
	} {
		if !AsksFor(r, "api.acme.test", 8765) {
			t.Errorf("%s: no page", name)
		}
	}
	if !AsksFor(&http.Request{Host: "api.acme.test"}, "api.acme.test", 80) || !AsksFor(&http.Request{Host: "api.acme.test"}, "api.acme.test", 0) {
		t.Error("what may have come from a page is taken")
	}
}
