package mitm_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	formdata "mime/multipart"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// reporter says of a body with a value all that fields can say: its length, and digests of every kind, in its head,
// ahead of it and behind it.
func reporter(w http.ResponseWriter, r *http.Request) {
	body := []byte("the key is " + value + "\n")
	h := w.Header()
	h.Set("Content-Type", "text/plain")
	if r.URL.Path == "/parts" {
		body = partsOf(body)
		h.Set("Content-Type", "multipart/mixed; boundary=bound")
	}
	for _, f := range digestsOf(body) {
		h.Set(f[0], f[1])
	}
	w.WriteHeader(http.StatusEarlyHints)
	h.Set("Etag", `"v1"`)
	switch r.URL.Path {
	case "/not-modified":
		w.WriteHeader(http.StatusNotModified)
		return
	case "/trailer":
		w.Write(body)
		http.NewResponseController(w).Flush()
		for _, f := range digestsOf(body) {
			h.Set(http.TrailerPrefix+f[0], f[1])
		}
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

// partsOf is body as a part that tells its own length.
func partsOf(body []byte) []byte {
	return fmt.Appendf(nil, "--bound\r\nContent-Length: %d\r\n\r\n%s\r\n--bound--\r\n", len(body), body)
}

// digestsOf are fields that tell what body is made of (RFC 1864, 3230 and 9530).
func digestsOf(body []byte) [][2]string {
	m, s, l := md5.Sum(body), sha256.Sum256(body), sha512.Sum512(body)
	b64 := func(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
	return [][2]string{
		{"Content-Md5", b64(m[:])},
		{"Digest", "sha-256=" + b64(s[:]) + ",md5=" + b64(m[:])},
		{"Content-Digest", "sha-512=:" + b64(l[:]) + ":"},
		{"Repr-Digest", "sha-256=:" + b64(s[:]) + ":"},
	}
}

// What an origin reports of a body that holds a value tells its length, which stays true, and nothing of what is in it.
func TestE8LengthsStayAndDigestsGo(t *testing.T) {
	body := []byte("the key is " + value + "\n")
	marked := "the key is " + marker(len(value)) + "\n"
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(reporter)}
		change(&cfg)
		l := lab.New(t, cfg)
		for _, c := range []struct{ method, path, body string }{
			{"GET", "/", marked}, {"HEAD", "/", ""}, {"GET", "/trailer", marked}, {"GET", "/not-modified", ""},
			{"GET", "/parts", string(partsOf([]byte(marked)))}, {"HEAD", "/parts", ""},
		} {
			what := c.method + " " + c.path
			var early []string
			trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				early = append(early, fmt.Sprint(code, h))
				return nil
			}}
			req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), c.method, l.URL(host, c.path), nil)
			req.Header = bearer("KEY")
			req.Header.Set("Want-Content-Digest", "sha-512=10")
			req.Header.Set("Want-Repr-Digest", "sha-256=10")
			req.Header.Set("Want-Digest", "sha-256")
			resp, got := send(t, l.Client, req)
			if got != c.body {
				t.Errorf("%s: the body is %q, want %q", what, got, c.body)
			}
			whole := len(body)
			if c.path == "/parts" {
				whole = len(partsOf(body))
			}
			if n := resp.Header.Get("Content-Length"); c.path != "/trailer" && c.path != "/not-modified" && n != strconv.Itoa(whole) {
				t.Errorf("%s: a length of %q, and it is %d", what, n, whole)
			}
			if tag := resp.Header.Get("Etag"); len(c.body) > 0 && !strings.HasPrefix(tag, "W/") {
				t.Errorf("%s: the tag %s promises every byte", what, tag)
			}
			if len(early) != 1 {
				t.Errorf("%s: %d early responses", what, len(early))
			}
			noDigest(t, what, body, fmt.Sprint(early, resp.Header, resp.Trailer))
		}
		resp, got := do(t, l, "GET", l.URL(host, "/parts"), "", nil)
		partIsAsLong(t, resp.Header.Get("Content-Type"), got)
	})
}

// noDigest fails if text has a digest of body, or of body as a part, under whatever name.
func noDigest(t *testing.T, what string, body []byte, text string) {
	t.Helper()
	for _, b := range [][]byte{body, partsOf(body)} {
		m, s, l := md5.Sum(b), sha256.Sum256(b), sha512.Sum512(b)
		for _, sum := range [][]byte{m[:], s[:], l[:]} {
			if strings.Contains(text, base64.StdEncoding.EncodeToString(sum)) || strings.Contains(text, hex.EncodeToString(sum)) {
				t.Errorf("%s: a digest of what the client does not get is in %s", what, text)
			}
		}
	}
}

// partIsAsLong holds that a part has the length that it tells.
func partIsAsLong(t *testing.T, kind, body string) {
	t.Helper()
	_, params, err := mime.ParseMediaType(kind)
	if err != nil {
		t.Fatal(err)
	}
	part, err := formdata.NewReader(strings.NewReader(body), params["boundary"]).NextPart()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(part)
	if err != nil || part.Header.Get("Content-Length") != strconv.Itoa(len(b)) || bytes.Contains(b, []byte(value)) {
		t.Errorf("the part says %s, and is %q, %v", part.Header.Get("Content-Length"), b, err)
	}
}
