package http1

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func read(text string) (*Request, error) {
	r := new(Request)
	return r, r.Read(bufio.NewReader(strings.NewReader(text)), Limits{})
}

// refused reports why a message was refused, "" if it was not.
func refused(err error) string {
	var bad *Error
	if errors.As(err, &bad) {
		return fmt.Sprint(bad.Status, " ", bad.Reason)
	}
	return ""
}

func TestRequestKeepsOrderAndCase(t *testing.T) {
	r, err := read("PATCH /a%20b?c=d&e HTTP/1.1\r\nx-B: 2\r\nHOST: a.test:8443\r\nX-a:\t1 \r\nx-B: \r\naccept:*/*\r\n\r\nrest")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %s %d %s %q", r.Method, r.Target, r.Minor, r.Host, r.Fields)
	want := `PATCH /a%20b?c=d&e 1 a.test:8443 [{"x-B" "2"} {"HOST" "a.test:8443"} {"X-a" "1"} {"x-B" ""} {"accept" "*/*"}]`
	if got != want {
		t.Errorf("read\n%s, not\n%s", got, want)
	}
}

func TestTargets(t *testing.T) {
	for line, want := range map[string]string{
		"GET / HTTP/1.1":                        "0 ",
		"GET //x/?# HTTP/1.1":                   "400 bad_target",
		"GET /?a=%zz HTTP/1.1":                  "0 ",
		"GET /a%2 HTTP/1.1":                     "400 bad_target",
		"GET /a%zz HTTP/1.1":                    "400 bad_target",
		"GET /%41%ff HTTP/1.1":                  "0 ",
		"GET /\xc3\xa4?\xff HTTP/1.1":           "0 ",
		"GET /\x7f HTTP/1.1":                    "400 bad_target",
		"GET /a\tb HTTP/1.1":                    "400 bad_target",
		"GET a HTTP/1.1":                        "400 bad_target",
		"GET  HTTP/1.1":                         "400 bad_target",
		"GET https:/a.test/ HTTP/1.1":           "400 bad_target",
		"GET ?a HTTP/1.1":                       "400 bad_target",
		"GET http://a.test HTTP/1.1":            "1 a.test",
		"GET HTTPS://A.test:1?x/y HTTP/1.1":     "1 A.test:1",
		"GET http://a.test/%zz HTTP/1.1":        "400 bad_target",
		"GET http:///x HTTP/1.1":                "400 bad_target",
		"GET http://u@a.test/ HTTP/1.1":         "400 bad_target",
		"GET http://u:p@a.test/ HTTP/1.1":       "400 bad_target",
		"GET http://a.test:/ HTTP/1.1":          "400 bad_target",
		"GET http://a.test:x/ HTTP/1.1":         "400 bad_target",
		"GET http://a.test:123456/ HTTP/1.1":    "400 bad_target",
		"GET http://a%2etest/ HTTP/1.1":         "400 bad_target",
		"GET http://a.test#x HTTP/1.1":          "400 bad_target",
		`GET http://a.test\x HTTP/1.1`:          "400 bad_target",
		"GET http://[::1]/ HTTP/1.1":            "1 [::1]",
		"GET http://[::1%25eth0]/ HTTP/1.1":     "400 bad_target",
		"GET http://[127.0.0.1]/ HTTP/1.1":      "400 bad_target",
		"GET http://::1/ HTTP/1.1":              "400 bad_target",
		"GET http://\xc3\xa4.test/ HTTP/1.1":    "400 bad_target",
		"GET ftp://a.test/ HTTP/1.1":            "400 bad_target",
		"CONNECT a.test:443 HTTP/1.1":           "2 a.test:443",
		"CONNECT [::1]:443 HTTP/1.1":            "2 [::1]:443",
		"CONNECT a.test HTTP/1.1":               "400 bad_target",
		"CONNECT [::1] HTTP/1.1":                "400 bad_target",
		"CONNECT :443 HTTP/1.1":                 "400 bad_target",
		"CONNECT /x HTTP/1.1":                   "400 bad_target",
		"CONNECT https://a.test:443 HTTP/1.1":   "400 bad_target",
		"OPTIONS * HTTP/1.1":                    "3 ",
		"GET * HTTP/1.1":                        "400 bad_target",
		"OPTIONS *?x HTTP/1.1":                  "400 bad_target",
		"G\x00T / HTTP/1.1":                     "400 bad_method",
		" / HTTP/1.1":                           "400 bad_method",
		"G(T / HTTP/1.1":                        "400 bad_method",
		"gEt / HTTP/1.1":                        "0 ",
		"GET / HTTP/1.0":                        "0 ",
		"GET / HTTP/1.1 ":                       "400 bad_version",
		"GET / HTTP/0.9":                        "505 other_version",
		"GET / HTTP/3.0":                        "505 other_version",
		"GET / HTTP/11":                         "400 bad_version",
		"GET / HTTPS/1.1":                       "400 bad_version",
		"GET / ":                                "400 bad_version",
		"\x16\x03\x01\x00\xf8\x01\x00\x00\xf4x": "400 bad_request_line",
	} {
		r, err := read(line + "\r\n" + hostLine + "\r\n")
		got := refused(err)
		if err == nil {
			got = fmt.Sprintf("%d %s", r.Form, r.Authority)
		}
		if got != want {
			t.Errorf("%q: %s (%v), want %s", line, got, err, want)
		}
	}
}

