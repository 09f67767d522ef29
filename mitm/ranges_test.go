package mitm_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// A slice may begin or end inside a value: hosts that have one are asked for the
// whole, are not heard when they send a part, and clients are not told of parts.
func TestE4Ranges(t *testing.T) {
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		asked := make(chan http.Header, 10)
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			h.Set("Accept-Ranges", "bytes")
			switch kind := r.URL.Query().Get("part"); kind {
			case "":
				asked <- r.Header
				servesParts().ServeHTTP(w, r)
				return
			case "multipart":
				h.Set("Content-Type", "multipart/byteranges; boundary=b")
				w.WriteHeader(206)
				fmt.Fprintf(w, "--b\r\nContent-Range: bytes 0-9/27\r\n\r\n%s\r\n--b--\r\n", value[:10])
			default:
				h.Set("Content-Range", "bytes 0-9/27")
				w.WriteHeader(206)
				io.WriteString(w, value[:10])
			}
		})}
		change(&cfg)
		l := lab.New(t, cfg)
		ranged := func(h http.Header, bounds string) http.Header {
			h.Set("Range", "bytes="+bounds)
			h.Set("If-Range", `"v1"`)
			return h
		}
		resp, body := do(t, l, "GET", l.URL(evil, "/"), "", ranged(http.Header{}, "0-9"))
		if got := <-asked; resp.StatusCode != 206 || body != "0123456789" || got.Get("Range") == "" || resp.Header.Get("Accept-Ranges") != "bytes" {
			t.Errorf("another host: %s %q", resp.Status, body)
		}
		all := ""
		for _, h := range []http.Header{ranged(bearer("KEY"), "0-20"), ranged(http.Header{}, "0-20"), ranged(http.Header{}, "21-45"), ranged(http.Header{}, "0-3,12-30"), ranged(http.Header{}, "-30")} {
			resp, body := do(t, l, "GET", l.URL(host, "/"), "", h)
			got := <-asked
			if resp.StatusCode != 200 || len(body) != 46 || resp.Header.Get("Accept-Ranges") != "" || got.Get("Range")+got.Get("If-Range") != "" {
				t.Errorf("%s: %s %q, head %v; the origin was asked %v", h["Range"], resp.Status, body, resp.Header, got)
			}
			wantMarker(t, "the whole", body)
			all += body
		}
		noEcho(t, "all slices", all)
		for _, kind := range []string{"one", "multipart"} {
			resp, body := do(t, l, "GET", l.URL(host, "/?part="+kind), "", nil)
			wantProblem(t, resp, body, 502, "undecodable_response")
			if strings.Contains(body, value[:10]) {
				t.Errorf("%s: %s", kind, body)
			}
		}
	})
}
