package mitm_test

import (
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// Go's HTTP/2 lets any text be a method, and its transport sends it so on a
// connection that it has already: as a request line, this one is the absolute form
// of another host.
func TestD3MethodHoldsNoTarget(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host, evil}, Origin: o})
	here, there := l.Authority(host), l.Authority(evil)
	ask := func(method string) string {
		return http2Status(t, l.TLS(here, "h2"), []string{":method", method, ":authority", here, ":path", "/x"})
	}
	if got := ask("PROPFIND"); got != "200" { // which makes the connection
		t.Fatalf("PROPFIND: %s", got)
	}
	o.take(t)
	for _, method := range []string{"GET https://" + there + "/", "GET /y HTTP/1.1", "GET\t/y", "G(T", "GÉT", "GET "} {
		if got := ask(method); got != "400" && got != "reset" {
			t.Errorf("%q: got %s, want 400", method, got)
		}
		o.none(t)
	}
}