func TestHosts(t *testing.T) {
	for host, want := range map[string]string{
		"a.test": "", "A-1_b.test": "", "a.test:443": "", "1.2.3.4:1": "", "[2001:db8::1]": "", "[::1]:80": "", "a.test.": "",
		"": badHost, "a.test:": badHost, ":443": badHost, "a b": badHost, "a.test/": badHost, "a.test?x": badHost, "a.test#x": badHost,
		"u@a.test": badHost, "a.test%00": badHost, "[::1": badHost, "::1": badHost, "[::1%eth0]": badHost, "[::1%25eth0]": badHost, "[]": badHost,
		"[a.test]": badHost, "a.test:99999999": badHost, "a.test:+1": badHost, "\xc3\xa4.test": badHost, `a\b`: badHost, "a,b": badHost,
	} {
		_, err := read("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
		if want != "" {
			want = "400 " + want
		}
		if got := refused(err); got != want {
			t.Errorf("%q: %q (%v), want %q", host, got, err, want)
		}
	}
}

func TestV3HeadIsBounded(t *testing.T) {
	start := "GET / HTTP/1.1\r\n" + hostLine
	fields := func(n int) string { return start + strings.Repeat("a: b\r\n", n-1) + "\r\n" }
	bytes := func(n int) string {
		return start + "X: " + strings.Repeat("x", n-len(start)-len("X: \r\n\r\n")) + "\r\n\r\n"
	}
	for name, c := range map[string]struct {
		text string
		lim  Limits
		want string
	}{
		"100 fields":      {fields(100), Limits{}, ""},
		"101 fields":      {fields(101), Limits{}, "431 too_many_fields"},
		"2 of 2 fields":   {fields(2), Limits{Fields: 2}, ""},
		"3 of 2 fields":   {fields(3), Limits{Fields: 2}, "431 too_many_fields"},
		"64 KiB":          {bytes(64 << 10), Limits{}, ""},
		"a byte more":     {bytes(64<<10 + 1), Limits{}, "431 head_too_large"},
		"256 KiB":         {bytes(256 << 10), Limits{Bytes: 256 << 10}, ""},
		"a long target":   {"GET /" + strings.Repeat("x", 64<<10), Limits{}, "431 head_too_large"},
		"no line end":     {strings.Repeat("x", 1<<20), Limits{}, "431 head_too_large"},
		"only line ends":  {strings.Repeat("\r\n", 1<<20), Limits{}, "400 bad_request_line"},
		"endless options": {start + "Connection: " + strings.Repeat("a,", 600) + "\r\n\r\n", Limits{}, "400 too_many_connection_options"},
	} {
		var r Request
		src := strings.NewReader(c.text)
		err := r.Read(bufio.NewReader(src), c.lim)
		if got := refused(err); got != c.want {
			t.Errorf("%s: %q (%v), want %q", name, got, err, c.want)
		}
		if read := len(c.text) - src.Len(); err != nil && read > 72<<10 {
			t.Errorf("%s: read %d bytes before it was refused", name, read)
		}
	}
	var r Response
	for text, want := range map[string]string{
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 255<<10) + "\r\n\r\n": "",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 256<<10) + "\r\n\r\n": "502 head_too_large",
		"HTTP/1.1 200 OK\r\n" + strings.Repeat("a: b\r\n", 500) + "\r\n":     "",
		"HTTP/1.1 200 OK\r\n" + strings.Repeat("a: b\r\n", 501) + "\r\n":     "502 too_many_fields",
	} {
		err := r.Read(bufio.NewReader(strings.NewReader(text)), "GET", Limits{})
		if got := refused(err); got != want {
			t.Errorf("%.30q and %d bytes: %q (%v), want %q", text, len(text), got, err, want)
		}
	}
}

