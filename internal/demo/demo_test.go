package demo

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/ca"
)

const value = `sk-demo-/+"&<Zq7Yt2Lm9Wc4`

// Every way to show a value must be noticed, inside other text too: a search
// that misses one would let a leak pass.
func TestSeenEveryForm(t *testing.T) {
	for _, f := range forms([]byte(value)) {
		text := "before " + f.text + " after"
		if got := Seen([]byte(text), []byte(value)); !slices.Contains(got, f.name) {
			t.Errorf("%s not noticed in %q: %v", f.name, text, got)
		}
	}
	for n := range 7 {
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			text := enc.EncodeToString([]byte(strings.Repeat("é", n)[:n] + value + strings.Repeat("x", n)))
			if len(Seen([]byte(text), []byte(value))) == 0 {
				t.Errorf("not noticed in base64 after %d bytes: %s", n, text)
			}
		}
	}
	if got := Seen([]byte("Bearer [REDACTED_BY_AGENTSECRETS]***"+value[:20]), []byte(value)); got != nil {
		t.Errorf("seen where it is not: %v", got)
	}
}

func TestSearchTree(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "a", "clean"), []byte("nothing"), 0o600)
	if found, err := SearchTree(dir, []byte(value)); err != nil || found != nil {
		t.Errorf("clean: %v, %v", found, err)
	}
	os.WriteFile(filepath.Join(dir, "a", "b", "log"), []byte("x"+value), 0o600)
	if found, err := SearchTree(dir, []byte(value)); err != nil || len(found) != 1 || !strings.Contains(found[0], "log") {
		t.Errorf("dirty: %v, %v", found, err)
	}
	if _, err := SearchTree(filepath.Join(dir, "none"), []byte(value)); err == nil {
		t.Error("a directory that is not there was searched")
	}
}

func startOrigin(t *testing.T, told io.Writer) (url string, client *http.Client) {
	t.Helper()
	authority, err := ca.NewEphemeral(ca.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := authority.Leaf("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go ServeOrigin(l, cert, told)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM())
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return "https://" + l.Addr().String(), &http.Client{Transport: tr}
}

func post(t *testing.T, c *http.Client, url, body string, header ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+value)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestOriginEchoes(t *testing.T) {
	told := &bytes.Buffer{}
	base, c := startOrigin(t, told)
	url := base + "/v1/chat/completions"
	for name, header := range map[string][]string{"plain": nil, "asked for gzip": {"Accept-Encoding", "gzip"}} {
		resp := post(t, c, url, `{"model":"m"}`, header...)
		body := io.Reader(resp.Body)
		if zipped := resp.Header.Get("Content-Encoding") == "gzip"; zipped != (header != nil) {
			t.Errorf("%s: gzip %v", name, zipped)
		} else if zipped {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		var got struct {
			Choices []struct{ Message struct{ Content string } }
		}
		if err := json.NewDecoder(body).Decode(&got); err != nil || !strings.Contains(got.Choices[0].Message.Content, value) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if resp.Header.Get("X-Echo-Authorization") != "Bearer "+value {
			t.Errorf("%s: no echo in the head", name)
		}
	}
	if resp := post(t, c, url+"?gzip=always", `{}`, "Accept-Encoding", "identity"); resp.Header.Get("Content-Encoding") != "gzip" {
		t.Error("gzip=always does not compress")
	}
	var first Got
	if err := json.NewDecoder(told).Decode(&first); err != nil || first.Authorization != "Bearer "+value {
		t.Errorf("told %+v, %v", first, err)
	}
}

func TestOriginStreams(t *testing.T) {
	base, c := startOrigin(t, io.Discard)
	resp := post(t, c, base+"/v1/chat/completions", `{"model":"m","stream":true}`)
	said, last := "", ""
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		last = data
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if json.Unmarshal([]byte(data), &chunk) == nil {
			said += chunk.Choices[0].Delta.Content
		}
	}
	if want := fmt.Sprintf("You sent me Bearer %s, over HTTP/1.1.", value); said != want || last != "[DONE]" {
		t.Errorf("said %q, then %q", said, last)
	}
}
