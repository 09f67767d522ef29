package mitm_test

import (
	"bufio"
	"io"
	"net/http"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// Upgrade is about the connection, like all that ends here, though we send it
// again: no value goes into it.
func TestS6UpgradeIsText(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, OriginH1: true})
	conn := l.TLS(l.Authority(host), "http/1.1")
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+l.Authority(host)+"\r\nConnection: Upgrade, X-Key\r\nUpgrade: "+isKey+"\r\nX-Key: "+isKey+"\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || resp.StatusCode != 200 {
		t.Fatalf("%v, %v", resp, err)
	}
	if got := o.take(t).Header; got.Get("Upgrade") != isKey || got.Get("X-Key") != "" {
		t.Errorf("the origin got %q", got)
	}
}
