package mitm_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// The two ends of TestProtocolPairs.

// pairOrigin is an origin of one version that plays pairs.
type pairOrigin struct {
	version   httpVersion
	authority string
	roots     *x509.CertPool
	seen      chan string
}

func newPairOrigin(t *testing.T, v httpVersion) *pairOrigin {
	o := &pairOrigin{version: v, seen: make(chan string, 100)}
	serve, protocol := o.serve1, "http/1.1"
	if v == http20 {
		serve, protocol = o.serve2, "h2"
	}
	var port int
	port, o.roots = connOrigin(t, func(c net.Conn) {
		defer c.Close()
		c.SetDeadline(time.Now().Add(time.Minute))
		serve(c)
	}, protocol)
	o.authority = fmt.Sprintf("%s:%d", host, port)
	return o
}

func pairAt(path string) *pair {
	i, _ := strconv.Atoi(strings.TrimPrefix(path, "/"))
	return &pairs[i]
}

func (o *pairOrigin) serve1(c net.Conn) {
	for br := bufio.NewReader(c); ; {
		line, err := br.ReadString('\n')
		if err != nil {
			return
		}
		method, target, _ := strings.Cut(line, " ")
		path, _, _ := strings.Cut(target, " ")
		p := pairAt(path)
		h, err := readFields(br)
		if err != nil {
			return
		}
		h.lines = []string{method}
		c.SetDeadline(time.Now().Add(20 * time.Second))
		if strings.HasPrefix(p.expects, "103") && o.version != http10 {
			io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nx-early: 1\r\n\r\n")
		}
		if strings.HasSuffix(p.expects, "100") && o.version != http10 {
			io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		if p.expects == "final" {
			h.end = "never"
		} else if h.readBody(br, false) != nil {
			return
		}
		o.seen <- h.String()
		if !o.answer1(c, p) {
			return
		}
	}
}

// answer1 reports whether the connection is of use any more.
func (o *pairOrigin) answer1(c net.Conn, p *pair) bool {
	r, minor := p.reply, o.version-10
	for _, early := range r.early {
		if status, field, _ := strings.Cut(early, " "); o.version != http10 && field == "" {
			fmt.Fprintf(c, "HTTP/1.1 %s Early\r\n\r\n", status)
		} else if o.version != http10 {
			fmt.Fprintf(c, "HTTP/1.1 %s Early\r\n%s\r\n\r\n", status, field)
		}
	}
	fields := append(r.fields[:len(r.fields):len(r.fields)], trailerField(r.trailers, r.announce)...)
	if r.length != "" {
		fields = append(fields, "content-length: "+r.length)
	}
	stays := o.version == http11 && !r.cut && p.expects != "final"
	if !stays && o.version == http11 {
		fields = append(fields, "connection: close")
	}
	chunked := !p.bodiless() && !r.sized && o.version == http11
	head, rest := written(fmt.Sprintf("HTTP/1.%d %d Status", minor, r.status), fields, r.body, r.sized, r.trailers, chunked)
	if r.cut {
		rest = rest[:len(rest)-1]
	}
	io.WriteString(c, head+rest)
	return stays
}

func (o *pairOrigin) serve2(c net.Conn) {
	io.ReadFull(c, make([]byte, len(http2.ClientPreface)))
	f := newFrames(c)
	for answered := uint32(0); ; {
		h, begun := heard{}, false
		for over := false; !over; {
			before, wasBegun := h, begun
			stream, head, ended, err := f.next(&h, &begun)
			switch {
			case stream != 0 && stream <= answered: // what is left of a body that was not waited for
				h, begun = before, wasBegun
				continue
			case err == errReset:
				h, begun = heard{}, false
				continue
			case err != nil:
				return
			}
			over = ended
			p := pairAt(h.path)
			if head && len(h.trailers) == 0 && p.expects != "" && p.expects != "nothing" {
				if strings.HasPrefix(p.expects, "103") {
					f.head(stream, false, ":status:103", []string{"x-early: 1"})
				}
				if strings.HasSuffix(p.expects, "100") {
					f.head(stream, false, ":status:100", nil)
				}
				if p.expects == "final" {
					h.end, over = "never", true
				}
			}
			if over {
				o.seen <- h.String()
				o.answer2(f, stream, p)
				answered = stream
			}
		}
	}
}

func (o *pairOrigin) answer2(f *frames, stream uint32, p *pair) {
	r := p.reply
	for _, early := range r.early {
		if status, field, _ := strings.Cut(early, " "); field == "" {
			f.head(stream, false, ":status:"+status, nil)
		} else {
			f.head(stream, false, ":status:"+status, []string{field})
		}
	}
	fields := append(r.fields[:len(r.fields):len(r.fields)], trailerField(r.trailers, r.announce)...)
	if r.length != "" {
		fields = append(fields, "content-length: "+r.length)
	} else if r.sized {
		fields = append(fields, fmt.Sprintf("content-length: %d", len(r.body)))
	}
	f.head(stream, p.bodiless(), fmt.Sprintf(":status:%d", r.status), fields)
	switch {
	case p.bodiless():
	case r.cut:
		f.data(stream, r.body[:2], nil, false)
		f.WriteRSTStream(stream, http2.ErrCodeInternal)
	default:
		f.data(stream, r.body, r.trailers, true)
	}
}

// pairClient is a client of one version in a tunnel.
type pairClient struct {
	t         *testing.T
	version   httpVersion
	authority string
	conn      *tls.Conn
}

func newPairClient(t *testing.T, l *lab.Lab, authority string, v httpVersion) *pairClient {
	protocol := "http/1.1"
	if v == http20 {
		protocol = "h2"
	}
	c := l.TLS(authority, protocol)
	c.SetDeadline(time.Now().Add(20 * time.Second))
	t.Cleanup(func() { c.Close() })
	return &pairClient{t, v, authority, c}
}

// ask asks for p and returns what was told, "broken off" where that is not whole.
func (c *pairClient) ask(p *pair) string {
	var h *heard
	var err error
	if c.version == http20 {
		h, err = c.ask2(p)
	} else {
		h, err = c.ask1(p)
	}
	if err != nil {
		c.t.Logf("%v", err)
		return "broken off"
	}
	return h.String()
}

func (c *pairClient) fields(p *pair) []string {
	fields := append(p.ask.fields[:len(p.ask.fields):len(p.ask.fields)], trailerField(p.ask.trailers, p.ask.announce)...)
	if p.ask.waits {
		fields = append(fields, "expect: 100-continue")
	}
	return fields
}

func (c *pairClient) ask1(p *pair) (*heard, error) {
	a := p.ask
	hasBody := a.body != ""
	first := fmt.Sprintf("%s /%d HTTP/1.%d\r\nhost: %s", a.method, p.index(), c.version-10, c.authority)
	trailers := a.trailers
	head, rest := written(first, c.fields(p), a.body, hasBody && (a.sized || c.version == http10), trailers, hasBody)
	waits := a.waits && c.version == http11
	if !waits {
		head, rest = head+rest, ""
	}
	io.WriteString(c.conn, head)
	br := bufio.NewReader(c.conn)
	var lines []string
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return nil, err
		}
		h, err := readFields(br)
		if err != nil {
			return nil, err
		}
		status := strings.Fields(line)[1]
		if status[0] == '1' {
			lines = append(lines, status+" "+strings.Join(h.fields, ", "))
			if status == "100" && waits {
				io.WriteString(c.conn, rest)
			}
			continue
		}
		h.lines = append(lines, status)
		if p.bodiless() {
			h.end = "nothing"
		} else if err := h.readBody(br, true); err != nil {
			return nil, err
		}
		return &h, c.closes(&h, br)
	}
}

