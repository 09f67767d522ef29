package mitm_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/metrics"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// What goes over HTTP/2 as gRPC does it. Clients of gRPC itself are in internal/interop.

func message(flags byte, text string) string {
	return string(binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(text)))) + text
}

func gzipText(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

// grpcAsk is a call with body, cut off where it does not end. The origin's answer may
// be an end without a body.
func grpcAsk(t *testing.T, l *lab.Lab, to string, body io.Reader, header http.Header) (*http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "POST", l.URL(to, "/acme.Service/Method"), body)
	if err != nil {
		t.Fatal(err)
	}
	context.AfterFunc(ctx, func() { req.Body.Close() }) // while a body is awaited nothing else ends the call
	req.Header = http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}}
	for k, vs := range header {
		req.Header[k] = vs
	}
	return l.Client.Do(req)
}

func grpcCall(t *testing.T, l *lab.Lab, to, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	resp, err := grpcAsk(t, l, to, strings.NewReader(body), header)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read %q, then %v", b, err)
	}
	return resp, string(b)
}

// grpcSays is an origin that answers with parts, each sent by itself, and status 0.
func grpcSays(head http.Header, parts ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/grpc+proto")
		for k, vs := range head {
			w.Header()[k] = vs
		}
		rc := http.NewResponseController(w)
		for _, part := range parts {
			io.WriteString(w, part)
			rc.Flush()
		}
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	})
}

// keyed is metadata of a call with a value.
func keyed() http.Header { return bearer("KEY") }

func TestGRPCMessages(t *testing.T) {
	said, clean := "it is "+value+".", "it is "+marker(len(value))+"."
	whole := message(0, said)
	for name, c := range map[string]struct {
		head  http.Header
		parts []string
		want  string
	}{
		"in one frame":      {nil, []string{whole + whole}, message(0, clean) + message(0, clean)},
		"over two frames":   {nil, []string{whole[:20], whole[20:]}, message(0, clean)},
		"head by itself":    {nil, []string{whole[:3], whole[3:5], whole[5:]}, message(0, clean)},
		"gzip":              {http.Header{"Grpc-Encoding": {"gzip"}}, []string{message(1, gzipText(said)), whole}, message(0, clean) + message(0, clean)},
		"gzip over frames":  {http.Header{"Grpc-Encoding": {"gzip"}}, []string{message(1, gzipText(said))[:9], message(1, gzipText(said))[9:]}, message(0, clean)},
		"identity":          {http.Header{"Grpc-Encoding": {"identity"}}, []string{whole}, message(0, clean)},
		"declared length":   {http.Header{"Content-Length": {fmt.Sprint(len(whole))}}, []string{whole}, message(0, clean)},
		"gzip, with length": {http.Header{"Grpc-Encoding": {"gzip"}, "Content-Length": {fmt.Sprint(len(message(1, gzipText(said))))}}, []string{message(1, gzipText(said))}, message(0, clean)},
	} {
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: grpcSays(c.head, c.parts...)})
		resp, body := grpcCall(t, l, host, message(0, "question"), keyed())
		if body != c.want || resp.Trailer.Get("Grpc-Status") != "0" {
			t.Errorf("%s: got %q and %v, want %q", name, body, resp.Trailer, c.want)
		}
		if got := resp.Header.Get("Grpc-Encoding"); got != "" {
			t.Errorf("%s: the client is told of %s", name, got)
		}
		if e := waitEvent(t, l); !e.Redacted || e.Status != audit.OK {
			t.Errorf("%s: audit says %+v", name, e)
		}
	}
}

func marker(n int) string { return "[REDACTED_BY_AGENTSECRETS]"[:26] + strings.Repeat("*", n-26) }

// Both sides take turns: what either says reaches the other though it ends in
// nothing that ends a word.
func TestGRPCPingPong(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Bindings: bound("header body:any"), Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		w.Header().Set("Content-Type", "application/grpc")
		rc.Flush()
		for b := make([]byte, 64); ; {
			n, err := r.Body.Read(b)
			if _, failed := w.Write(b[:n]); err != nil || failed != nil {
				return
			}
			rc.Flush()
		}
	})})
	grpcCall(t, l, host, message(0, "a value is out"), keyed())
	pr, pw := io.Pipe()
	defer pw.Close()
	resp, err := grpcAsk(t, l, host, pr, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for _, text := range []string{"word", "AS_SEC", "AS_SECRET_KEY", "sk-live", ""} {
		io.WriteString(pw, message(0, text))
		got := make([]byte, 5+len(text))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != message(0, text) {
			t.Fatalf("%q: %q, %v", text, got, err)
		}
	}
}

