package mitm_test

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/redact"
)

// placesOfEchoes are the parts of a response that can hold a text, with one in each.
const placesOfEchoes = "HTTP/1.1 103 Early $V\r\nLink: </$V>; rel=preload\r\nX-Early-$H: 1\r\n\r\n" +
	"HTTP/1.1 202 Fine $V\r\nContent-Type: text/plain; v=\"$V\"\r\nLocation: https://other.test/?k=$V\r\nSet-Cookie: s=$V; Path=/$V\r\n" +
	"Set-Cookie: t=$H; Domain=$H.test\r\nWWW-Authenticate: Basic realm=\"$V\"\r\nContent-Disposition: attachment; filename*=UTF-8''$V\r\n" +
	"X-$H: 1\r\nETag: \"$V\"\r\nRefresh: 0; url=/$V\r\nX-Two: $V, $V\r\nTrailer: X-Sum, Y-$H\r\nTransfer-Encoding: chunked\r\n\r\n" +
	"1;ext=$V\r\n<\r\n$C1\r\n>\r\n0;$V\r\nX-Sum: $V\r\nY-$H: 1\r\nX-Late: $V\r\n\r\n"

// A value in each place that a response has comes back in none, and each is as
// long as it was.
func TestE1EveryPlace(t *testing.T) {
	for _, http1 := range []bool{true, false} {
		l, authority := sayings(t, map[string]string{"all": placesOfEchoes}, func(c *lab.Config) { c.ClientH1 = http1 })
		var early []http.Header
		trace := &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
			early = append(early, http.Header(h))
			return nil
		}}
		req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", "https://"+authority+"/all", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = bearer("KEY")
		resp, body := send(t, l.Client, req)
		said := bufio.NewReader(strings.NewReader(filledIn(placesOfEchoes, value)))
		first, final := readSaid(t, said), readSaid(t, said)
		if len(early) != 1 || sizes(early[0]) != sizes(first.Header) {
			t.Errorf("1xx: %v, want as long as %v", early, first.Header)
		}
		text, err := io.ReadAll(final.Body)
		if err != nil || len(body) != len(text) {
			t.Errorf("the body is %q, want as long as %q, %v", body, text, err)
		}
		wantMarker(t, "the body", body)
		resp.Header.Del("Agentsecrets-Exchange")
		if n := resp.Header.Get("Agentsecrets-Redacted"); n != "13" {
			t.Errorf("%s echoes are told of in the head", n)
		}
		resp.Header.Del("Agentsecrets-Redacted")
		resp.Header.Set("Etag", strings.TrimPrefix(resp.Header.Get("Etag"), "W/"))
		if got, want := sizes(resp.Header), sizes(final.Header); got != want {
			t.Errorf("the head is %s, want %s", got, want)
		}
		if got, want := sizes(resp.Trailer), sizes(final.Trailer); got != want {
			t.Errorf("the trailers are %s, want %s", got, want)
		}
		if http1 && len(resp.Status) != len(final.Status) {
			t.Errorf("the reason is %q", resp.Status)
		}
		noEcho(t, "the response", fmt.Sprint(early, resp.Status, resp.Header, body, resp.Trailer))
		if e := waitEvent(t, l); e.Redactions < 20 || strings.Join(e.RedactedForms, " ") != "hex verbatim" {
			t.Errorf("audit: %+v", e)
		}
	}
}

// The same bytes, as they come: a library may hide what it does not know.
func TestE1OnTheWire(t *testing.T) {
	l, authority := sayings(t, map[string]string{"all": placesOfEchoes}, func(*lab.Config) {})
	conn := l.TLS(authority, "http/1.1")
	fmt.Fprintf(conn, "GET /all HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", authority, isKey)
	all, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	text := string(all)
	noEcho(t, "all that came", text)
	marked := redact.Marker + strings.Repeat("*", len(value)-len(redact.Marker))
	for _, want := range []string{"HTTP/1.1 103 Early " + marked + "\r\n", "HTTP/1.1 202 Fine " + marked + "\r\n", "\r\nX-Late: " + marked + "\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %q", want, text)
		}
	}
}

func readSaid(t *testing.T, r *bufio.Reader) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// sizes is how long the names and values of fields are; the names themselves
// where they hold no value.
func sizes(h http.Header) string {
	var all []string
	for name, lines := range h {
		name = strings.ReplaceAll(name, textproto.CanonicalMIMEHeaderKey("x-" + hex.EncodeToString([]byte(value)))[2:], strings.Repeat("*", 2*len(value)))
		for _, line := range lines {
			all = append(all, fmt.Sprintf("%s: %d", strings.ToLower(name), len(line)))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// What one exchange released is looked for in all others of its run, whoever
// answers, and in a response that began before.
func TestE1OtherExchanges(t *testing.T) {
	for _, http1 := range []bool{true, false} {
		begun, released := make(chan struct{}), make(chan struct{})
		o := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				io.WriteString(w, "begun ")
				http.NewResponseController(w).Flush()
				close(begun)
				<-released
			}
			fmt.Fprintf(w, "kept %s\n", value)
		})
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, ClientH1: http1})
		all := make(chan string, 1)
		go func() {
			resp, err := l.Client.Get(l.URL(evil, "/slow"))
			if err != nil {
				all <- err.Error()
				return
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			all <- fmt.Sprint(string(b), err)
		}()
		<-begun
		do(t, l, "GET", l.URL(host, "/"), "", bearer("KEY"))
		close(released)
		slow := <-all
		noEcho(t, "a response that began before", slow)
		wantMarker(t, "a response that began before", slow)
		_, other := do(t, l, "GET", l.URL(evil, "/"), "", nil)
		noEcho(t, "a later response", other)
		wantMarker(t, "a later response", other)
	}
}
