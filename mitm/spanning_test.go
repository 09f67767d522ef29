package mitm_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// A value that is written as a field, or as several lines of one, is an echo as it
// is: recipients join lines, and a secret may be a name and a value. What stands
// beside it stays, in its order.
func TestE1Spanning(t *testing.T) {
	const pair, field, list = "user-Name:paSSword-0123456789", "X-Api-Key: key-0123456789", "first, second-part-of-it"
	said := map[string]string{
		"pair":    "HTTP/1.1 200 OK\r\nX-A: a\r\n" + pair + "\r\nX-B: b\r\nContent-Length: 2\r\n\r\nok",
		"field":   "HTTP/1.1 200 OK\r\nx-api-key: other\r\n" + field + "\r\nX-B: b\r\nContent-Length: 2\r\n\r\nok",
		"list":    "HTTP/1.1 200 OK\r\nX-A: first\r\nX-A: second-part-of-it\r\nX-B: b\r\nContent-Length: 2\r\n\r\nok",
		"among":   "HTTP/1.1 200 OK\r\nX-A: a\r\nX-A: it is first\r\nX-A: second-part-of-it.\r\nX-A: a\r\nX-B: b\r\nContent-Length: 2\r\n\r\nok",
		"early":   "HTTP/1.1 103 Early\r\n" + pair + "\r\nX-A: first\r\nX-A: second-part-of-it\r\n\r\nHTTP/1.1 200 OK\r\nX-B: b\r\nContent-Length: 2\r\n\r\nok",
		"trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-B: b\r\n\r\n2\r\nok\r\n0\r\n" + pair + "\r\nX-A: first\r\nX-A: second-part-of-it\r\n\r\n",
		"apart":   "HTTP/1.1 200 OK\r\nX-A: first\r\nX-C: second-part-of-it\r\nuser-Name: pa\r\nX-B: b\r\nContent-Length: 2\r\n\r\nok",
	}
	for _, http1 := range []bool{true, false} {
		l, authority := sayings(t, said, func(c *lab.Config) {
			c.Secrets = map[string]string{"PAIR": pair, "FIELD": field, "LIST": list}
			c.ClientH1 = http1
		})
		req := "GET /%s HTTP/1.1\r\nHost: %s\r\nX-Keys: AS_SECRET_PAIR AS_SECRET_FIELD AS_SECRET_LIST\r\nConnection: close\r\n\r\n"
		for name := range said {
			var all string
			if http1 {
				conn := l.TLS(authority, "http/1.1")
				fmt.Fprintf(conn, req, name, authority)
				b, err := io.ReadAll(conn)
				if err != nil {
					t.Fatal(err)
				}
				all = string(b)
			} else {
				resp, body := do(t, l, "GET", "https://"+authority+"/"+name, "", map[string][]string{"X-Keys": {"AS_SECRET_PAIR AS_SECRET_FIELD AS_SECRET_LIST"}})
				all = fmt.Sprint(resp.Status, resp.Header, body, resp.Trailer)
			}
			low := strings.ToLower(all)
			for _, part := range []string{"password-0123", "key-0123", "second-part"} {
				if strings.Contains(low, part) != (name == "apart" && part == "second-part") {
					t.Errorf("%s, HTTP/%d: %s", name, version(http1), all)
				}
			}
			for _, kept := range []string{"x-b", "ok"} {
				if !strings.Contains(low, kept) {
					t.Errorf("%s, HTTP/%d: there is no %s in %s", name, version(http1), kept, all)
				}
			}
			if name == "among" && (!strings.Contains(low, "it is ") || http1 && strings.Count(all, "X-A: ") != 4) {
				t.Errorf("what stands beside it went: %s", all)
			}
		}
	}
}