// A message that cannot be searched ends the call, with a status that says why.
func TestGRPCUnreadableMessages(t *testing.T) {
	before := message(0, "before")
	for name, c := range map[string]struct{ coding, sent, status string }{
		"unknown coding": {"rot13", message(1, "fx-yvir"), "13"},
		"no coding":      {"", message(1, value), "13"},
		"bad gzip":       {"gzip", message(1, value), "13"},
		"bomb":           {"gzip", message(1, gzipText(strings.Repeat("\x00", 17<<20))), "8"},
		"no frame":       {"", value, "13"},
	} {
		head := http.Header{}
		if c.coding != "" {
			head.Set("Grpc-Encoding", c.coding)
		}
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: grpcSays(head, before, c.sent)})
		resp, body := grpcCall(t, l, host, message(0, "question"), keyed())
		if name == "no frame" {
			body = before // it may come with what shows that it is no message
		}
		if body != before || resp.Trailer.Get("Grpc-Status") != c.status || !strings.Contains(resp.Trailer.Get("Grpc-Message"), "searched for values") {
			t.Errorf("%s: got %q and %v", name, body, resp.Trailer)
		}
		if e := waitEvent(t, l); e.Reason != "undecodable_response" || e.Status != audit.Error {
			t.Errorf("%s: audit says %+v", name, e)
		}
		// Who speaks something else is not told in gRPC's words, but cut off.
		resp, err := grpcAsk(t, l, host, strings.NewReader(""), http.Header{"Content-Type": {"application/grpc-web"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("%s: the response ends well", name)
		}
		resp.Body.Close()
	}
}

// Where no value may be, messages pass as they are; which codings are asked for
// follows from what may be in them.
func TestGRPCCodingsAskedFor(t *testing.T) {
	asked := make(chan []string, 1)
	packed := message(1, "whatever it is")
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- append(r.Header["Grpc-Accept-Encoding"], r.Header["Connect-Accept-Encoding"]...)
		grpcSays(http.Header{"Grpc-Encoding": {"rot13"}}, packed).ServeHTTP(w, r)
	})})
	codings := http.Header{"Grpc-Accept-Encoding": {"identity,rot13, gzip"}, "Connect-Accept-Encoding": {"snappy"}}
	resp, body := grpcCall(t, l, evil, "", codings)
	if got := fmt.Sprint(<-asked); body != packed || resp.Header.Get("Grpc-Encoding") != "rot13" || got != "[identity,rot13, gzip snappy]" {
		t.Errorf("before any value: asked for %s, got %q, %v", got, body, resp.Header)
	}
	codings.Set("Authorization", "Bearer AS_SECRET_KEY")
	grpcCall(t, l, host, "", codings)
	if got := <-asked; len(got) > 0 {
		t.Errorf("with a value: asked for %q", got)
	}
	codings.Del("Authorization")
	resp, body = grpcCall(t, l, evil, "", codings)
	if got := fmt.Sprint(<-asked); body != "" || resp.Trailer.Get("Grpc-Status") != "13" || got != "[identity, gzip identity]" {
		t.Errorf("with a value elsewhere: asked for %s, got %q, %v", got, body, resp.Trailer)
	}
}

// Status and metadata hold no echo, and can still be read.
func TestGRPCStatusAndMetadata(t *testing.T) {
	details := "\x08\x0d\x12\x1f" + value + "!"
	std, raw := base64.StdEncoding, base64.RawStdEncoding
	for _, early := range []bool{true, false} { // a head that is the end, or trailers
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			prefix := ""
			if !early {
				io.WriteString(w, message(0, "x"))
				prefix = http.TrailerPrefix
			}
			for k, v := range map[string]string{
				"Grpc-Status": "7", "Grpc-Message": "no%20" + url.PathEscape(value), "Grpc-Status-Details-Bin": raw.EncodeToString([]byte(details)),
				"X-Padded-Bin": std.EncodeToString([]byte(details)), "X-Two-Bin": raw.EncodeToString([]byte("a")) + "," + raw.EncodeToString([]byte(details)), "X-Text": value,
			} {
				w.Header().Set(prefix+k, v)
			}
		})})
		resp, _ := grpcCall(t, l, host, message(0, "question"), keyed())
		got := resp.Trailer
		if early {
			got = resp.Header
		}
		noEcho(t, "metadata", fmt.Sprint(resp.Header, resp.Trailer))
		clean := strings.Replace(details, value, marker(len(value)), 1)
		if got.Get("Grpc-Status") != "7" || got.Get("Grpc-Status-Details-Bin") != raw.EncodeToString([]byte(clean)) ||
			got.Get("X-Padded-Bin") != std.EncodeToString([]byte(clean)) || got.Get("X-Two-Bin") != raw.EncodeToString([]byte("a"))+","+raw.EncodeToString([]byte(clean)) {
			t.Errorf("early %v: %v", early, got)
		}
		wantMarker(t, "message", got.Get("Grpc-Message"))
		wantMarker(t, "text", got.Get("X-Text"))
	}
}