// closes looks at what comes behind a response.
func (c *pairClient) closes(h *heard, br *bufio.Reader) error {
	if c.version == http10 && h.hop != "close" {
		return fmt.Errorf("Connection is %q", h.hop)
	}
	if c.version == http11 && h.hop != "close" {
		c.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	}
	rest, err := io.ReadAll(br)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() && c.version == http11 && h.hop != "close" {
		err = nil
	}
	if len(rest) > 0 {
		return fmt.Errorf("%q behind the response", rest)
	}
	return err
}

func (c *pairClient) ask2(p *pair) (*heard, error) {
	a := p.ask
	io.WriteString(c.conn, http2.ClientPreface)
	f := newFrames(c.conn)
	fields := c.fields(p)
	if a.sized {
		fields = append(fields, fmt.Sprintf("content-length: %d", len(a.body)))
	}
	pseudo := fmt.Sprintf(":method:%s :scheme:https :authority:%s :path:/%d", a.method, c.authority, p.index())
	f.head(1, a.body == "", pseudo, fields)
	if a.body != "" && !a.waits {
		f.data(1, a.body, a.trailers, true)
	}
	h, begun := &heard{}, false
	for {
		stream, head, over, err := f.next(h, &begun)
		if stream == 0 && err == nil {
			continue
		}
		if err != nil || over {
			if p.bodiless() {
				h.end = "nothing"
			}
			return h, err
		}
		if head && h.lines[len(h.lines)-1] == "100 " && a.waits {
			a.waits = false // it may be asked again
			f.data(1, a.body, a.trailers, true)
		}
	}
}

func (p *pair) index() int {
	for i := range pairs {
		if &pairs[i] == p {
			return i
		}
	}
	return 0 // one that is none of them gets the answer to the first
}
