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
