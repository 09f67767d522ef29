package mitm_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// tooLarge answers before it has read the body.
var tooLarge = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusRequestEntityTooLarge)
	io.WriteString(w, "too large!")
})

// Who is answered in the middle of its sending gets the answer, whoever gives it.
func TestAnsweredBeforeTheBody(t *testing.T) {
	body := make([]byte, 5<<20)
	for _, originH1 := range []bool{true, false} {
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, ClientH1: true, OriginH1: originH1, Origin: tooLarge})
		for to, want := range map[string]string{host: "413 too large!", evil: "403 domain_not_in_allowlist"} {
			for range 15 {
				req, err := http.NewRequest("POST", l.URL(to, "/"), bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				req.Header = bearer("KEY")
				resp, err := l.Client.Do(req)
				if err != nil {
					t.Errorf("origin of HTTP/1 %v, %s: %v", originH1, to, err)
					continue
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if text := fmt.Sprintf("%d %s", resp.StatusCode, got); err != nil || text[:4] != want[:4] || !bytes.Contains(got, []byte(want[4:])) {
					t.Errorf("origin of HTTP/1 %v, %s: %.80q, %v", originH1, to, text, err)
				}
			}
		}
	}
}

// Over HTTP/2 the stream is reset behind the answer, and not in one go with it, unless
// there is little left.
func TestStreamIsResetBehindTheAnswer(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: tooLarge})
	for _, c := range []struct {
		length string
		late   bool
	}{
		{"5000000", true},
		{"60000", false},
	} {
		k := newTalker(t, l.TLS(l.Authority(host), "h2"), true, true)
		fields := []string{":method", "POST", ":scheme", "https", ":authority", l.Authority(host), ":path", "/", "content-length", c.length}
		err := k.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: k.fields(fields...), EndHeaders: true})
		if err == nil {
			err = k.WriteData(1, false, make([]byte, 16<<10))
		}
		var answered, reset time.Time
		for err == nil && reset.IsZero() {
			var f http2.Frame
			if f, err = k.ReadFrame(); err != nil {
				break
			}
			switch f.(type) {
			case *http2.DataFrame:
				if answered.IsZero() {
					answered = time.Now()
				}
			case *http2.RSTStreamFrame:
				reset = time.Now()
			}
		}
		k.conn.Close()
		if err != nil || answered.IsZero() {
			t.Errorf("%s: %v, answered %v", c.length, err, !answered.IsZero())
		} else if after := reset.Sub(answered); after >= 25*time.Millisecond != c.late {
			t.Errorf("%s: reset %v after the answer", c.length, after)
		}
	}
}
