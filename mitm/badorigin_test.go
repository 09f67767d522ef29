package mitm_test

import (
	"bufio"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// sayings is an origin over HTTP/1.1 that takes a request's head, says the text of
// its path byte for byte, and goes. $V stands for the value that it was last sent,
// $H for that in hex, and $C for it in chunks of one byte.
func sayings(t *testing.T, texts map[string]string, change func(*lab.Config)) (l *lab.Lab, authority string) {
	t.Helper()
	kept := make(chan string, 1)
	kept <- ""
	port, roots := connOrigin(t, func(c net.Conn) {
		defer c.Close()
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		v := <-kept
		if sent := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "); sent != "" {
			v = sent
		}
		kept <- v
		io.WriteString(c, filledIn(texts[req.URL.Path[1:]], v))
	})
	authority = fmt.Sprintf("%s:%d", host, port)
	cfg := lab.Config{Secrets: secrets, Allow: []string{authority}}
	change(&cfg)
	next := cfg.Change
	cfg.Change = func(c *mitm.Config) {
		c.Roots = func(string) *x509.CertPool { return roots }
		if next != nil {
			next(c)
		}
	}
	return lab.New(t, cfg), authority
}

// filledIn is a saying about v.
func filledIn(text, v string) string {
	var chunks strings.Builder
	for i := range len(v) {
		fmt.Fprintf(&chunks, "1\r\n%s\r\n", v[i:i+1])
	}
	return strings.NewReplacer("$V", v, "$H", hex.EncodeToString([]byte(v)), "$C", chunks.String()).Replace(text)
}

const second = "HTTP/1.1 200 OK\r\nX-Split: yes\r\nContent-Length: 5\r\n\r\nsplit"

// badSayings are responses that could be read in two ways, or as two, or not at all.
var badSayings = map[string]string{
	"two-lengths":        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: " + fmt.Sprint(len("ok"+second)) + "\r\n\r\nok" + second,
	"length-and-chunks":  "HTTP/1.1 200 OK\r\nContent-Length: 70\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second,
	"coded-transfer":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + second,
	"chunked-twice":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second,
	"chunks-in-1.0":      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + second,
	"negative-length":    "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
	"huge-length":        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok",
	"bare-LF":            "HTTP/1.1 200 OK\nX: $V\nContent-Length: 0\n\n",
	"bare-CR":            "HTTP/1.1 200 OK\r\nX: a\rX-Split: $V\r\nContent-Length: 0\r\n\r\n",
	"folded":             "HTTP/1.1 200 OK\r\nX: a\r\n $V\r\nContent-Length: 0\r\n\r\n",
	"space-before-colon": "HTTP/1.1 200 OK\r\nX : $V\r\nContent-Length: 0\r\n\r\n",
	"no-colon":           "HTTP/1.1 200 OK\r\n$V\r\nContent-Length: 0\r\n\r\n",
	"NUL":                "HTTP/1.1 200 OK\r\nX: a\x00$V\r\nContent-Length: 0\r\n\r\n",
	"escape-in-reason":   "HTTP/1.1 200 \x1b[2J$V\r\nContent-Length: 0\r\n\r\n",
	"status-of-two":      "HTTP/1.1 20 $V\r\nContent-Length: 0\r\n\r\n",
	"another-protocol":   "SSH-2.0-$V\r\n",
	"no-head":            "$V\r\n\r\n",
	"half-a-head":        "HTTP/1.1 200 OK\r\nX: $V",
	"nothing":            "",
	"many-early":         strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: <$V>\r\n\r\n", 12) + second,
	"bad-chunk":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\nok\r\n0\r\n\r\n" + second,
	"chunk-overrun":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n" + second,
	"framing-as-trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: $V\r\n\r\n" + second,
}

// What an origin frames badly is refused or breaks off, and is never two
// responses: the client gets no second one, and no value with the first.
func TestS7BadOrigins(t *testing.T) {
	for _, http1 := range []bool{true, false} {
		l, authority := sayings(t, badSayings, func(c *lab.Config) { c.ClientH1 = http1 })
		for name := range badSayings {
			name = fmt.Sprintf("%s, HTTP/%d", name, version(http1))
			status, all, err := allOf(t, l, authority, name[:strings.Index(name, ",")])
			if status != 502 && err == nil {
				t.Errorf("%s: answered with %d as if it were whole: %q", name, status, all)
			}
			noEcho(t, name, all)
			if strings.Contains(strings.ToLower(all), "split") {
				t.Errorf("%s: the client got the second response: %q", name, all)
			}
		}
	}
}

// allOf is all that a client got for a path, and whether it ended well.
func allOf(t *testing.T, l *lab.Lab, authority, path string) (status int, all string, err error) {
	t.Helper()
	req, err := http.NewRequest("GET", "https://"+authority+"/"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = bearer("KEY")
	resp, err := l.Client.Do(req)
	if err != nil {
		return 0, err.Error(), err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, fmt.Sprint(resp.Status, resp.Header, string(body), resp.Trailer), err
}

// What can be read in one way alone passes, however odd; a second response that
// nobody asked for ends the connection it came on, and is read by nobody.
func TestS7OddOrigins(t *testing.T) {
	odd := map[string]string{
		"padded-length": "HTTP/1.1 200 OK\r\nContent-Length:    2 \t\r\n\r\nok",
		"no-reason":     "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
		"to-close":      "HTTP/1.0 200 Fine\r\n\r\nok",
		"extension":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;k=$V\r\nok\r\n0;$V\r\n\r\n",
		"two":           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + second,
		"reason":        "HTTP/1.1 200 $V \xe4\xff\r\nContent-Length: 2\r\n\r\nok",
	}
	for _, http1 := range []bool{true, false} {
		l, authority := sayings(t, odd, func(c *lab.Config) { c.ClientH1 = http1 })
		for name := range odd {
			for range 2 { // the second may meet what the first left
				status, all, err := allOf(t, l, authority, name)
				if status != 200 || err != nil || !strings.Contains(all, "ok") {
					t.Errorf("%s: %d %q, %v", name, status, all, err)
				}
				noEcho(t, name, all)
				if strings.Contains(strings.ToLower(all), "split") {
					t.Errorf("%s: the client got a response that it did not ask for: %q", name, all)
				}
			}
		}
	}
}
