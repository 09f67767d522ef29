package mitm

import (
	"bytes"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
	"unicode"

	"github.com/agentsecrets/agentsecrets/internal/http1"
)

// hopByHop ends at this connection, named by Connection or not (RFC 9110, 7.6.1).
var hopByHop = []string{
	"Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings",
}

func removeHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(textproto.TrimString(name))
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
	for name := range h {
		if strings.HasPrefix(name, "Proxy-") {
			delete(h, name) // meant for us, whatever it says
		}
	}
}

func hasToken(lines []string, token string) bool {
	for _, line := range lines {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(textproto.TrimString(t), token) {
				return true
			}
		}
	}
	return false
}

// upgradeOf is the protocol that h asks to switch to, "" for none. Switching to
// HTTP/2 in clear is not offered (h2c, RFC 9113, 3.1 dropped it).
func upgradeOf(h http.Header) string {
	if !hasToken(h["Connection"], "upgrade") {
		return ""
	}
	u := h.Get("Upgrade")
	if strings.HasPrefix(strings.ToLower(u), "h2c") || strings.HasPrefix(strings.ToUpper(u), "HTTP/") {
		return ""
	}
	return u
}

// coverNames takes echoes out of the names of h's fields as the origin wrote them:
// in h they have Go's case, in which base64 is another text. Of those in lower case
// the search of h knows as much.
func (x *exchange) coverNames(h http.Header, written []http1.Field) {
	if x.run.released.Empty() {
		return
	}
	for _, f := range written {
		name := textproto.CanonicalMIMEHeaderKey(string(f.Name))
		values, ok := h[name]
		if !ok || string(f.Name) == name || bytes.IndexFunc(f.Name, unicode.IsUpper) < 0 {
			continue
		}
		if out, echoes := x.released.Name(f.Name); echoes.Total() > 0 {
			x.echoes.Add(echoes)
			delete(h, name)
			h[string(out)] = append(h[string(out)], values...)
		}
	}
}

// maxFields is how many header fields a request may have.
const maxFields = 100

func tooManyFields(n int) *Problem {
	return &Problem{Status: http.StatusRequestHeaderFieldsTooLarge, Slug: "header_too_large", Message: fmt.Sprintf("the request has %d header fields, and may have %d", n, maxFields)}
}

func lines(h http.Header) (n int) {
	for _, values := range h {
		n += len(values)
	}
	return n
}