// A refusal is a status of gRPC's, in a head that is the end; the record has ours.
func TestGRPCRefusals(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o})
	for _, c := range []struct{ to, name, status, slug, text string }{
		{evil, "KEY", "7", "domain_not_in_allowlist", "workspace allowlist add"},
		{host, "NOSUCH", "9", "secret_not_found", "no such secret"},
	} {
		resp, body := grpcCall(t, l, c.to, message(0, "question"), bearer(c.name))
		h := resp.Header
		if resp.StatusCode != 200 || body != "" || len(resp.Trailer) > 0 || h.Get("Content-Type") != "application/grpc" || h.Get("Grpc-Status") != c.status ||
			!strings.Contains(h.Get("Grpc-Message"), c.slug+": ") || !strings.Contains(h.Get("Grpc-Message"), c.text) || h.Get("Agentsecrets-Exchange") == "" {
			t.Errorf("%s: %s %v %q", c.slug, resp.Status, h, body)
		}
	}
	o.none(t)
	for i, want := range []int{403, 424} {
		until(t, "both are recorded", func() bool { return len(done(l.Events())) == 2 })
		if e := done(l.Events())[i]; e.StatusCode != want || e.Status != audit.Blocked {
			t.Errorf("audit: %+v", e)
		}
	}
	resp, body := grpcCall(t, l, evil, "", http.Header{"Authorization": {"Bearer AS_SECRET_KEY"}, "Content-Type": {"application/grpc-web"}})
	wantProblem(t, resp, body, 403, "domain_not_in_allowlist")
}

// An origin without HTTP/2 is sent nothing of gRPC, also where it is known already.
func TestGRPCNeedsHTTP2(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: o, OriginH1: true})
	for i := range 2 {
		resp, _ := grpcCall(t, l, host, message(0, "question"), keyed())
		if h := resp.Header; h.Get("Grpc-Status") != "13" || !strings.Contains(h.Get("Grpc-Message"), "gRPC needs HTTP/2") {
			t.Errorf("%v", h)
		}
		o.none(t)
		if i == 0 {
			do(t, l, "GET", l.URL(host, "/"), "", keyed())
			o.take(t)
		}
	}
}

// Messages of requests pass as they are: what they name is counted where a
// binding would let a value stand anywhere.
func TestGRPCRequests(t *testing.T) {
	for places, want := range map[string]int{"header body:any": 2, "header": 0} {
		o := newRecorder()
		count := &counter{Observer: metrics.New(metrics.Config{})}
		l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Bindings: bound(places), Origin: o, Change: func(c *mitm.Config) { c.Observer = count }})
		body := message(0, "AS_SECRET_KEY") + message(1, "x AS_SECRET_KEY")
		resp, err := grpcAsk(t, l, host, io.MultiReader(strings.NewReader(body[:9]), strings.NewReader(body[9:])), keyed())
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := o.take(t); got.Body != body || got.Header.Get("Authorization") != "Bearer "+value || got.Header.Get("Te") != "trailers" {
			t.Errorf("the origin got %q, %v", got.Body, got.Header)
		}
		if n := count.take(); n != want {
			t.Errorf("%s: %d counted", places, n)
		}
	}
}

// Each side's end of a call is the other's, at once; a deadline is the origin's to know.
func TestGRPCCancel(t *testing.T) {
	var timeout atomic.Value
	begun, ended, abort := make(chan bool), make(chan time.Time, 1), make(chan bool)
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		timeout.Store(r.Header.Get("Grpc-Timeout"))
		w.Header().Set("Content-Type", "application/grpc")
		if r.URL.Query().Has("early") {
			io.WriteString(w, message(0, "first"))
			http.NewResponseController(w).Flush()
		}
		begun <- true
		select {
		case <-r.Context().Done():
			ended <- time.Now()
		case <-abort:
			ended <- time.Now()
			panic(http.ErrAbortHandler)
		}
	})})
	fastest := map[string]time.Duration{}
	note := func(what string, d time.Duration) {
		if best, ok := fastest[what]; !ok || d < best {
			fastest[what] = d
		}
	}
	ask := func(ctx context.Context, query string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, "POST", l.URL(host, "/acme.Service/Method"+query), strings.NewReader(message(0, "question")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}, "Authorization": {"Bearer AS_SECRET_KEY"}, "Grpc-Timeout": {"3S"}}
		return l.Client.Do(req)
	}
	end := func() time.Time {
		t.Helper()
		select {
		case at := <-ended:
			return at
		case <-time.After(20 * time.Second):
			close(abort)
			t.Fatal("the call goes on at the origin")
		}
		return time.Time{}
	}
	for range 5 {
		for _, query := range []string{"", "?early"} {
			ctx, cancel := context.WithCancel(t.Context())
			var at time.Time
			go func() { <-begun; at = time.Now(); cancel() }()
			if resp, err := ask(ctx, query); err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			note("the client's"+query, end().Sub(at))
		}
		go func() { <-begun; abort <- true }()
		resp, err := ask(t.Context(), "?early")
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("read %q, and a good end", b)
		}
		note("the origin's", time.Since(end()))
		resp.Body.Close()
	}
	for what, d := range fastest {
		if d > 50*time.Millisecond {
			t.Errorf("%s end reached the other side after %v", what, d)
		}
	}
	if timeout.Load() != "3S" {
		t.Errorf("the origin was told %q", timeout.Load())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	go func() { <-begun }()
	if _, err := ask(ctx, ""); err == nil {
		t.Error("answered after the deadline")
	}
	end()
}
