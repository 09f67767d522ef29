package mitm_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// BenchmarkExchange is one client on one connection: an expanded header, 1 KiB
// back, redaction of 100 values on. Compare with the direct figure of the same run.
//
//	go test ./mitm -run '^$' -bench Exchange
func BenchmarkExchange(b *testing.B) {
	answer := strings.Repeat("0123456789abcde\n", 64)
	origin := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, answer) })
	for _, v := range []bool{true, false} {
		many := map[string]string{}
		for i := range 100 {
			many[fmt.Sprintf("KEY_%d", i)] = fmt.Sprintf("sk-%d-%s", i, strings.Repeat(fmt.Sprint(i), 20))
		}
		l := lab.New(b, lab.Config{Secrets: many, Allow: []string{host}, Origin: origin, ClientH1: v, OriginH1: v})
		for name := range many {
			get(b, l.Client, l.URL(host, "/"), "AS_SECRET_"+name)
		}
		b.Run(fmt.Sprintf("http%d/direct", version(v)), func(b *testing.B) {
			for b.Loop() {
				get(b, l.Direct, l.URL(host, "/"), "x")
			}
		})
		b.Run(fmt.Sprintf("http%d/without", version(v)), func(b *testing.B) { // a placeholder
			for b.Loop() {
				get(b, l.Client, l.URL(host, "/v1/items?limit=10&after=a%20b"), "x")
			}
		})
		b.Run(fmt.Sprintf("http%d/proxied", version(v)), func(b *testing.B) {
			for b.Loop() {
				get(b, l.Client, l.URL(host, "/"), "AS_SECRET_KEY_7")
			}
		})
	}
}

func get(b *testing.B, c *http.Client, url, key string) {
	req, _ := http.NewRequest("GET", url, nil)
	req.Header.Set("X-Api-Key", key)
	resp, err := c.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 200 {
		b.Fatal(resp.Status)
	}
}
