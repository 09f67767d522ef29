package clients_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// signed is a bucket of S3 with one object, for whose signature was made with the key.
func (o *origin) signed(w http.ResponseWriter, r *http.Request) {
	o.keep(r, nil)
	if o.signatureHolds(request{r, nil}) {
		io.WriteString(w, "all is well\n")
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusForbidden)
	io.WriteString(w, "<Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated does not match the signature you provided.</Message></Error>")
}

var sigV4 = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=[^/]+/(\d+)/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]+)$`)

// signatureHolds computes a signature of version 4 anew, as the service would.
func (o *origin) signatureHolds(r request) bool {
	m := sigV4.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return false
	}
	day, region, service := m[1], m[2], m[3]
	canonical := fmt.Sprintf("%s\n%s\n%s\n", r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
	for field := range strings.SplitSeq(m[4], ";") {
		value := r.Header.Get(field)
		if field == "host" {
			value = r.Host
		}
		canonical += field + ":" + value + "\n"
	}
	canonical += "\n" + m[4] + "\n" + r.Header.Get("X-Amz-Content-Sha256")
	sum := sha256.Sum256([]byte(canonical))
	key := []byte("AWS4" + o.key)
	for _, part := range []string{day, region, service, "aws4_request"} {
		key = mac(key, part)
	}
	text := "AWS4-HMAC-SHA256\n" + r.Header.Get("X-Amz-Date") + "\n" + day + "/" + region + "/" + service + "/aws4_request\n" + hex.EncodeToString(sum[:])
	return hex.EncodeToString(mac(key, text)) == m[5]
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
