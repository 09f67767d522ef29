package mitm_test

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// gRPC-Web in text is searched as what it encodes.
func TestGRPCWebText(t *testing.T) {
	enc := base64.StdEncoding
	said, trailers := message(0, "it is "+value), message(0x80, "grpc-status: 0\r\ngrpc-message: "+value+"\r\n")
	head := http.Header{"Content-Type": {"application/grpc-web-text+proto"}}
	o := grpcSays(head, enc.EncodeToString([]byte(said[:7])), enc.EncodeToString([]byte(said[7:])), enc.EncodeToString([]byte(trailers)))
	eachProtocol(t, func(t *testing.T, change func(*lab.Config)) {
		cfg := lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o}
		change(&cfg)
		l := lab.New(t, cfg)
		resp, body := do(t, l, "POST", l.URL(host, "/"), "", http.Header{"Content-Type": head["Content-Type"], "Authorization": {"Bearer AS_SECRET_KEY"}})
		var got []byte
		for quad := range slices.Chunk([]byte(body), 4) { // padding may stand anywhere
			var err error
			if got, err = enc.AppendDecode(got, quad); err != nil {
				t.Fatalf("%s: %q, %v", resp.Status, body, err)
			}
		}
		if want := strings.ReplaceAll(said+trailers, value, marker(len(value))); string(got) != want {
			t.Errorf("%s: %q", resp.Status, got)
		}
	})
}
