package http1

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A probe is what a client sends to have another message taken out of its first
// than we saw. It is refused and the connection closes, or it is taken and the
// next message begins where the framing says.
type probe struct {
	name, text string
	status     int    // 0: taken
	reason     string // where refused
	want       string // where taken: framing, body, and the target of the next request
}

const (
	hostLine = "Host: a.test\r\n"
	next     = "GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n"
)

// post is a request with field lines, body and another request behind it.
func post(lines, body string) string {
	return "POST /first HTTP/1.1\r\n" + hostLine + lines + "\r\n" + body + next
}

func smugglingProbes() []probe {
	const chunks = "5\r\nhello\r\n0\r\n\r\n"
	sized := func(field string) string { return post(field+"\r\n", "hello") }
	chunked := func(field string) string { return post(field+"\r\n", chunks) }
	body := func(chunks string) string { return post("Transfer-Encoding: chunked\r\n", chunks) }
	return []probe{
		// two framings
		{"CL.TE", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", chunks), 400, lengthAndChunks, ""},
		{"TE.CL", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", chunks), 400, lengthAndChunks, ""},
		{"CL of 0 and TE", post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", chunks), 400, lengthAndChunks, ""},
		{"bad CL and TE", post("Content-Length: x\r\nTransfer-Encoding: chunked\r\n", chunks), 400, lengthAndChunks, ""},
		{"CL and unknown TE", post("Content-Length: 5\r\nTransfer-Encoding: cow\r\n", chunks), 400, lengthAndChunks, ""},
		{"CL, TE in HTTP/1.0", "POST / HTTP/1.0\r\n" + hostLine + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks, 400, oldCoding, ""},
		{"TE in HTTP/1.0", "POST / HTTP/1.0\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n" + chunks, 400, oldCoding, ""},

		// lengths
		{"CL twice, different", sized("Content-Length: 5\r\nContent-Length: 6"), 400, repeatedLength, ""},
		{"CL twice, the same", sized("Content-Length: 5\r\nContent-Length: 5"), 400, repeatedLength, ""},
		{"CL twice in other case", sized("Content-Length: 5\r\ncontent-length: 0"), 400, repeatedLength, ""},
		{"CL as a list", sized("Content-Length: 5, 5"), 400, badLength, ""},
		{"CL with plus", sized("Content-Length: +5"), 400, badLength, ""},
		{"CL with minus", sized("Content-Length: -5"), 400, badLength, ""},
		{"CL minus zero", sized("Content-Length: -0"), 400, badLength, ""},
		{"CL in hex", sized("Content-Length: 0x5"), 400, badLength, ""},
		{"CL as a fraction", sized("Content-Length: 5.0"), 400, badLength, ""},
		{"CL with exponent", sized("Content-Length: 5e0"), 400, badLength, ""},
		{"CL with underscore", sized("Content-Length: 0_5"), 400, badLength, ""},
		{"CL empty", sized("Content-Length:"), 400, badLength, ""},
		{"CL in quotes", sized(`Content-Length: "5"`), 400, badLength, ""},
		{"CL in Arabic digits", sized("Content-Length: ٥"), 400, badLength, ""},
		{"CL beyond 63 bits", sized("Content-Length: 9223372036854775808"), 400, badLength, ""},
		{"CL wraps around to 5", sized("Content-Length: 18446744073709551621"), 400, badLength, ""},
		{"CL with space around", sized("Content-Length:  5 "), 400, badLength, ""},
		{"CL with space behind", sized("Content-Length: 5 "), 400, badLength, ""},
		{"CL with tab", sized("Content-Length:\t5"), 400, badLength, ""},
		{"CL with vertical tab", sized("Content-Length: \v5"), 400, badValue, ""},
		{"CL with NUL", sized("Content-Length: 5\x00"), 400, badValue, ""},
		{"CL with two numbers", sized("Content-Length: 5 6"), 400, badLength, ""},

		// codings
		{"TE twice", chunked("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400, repeatedCoding, ""},
		{"TE twice, one unknown", chunked("Transfer-Encoding: chunked\r\nTransfer-Encoding: cow"), 400, repeatedCoding, ""},
		{"TE.TE in other case", chunked("Transfer-Encoding: identity\r\ntransfer-encoding: chunked"), 400, repeatedCoding, ""},
		{"TE chunked twice in a list", chunked("Transfer-Encoding: chunked, chunked"), 400, badCoding, ""},
		{"TE with another coding before", chunked("Transfer-Encoding: gzip, chunked"), 501, unknownCoding, ""},
		{"TE with chunked not last", chunked("Transfer-Encoding: chunked, identity"), 400, badCoding, ""},
		{"TE unknown", chunked("Transfer-Encoding: xchunked"), 400, badCoding, ""},
		{"TE identity", chunked("Transfer-Encoding: identity"), 400, badCoding, ""},
		{"TE empty", chunked("Transfer-Encoding:"), 400, badCoding, ""},
		{"TE with an empty element", chunked("Transfer-Encoding: , chunked"), 501, unknownCoding, ""},
		{"TE with parameter", chunked("Transfer-Encoding: chunked;q=1"), 400, badCoding, ""},
		{"TE in quotes", chunked(`Transfer-Encoding: "chunked"`), 400, badCoding, ""},
		{"TE with space behind", chunked("Transfer-Encoding: chunked "), 400, badCoding, ""},
		{"TE with tab before", chunked("Transfer-Encoding:\tchunked"), 400, badCoding, ""},
		{"TE with vertical tab", chunked("Transfer-Encoding: \vchunked"), 400, badValue, ""},
		{"TE with NUL", chunked("Transfer-Encoding: chunked\x00"), 400, badValue, ""},
		{"TE with no-break space", chunked("Transfer-Encoding: \xa0chunked"), 400, badCoding, ""},
		{"TE with the Kelvin sign", chunked("Transfer-Encoding: chun\u212aed"), 400, badCoding, ""}, // which folds to k

		// field lines that some skip and some read
		{"space before the colon", chunked("Transfer-Encoding : chunked"), 400, badName, ""},
		{"tab before the colon", chunked("Transfer-Encoding\t: chunked"), 400, badName, ""},
		{"NUL in the name", chunked("Transfer-Encoding\x00: chunked"), 400, badName, ""},
		{"folded name", chunked("Transfer-Encoding:\r\n chunked"), 400, foldedField, ""},
		{"folded value", chunked("X: y\r\n Transfer-Encoding: chunked"), 400, foldedField, ""},
		{"folded with tab", chunked("X: y\r\n\tTransfer-Encoding: chunked"), 400, foldedField, ""},
		{"space before the first field", "POST / HTTP/1.1\r\n " + hostLine + "Content-Length: 5\r\n\r\nhello", 400, foldedField, ""},
		{"bare LF ends a line", chunked("X: y\nTransfer-Encoding: chunked"), 400, badLineEnd, ""},
		{"bare LF ends the head", "POST / HTTP/1.1\r\n" + hostLine + "Content-Length: 5\r\n\nhello", 400, badLineEnd, ""},
		{"bare CR ends a line", chunked("X: y\rTransfer-Encoding: chunked"), 400, badValue, ""},
		{"CR before CRLF", chunked("Transfer-Encoding: chunked\r"), 400, badValue, ""},
		{"CR in the name", chunked("\rTransfer-Encoding: chunked"), 400, badName, ""},
		{"line without a colon", chunked("X\r\nTransfer-Encoding: chunked"), 400, badField, ""},
		{"no name", chunked(": y\r\nTransfer-Encoding: chunked"), 400, badName, ""},
		{"a control", chunked("X: \x01\r\nTransfer-Encoding: chunked"), 400, badValue, ""},
		{"DEL", chunked("X: \x7f\r\nTransfer-Encoding: chunked"), 400, badValue, ""},

		// first lines
		{"two spaces", "POST  / HTTP/1.1\r\n" + hostLine + "\r\n", 400, badVersion, ""},
		{"tab instead of space", "POST\t/ HTTP/1.1\r\n" + hostLine + "\r\n", 400, badRequestLine, ""},
		{"space in the target", "POST / x HTTP/1.1\r\n" + hostLine + "\r\n", 400, badVersion, ""},
		{"second version", "POST / HTTP/1.1 HTTP/1.1\r\n" + hostLine + "\r\n", 400, badVersion, ""},
		{"CR in the target", "POST /\rHost:b.test HTTP/1.1\r\n" + hostLine + "\r\n", 400, badTarget, ""},
		{"empty line first", "\r\nPOST / HTTP/1.1\r\n" + hostLine + "\r\n", 400, badRequestLine, ""},
		{"HTTP/0.9", "GET /\r\n\r\n", 400, badRequestLine, ""},
		{"HTTP/1.2", "GET / HTTP/1.2\r\n" + hostLine + "\r\n", 505, otherVersion, ""},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, otherVersion, ""},
		{"version in lower case", "GET / http/1.1\r\n" + hostLine + "\r\n", 400, badVersion, ""},
		{"version 1.10", "GET / HTTP/1.10\r\n" + hostLine + "\r\n", 400, badVersion, ""},

		// hosts
		{"Host twice", "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n", 400, repeatedHost, ""},
		{"Host twice, the same", "GET / HTTP/1.1\r\nHost: a.test\r\nhOST: a.test\r\n\r\n", 400, repeatedHost, ""},
		{"Host twice in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a.test\r\nHost: a.test\r\n\r\n", 400, repeatedHost, ""},
		{"no Host", "GET / HTTP/1.1\r\n\r\n", 400, noHost, ""},
		{"Host as a list", "GET / HTTP/1.1\r\nHost: a.test, b.test\r\n\r\n", 400, badHost, ""},
		{"Host with user", "GET / HTTP/1.1\r\nHost: a.test@b.test\r\n\r\n", 400, badHost, ""},

		// chunks
		{"size overflows", body("10000000000000005\r\nhello\r\n0\r\n\r\n"), 400, badChunk, ""},
		{"size of 16 digits", body("8000000000000000\r\nhello\r\n0\r\n\r\n"), 400, badChunk, ""},
		{"size with 0x", body("0x5\r\nhello\r\n0\r\n\r\n"), 400, badChunk, ""},
		{"size with plus", body("+5\r\nhello\r\n0\r\n\r\n"), 400, badChunk, ""},
		{"size with minus", body("-5\r\nhello\r\n0\r\n\r\n"), 400, badChunk, ""},
		{"size with space before", body(" 5\r\nhello\r\n0\r\n\r\n"), 400, badChunk, ""},
		{"size with space behind", body("5 \r\nhello\r\n0\r\n\r\n"), 400, badChunk, ""},
		{"size with underscore", body("0_5\r\nhello\r\n0\r\n\r\n"), 400, badChunk, ""},
		{"no size", body("\r\nhello\r\n0\r\n\r\n"), 400, badChunk, ""},
		{"extension without size", body(";x\r\nhello\r\n0\r\n\r\n"), 400, badChunk, ""},
		{"size ends with LF", body("5\nhello\r\n0\r\n\r\n"), 400, badLineEnd, ""},
		{"extension ends with LF", body("5;x\nhello\r\n0\r\n\r\n"), 400, badLineEnd, ""},
		{"CR in an extension", body("5;x\ry\r\nhello\r\n0\r\n\r\n"), 400, badChunk, ""},
		{"NUL in an extension", body("5;x\x00\r\nhello\r\n0\r\n\r\n"), 400, badChunk, ""},
		{"chunk longer than its size", body("5\r\nhello!\r\n0\r\n\r\n"), 400, badChunk, ""},
		{"chunk ends with LF", body("5\r\nhello\n0\r\n\r\n"), 400, badChunk, ""},
		{"chunk ends with CR", body("5\r\nhello\rX0\r\n\r\n"), 400, badChunk, ""},
		{"last chunk ends with LF", body("5\r\nhello\r\n0\n\r\n"), 400, badLineEnd, ""},
		{"no line end behind trailers", body("5\r\nhello\r\n0\r\n\n"), 400, badLineEnd, ""},

		// trailers
		{"length as a trailer", body("5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n"), 400, badTrailer, ""},
		{"coding as a trailer", body("5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, badTrailer, ""},
		{"framing is announced", chunked("Trailer: X, Content-Length\r\nTransfer-Encoding: chunked"), 400, badTrailer, ""},
		{"space before a trailer's colon", body("5\r\nhello\r\n0\r\nX : y\r\n\r\n"), 400, badName, ""},
		{"folded trailer", body("5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n"), 400, foldedField, ""},
		{"LF ends a trailer", body("5\r\nhello\r\n0\r\nX: y\nZ: z\r\n\r\n"), 400, badLineEnd, ""},
		{"a request for a trailer", body("5\r\nhello\r\n0\r\nGET /x HTTP/1.1\r\n" + hostLine + "\r\n"), 400, badField, ""},

		// taken, in one way only
		{"no body", post("", ""), 0, "", `none "" next`},
		{"length", sized("Content-Length: 5"), 0, "", `5 bytes "hello" next`},
		{"length of 0", post("Content-Length: 0\r\n", ""), 0, "", `0 bytes "" next`},
		{"length with zeros", sized("Content-Length: 005"), 0, "", `5 bytes "hello" next`},
		{"length without space", sized("Content-Length:5"), 0, "", `5 bytes "hello" next`},
		{"length on GET", "GET / HTTP/1.1\r\n" + hostLine + "Content-Length: 5\r\n\r\nhello" + next, 0, "", `5 bytes "hello" next`},
		{"a request is the body", post(fmt.Sprintf("Content-Length: %d\r\n", len(next)), next), 0, "", fmt.Sprintf("%d bytes %q next", len(next), next)},
		{"other fields of alike names", sized("Content_Length: 6\r\nX-Content-Length: 7\r\nContent-Length: 5"), 0, "", `5 bytes "hello" next`},
		{"Connection names the length", sized("Connection: Content-Length\r\nContent-Length: 5"), 0, "", `5 bytes "hello" next`},
		{"chunks", chunked("Transfer-Encoding: chunked"), 0, "", `chunks "hello" next`},
		{"chunks in capitals", chunked("TRANSFER-ENCODING: Chunked"), 0, "", `chunks "hello" next`},
		{"chunks on GET", "GET / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n" + chunks + next, 0, "", `chunks "hello" next`},
		{"extensions", body("5;a=b;c=\"d;e\"\r\nhello\r\n0;x\r\n\r\n"), 0, "", `chunks "hello" next`},
		{"size with zeros", body("00005\r\nhello\r\n000\r\n\r\n"), 0, "", `chunks "hello" next`},
		{"a request in a chunk", body(fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(next), next)), 0, "", fmt.Sprintf("chunks %q next", next)},
		{"trailers", body("5\r\nhello\r\n0\r\nX: y\r\nHost: b.test\r\n\r\n"), 0, "", `chunks "hello" X=y next`},
	}
}

func TestS1Smuggling(t *testing.T) {
	probes := smugglingProbes()
	if len(probes) < 40 {
		t.Fatalf("there are %d probes only", len(probes))
	}
	seen, refused := map[string]bool{}, 0
	for _, p := range probes {
		if seen[p.text] {
			t.Errorf("%s: these bytes are sent twice", p.name)
		}
		seen[p.text] = true
		got, err := readTwo(p.text)
		var bad *Error
		switch {
		case p.status == 0 && (err != nil || got != p.want):
			t.Errorf("%s: read as %s, %v, want %s", p.name, got, err, p.want)
		case p.status == 0:
		case !errors.As(err, &bad):
			t.Errorf("%s: read as %s, %v, want %d %s", p.name, got, err, p.status, p.reason)
		case *bad != Error{p.status, p.reason, true}:
			t.Errorf("%s: refused with %+v, want %d %s and close", p.name, *bad, p.status, p.reason)
		default:
			refused++
		}
	}
	t.Logf("%d probes, %d of them refused", len(probes), refused)
}

// readTwo reads a request and its body, and then the next one, which must not
// come where something is refused.
func readTwo(text string) (string, error) {
	br := bufio.NewReader(strings.NewReader(text))
	var req Request
	if err := req.Read(br, Limits{}); err != nil {
		return "", err
	}
	got := map[Kind]string{NoBody: "none", Sized: fmt.Sprintf("%d bytes", req.Framing.Length), Chunked: "chunks"}[req.Framing.Kind]
	var body Body
	body.Reset(br, req.Framing)
	b, err := io.ReadAll(&body)
	got += fmt.Sprintf(" %q", b)
	if err != nil {
		return got, err
	}
	for _, f := range body.Trailers() {
		got += fmt.Sprintf(" %s=%s", f.Name, f.Value)
	}
	var second Request
	if err := second.Read(br, Limits{}); err != nil {
		return got, err
	}
	return got + " " + strings.TrimPrefix(string(second.Target), "/"), nil
}

// What passes is written anew, so that any origin reads it as we did.
func TestS1Rewritten(t *testing.T) {
	n := 0
	for _, p := range smugglingProbes() {
		if p.status != 0 {
			continue
		}
		n++
		br := bufio.NewReader(strings.NewReader(p.text))
		var out strings.Builder
		var want [2]string
		for i := range want {
			var err error
			if want[i], err = copyRequest(&out, br); err != nil {
				t.Fatalf("%s: %v", p.name, err)
			}
		}
		sent := bufio.NewReader(strings.NewReader(out.String()))
		for i := range want {
			req, err := http.ReadRequest(sent)
			if err != nil {
				t.Fatalf("%s: request %d is refused: %v\n%s", p.name, i, err, out.String())
			}
			b, err := io.ReadAll(req.Body)
			if got := fmt.Sprintf("%s %q", req.RequestURI, b); err != nil || got != want[i] {
				t.Errorf("%s: request %d arrives as %s, %v, want %s", p.name, i, got, err, want[i])
			}
		}
		if rest, _ := io.ReadAll(sent); len(rest) > 0 {
			t.Errorf("%s: %q is left", p.name, rest)
		}
	}
	if n == 0 {
		t.Fatal("no probe passes")
	}
}

// copyRequest passes a request on and tells what it was.
func copyRequest(dst io.Writer, br *bufio.Reader) (string, error) {
	var req Request
	if err := req.Read(br, Limits{}); err != nil {
		return "", err
	}
	var body Body
	body.Reset(br, req.Framing)
	text, err := io.ReadAll(&body)
	if err != nil {
		return "", err
	}
	var w Writer
	w.Reset(bufio.NewWriter(dst))
	if err := w.Request(req.Method, req.Target, EndToEnd(req.Fields), req.Framing); err != nil {
		return "", err
	}
	if _, err := w.Write(text); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %q", req.Target, text), w.End(body.Trailers())
}
