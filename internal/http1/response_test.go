package http1

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
)

func readResponse(text, method string) (*Response, error) {
	r := new(Response)
	return r, r.Read(bufio.NewReader(strings.NewReader(text)), method, Limits{})
}

func TestS7StatusLines(t *testing.T) {
	for line, want := range map[string]string{
		"HTTP/1.1 200 OK":                       `200 "OK" 1`,
		"HTTP/1.0 200 OK":                       `200 "OK" 0`,
		"HTTP/1.1 200":                          `200 "" 1`,
		"HTTP/1.1 200 ":                         `200 "" 1`,
		"HTTP/1.1 404 It's  (not)\there \xe4":   `404 "It's  (not)\there \xe4" 1`,
		"HTTP/1.1 999 Request denied":           `999 "Request denied" 1`,
		"HTTP/1.1 200 O\rK":                     "502 bad_status_line",
		"HTTP/1.1 200 O\x00K":                   "502 bad_status_line",
		"HTTP/1.1 200 O\x1b[2J":                 "502 bad_status_line",
		"HTTP/1.1 099 OK":                       "502 bad_status_line",
		"HTTP/1.1 20 OK":                        "502 bad_status_line",
		"HTTP/1.1 2000 OK":                      "502 bad_status_line",
		"HTTP/1.1 +20 OK":                       "502 bad_status_line",
		"HTTP/1.1  200 OK":                      "502 bad_status_line",
		"HTTP/1.1\t200 OK":                      "502 bad_version",
		"HTTP/1.1":                              "502 bad_status_line",
		"HTTP/2 200 OK":                         "502 bad_version",
		"HTTP/2.0 200 OK":                       "502 other_version",
		"ICY 200 OK":                            "502 bad_version",
		"<html>":                                "502 bad_version",
		"220 mail.test ESMTP":                   "502 bad_version",
		"\x15\x03\x01\x00\x02\x02\x16 200 TLS?": "502 bad_version",
	} {
		r, err := readResponse(line+"\r\n\r\n", "GET")
		got := refused(err)
		if err == nil {
			got = fmt.Sprintf("%d %q %d", r.Status, r.Reason, r.Minor)
		}
		if got != want {
			t.Errorf("%q: %s (%v), want %s", line, got, err, want)
		}
	}
}

func TestS7ResponseFraming(t *testing.T) {
	const sized, chunked = "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"
	for _, c := range []struct {
		method, status, fields, want string
	}{
		{"GET", "200", sized, "{2 5} true"},
		{"GET", "200", "Content-Length: 0\r\n", "{2 0} true"},
		{"GET", "200", "Content-Length:     5\t\r\n", "{2 5} true"}, // there are origins that pad
		{"GET", "200", chunked, "{3 0} true"},
		{"GET", "200", "", "{4 0} false"},
		{"GET", "500", "", "{4 0} false"},
		{"HEAD", "200", sized, "{1 5} true"},
		{"HEAD", "200", chunked, "{0 0} true"},
		{"HEAD", "200", "", "{0 0} true"},
		{"GET", "304", sized, "{1 5} true"},
		{"GET", "304", "", "{0 0} true"},
		{"GET", "204", sized, "{0 0} true"},
		{"GET", "204", chunked, "{0 0} true"},
		{"GET", "103", "", "{0 0} true"},
		{"GET", "100", sized, "{0 0} true"},
		{"GET", "101", "Connection: upgrade\r\nUpgrade: x\r\n", "{0 0} false"},
		{"CONNECT", "200", sized, "{0 0} true"},
		{"CONNECT", "407", sized, "{2 5} true"},
		{"GET", "200", "Connection: close\r\n" + sized, "{2 5} false"},
		{"GET", "200", sized + chunked, "502 length_and_transfer_encoding"},
		{"HEAD", "200", sized + chunked, "502 length_and_transfer_encoding"},
		{"GET", "304", chunked + sized, "502 length_and_transfer_encoding"},
		{"GET", "200", sized + sized, "502 repeated_content_length"},
		{"GET", "200", "Content-Length: 5, 5\r\n", "502 bad_content_length"},
		{"HEAD", "200", "Content-Length: -1\r\n", "502 bad_content_length"},
		{"GET", "204", "Content-Length: x\r\n", "502 bad_content_length"},
		{"GET", "200", chunked + chunked, "502 repeated_transfer_encoding"},
		{"GET", "200", "Transfer-Encoding: gzip, chunked\r\n", "502 unknown_transfer_encoding"},
		{"GET", "200", "Transfer-Encoding: identity\r\n", "502 bad_transfer_encoding"},
		{"GET", "200", "X : y\r\n", "502 bad_field_name"},
		{"GET", "200", "X: y\r\n z\r\n", "502 folded_field"},
		{"GET", "200", "X: y\nZ: z\r\n", "502 bad_line_end"},
		{"GET", "200", "X: y\rZ: z\r\n", "502 bad_field_value"},
	} {
		r, err := readResponse("HTTP/1.1 "+c.status+" X\r\n"+c.fields+"\r\nhello", c.method)
		got := refused(err)
		if err == nil {
			got = fmt.Sprint(r.Framing, r.KeepsAlive())
		}
		if got != c.want {
			t.Errorf("%s %s %q: %s (%v), want %s", c.method, c.status, c.fields, got, err, c.want)
		}
	}
	for fields, want := range map[string]string{
		chunked: "502 transfer_encoding_in_http_1_0", sized: "false", "Connection: Keep-Alive\r\n" + sized: "true", "Connection: keep-alive\r\n": "false",
	} {
		r, err := readResponse("HTTP/1.0 200 OK\r\n"+fields+"\r\n", "GET")
		got := refused(err)
		if err == nil {
			got = fmt.Sprint(r.KeepsAlive())
		}
		if got != want {
			t.Errorf("HTTP/1.0 and %q: %s (%v), want %s", fields, got, err, want)
		}
	}
}

// A connection that ends before a response tells that from one that ends within.
func TestNoResponse(t *testing.T) {
	if _, err := readResponse("", "GET"); err != io.EOF {
		t.Error(err)
	}
	if _, err := readResponse("HTTP/1.1 200 OK\r\n", "GET"); err != io.ErrUnexpectedEOF {
		t.Error(err)
	}
}

func TestInterimResponses(t *testing.T) {
	br := bufio.NewReader(strings.NewReader("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"))
	var r Response
	var got []string
	for r.Status < 200 {
		if err := r.Read(br, "GET", Limits{}); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s %q", r.Status, r.Reason, r.Fields))
	}
	want := []string{`100 Continue []`, `103 Early Hints [{"Link" "</a>"}]`, `200 OK [{"Content-Length" "2"}]`}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%q, want %q", got, want)
	}
}