// However a head arrives, and wherever it is cut off, it is read as the same.
func TestHeadInPieces(t *testing.T) {
	head := "POST /x HTTP/1.1\r\nHost: a.test\r\nX-Long: " + strings.Repeat("long ", 50) + "\r\nContent-Length: 4\r\n\r\n"
	text := head + "body"
	whole, err := read(text)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%s %s %q %v", whole.Method, whole.Target, whole.Fields, whole.Framing)
	for name, src := range map[string]io.Reader{
		"one":  iotest.OneByteReader(strings.NewReader(text)),
		"half": iotest.HalfReader(strings.NewReader(text)),
		"data": iotest.DataErrReader(strings.NewReader(text)),
	} {
		br := bufio.NewReaderSize(src, 16)
		var r Request
		if err := r.Read(br, Limits{}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		rest, err := io.ReadAll(br)
		if got := fmt.Sprintf("%s %s %q %v", r.Method, r.Target, r.Fields, r.Framing); got != want || string(rest) != "body" || err != nil {
			t.Errorf("%s: read %s and %q, %v", name, got, rest, err)
		}
	}
	for n := range head {
		_, err := read(head[:n])
		if want := map[bool]error{true: io.EOF, false: io.ErrUnexpectedEOF}[n == 0]; err != want {
			t.Errorf("%d bytes: %v, want %v", n, err, want)
		}
	}
	broken := errors.New("broken")
	var r Request
	if err := r.Read(bufio.NewReader(io.MultiReader(strings.NewReader(head[:20]), iotest.ErrReader(broken))), Limits{}); !errors.Is(err, broken) {
		t.Errorf("a connection that breaks: %v", err)
	}
}

// No byte of a message is in the error about it.
func TestErrorsTellNothing(t *testing.T) {
	for _, p := range smugglingProbes() {
		_, err := readTwo(strings.NewReplacer("a.test", "sikrit.test", "hello", "sikri").Replace(p.text))
		if err != nil && strings.Contains(err.Error(), "sikri") {
			t.Errorf("%s: %v", p.name, err)
		}
	}
	r := Request{}
	if err := r.Read(bufio.NewReader(strings.NewReader("GET /sikrit\r\n\r\n")), Limits{}); err == nil || strings.Contains(err.Error(), "sikrit") {
		t.Error(err)
	}
}

// Parts of a head stay what they are while the connection is read on.
func TestHeadOwnsItsBytes(t *testing.T) {
	br := bufio.NewReaderSize(strings.NewReader("GET /one HTTP/1.1\r\n"+hostLine+"X: one\r\n\r\n"+strings.Repeat(next, 20)), 16)
	var first, other Request
	if err := first.Read(br, Limits{}); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := other.Read(br, Limits{}); err != nil {
			t.Fatal(err)
		}
		other.Release()
	}
	if got := fmt.Sprintf("%s %s %q", first.Target, first.Host, first.Fields); got != `/one a.test [{"Host" "a.test"} {"X" "one"}]` {
		t.Error(got)
	}
	// Appending to a part must not run into the next one.
	_ = append(first.Target, "XXXX"...)
	_ = append(first.Fields[0].Name, "XXXX"...)
	if got := fmt.Sprintf("%s %s %q", first.Target, first.Host, first.Fields); got != `/one a.test [{"Host" "a.test"} {"X" "one"}]` {
		t.Error(got)
	}
}
