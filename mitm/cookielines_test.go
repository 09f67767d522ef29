package mitm

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Servers read several Cookie lines as one, so a quote may begin in one of them
// and end in another: what stands between is no cookie of its own.
func TestS3CookieLinesAreOne(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header["Cookie"] = []string{`a="x`, "b=AS_SECRET_KEY", `c="`}
	x := &exchange{scheme: "https", proxy: &Proxy{}, dest: authority{host: "api.acme.test", port: 443}, target: parseTarget("/")}
	out := x.outgoing(r)
	if got := out.Header["Cookie"]; len(got) != 1 || got[0] != `a="x; b=AS_SECRET_KEY; c="` {
		t.Fatalf("the origin is sent %q", got)
	}
	uses, err := x.findHead(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range uses {
		if u.Place == "cookie:b" {
			t.Errorf("it is taken for a cookie of its own: %+v", u)
		}
	}
}
