package mitm_test

import (
	"crypto/tls"
	"net/http"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// What stays on this machine does without ML-KEM, what leaves it does not.
func TestKeyExchanges(t *testing.T) {
	var upstream tls.CurveID
	origin := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { upstream = r.TLS.CurveID })
	l := lab.New(t, lab.Config{Origin: origin})
	resp, err := l.Client.Get(l.URL(host, "/"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.TLS.CurveID != tls.X25519 || upstream != tls.X25519MLKEM768 {
		t.Errorf("%v with the client, %v with the origin", resp.TLS.CurveID, upstream)
	}
}
