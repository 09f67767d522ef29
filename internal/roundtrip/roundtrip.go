// Package roundtrip plays the same requests straight to an origin and through
// what is to change nothing, for the tests of both layers of our HTTP/1.
package roundtrip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// Origin answers with what it was sent, in the way that the path asks for.
func Origin(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Method", r.Method)
	w.Header().Set("X-Trailer", r.Trailer.Get("X-Sum"))
	w.Header().Set("X-Chunked", fmt.Sprint(len(r.TransferEncoding) > 0))
	rc := http.NewResponseController(w)
	switch r.URL.Path {
	case "/sized":
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.Write(body)
	case "/chunks":
		w.Header().Set("Trailer", "X-End")
		for part := range bytes.SplitSeq(body, []byte("\n")) {
			w.Write(append(part, '\n'))
			rc.Flush()
		}
		w.Header().Set("X-End", "true")
	case "/204":
		w.WriteHeader(204)
	case "/304":
		w.Header().Set("Etag", `"x"`)
		w.WriteHeader(304)
	case "/early":
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(103)
		w.Write(body)
	case "/close":
		w.Header().Set("Connection", "close")
		w.Write(body)
	case "/abort":
		w.Header().Set("Content-Length", fmt.Sprint(len(body)+10))
		w.Write(body)
		rc.Flush()
		panic(http.ErrAbortHandler)
	}
}

// Play says which exchanges are made, and what of them is compared.
type Play struct {
	Paths []string // of Origin
	// Continue compares when the client is told to go on as well.
	Continue bool
	// Pooled is for a way that uses connections to the origin again: how much of an
	// aborted body comes, and whether a request after HEAD meets the origin's end, is
	// chance then, and left out.
	Pooled bool
}

// Compare makes them at both addresses and fails t where they differ.
func (p Play) Compare(t *testing.T, direct, through string) {
	t.Helper()
	text := strings.Repeat("a line of text\n", 3000)
	for _, path := range p.Paths {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT"} {
			if p.Pooled && path == "/abort" && method == "HEAD" {
				continue
			}
			for _, body := range []string{"", "hello", text} {
				for _, chunked := range []bool{false, true} {
					if chunked && !hasBody(method) {
						continue
					}
					want, got := p.ask(t, direct, method, path, body, chunked), p.ask(t, through, method, path, body, chunked)
					if want != got {
						t.Errorf("%s %s, %d bytes, chunked %v:\n%.600s\nwhere without us it is\n%.600s", method, path, len(body), chunked, got, want)
					}
				}
			}
		}
	}
}

func hasBody(method string) bool { return method == "POST" || method == "PUT" }

// ask sends the same request three times on one connection, if it lasts, and
// tells all that came back.
func (p Play) ask(t *testing.T, addr, method, path, body string, chunked bool) string {
	tr := &http.Transport{ExpectContinueTimeout: 10 * time.Second}
	defer tr.CloseIdleConnections()
	var told strings.Builder
	for i := range 3 {
		var src io.Reader
		if hasBody(method) {
			src = strings.NewReader(body)
		}
		if chunked {
			src = io.MultiReader(src)
		}
		req, err := http.NewRequest(method, "http://"+addr+path, src)
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 && src != nil {
			req.Header.Set("Expect", "100-continue")
		}
		if chunked {
			req.Trailer = http.Header{"X-Sum": {"12"}}
		}
		fmt.Fprintln(&told, p.once(t, tr, req))
	}
	return told.String()
}

func (p Play) once(t *testing.T, tr *http.Transport, req *http.Request) string {
	var told strings.Builder
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		if code != 100 || p.Continue {
			fmt.Fprintln(&told, "early", code, h)
		}
		return nil
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	resp, err := tr.RoundTrip(req.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if err != nil {
		return fmt.Sprint(told.String(), "failed ", errors.Is(err, context.DeadlineExceeded))
	}
	got, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Header.Del("Date")
	if p.Pooled && req.URL.Path == "/abort" {
		got = nil
	}
	return told.String() + fmt.Sprintln(resp.Status, resp.Header, resp.ContentLength, resp.TransferEncoding, resp.Close, resp.Trailer, err != nil, string(got))
}
