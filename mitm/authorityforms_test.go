package mitm_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// authorityForms are ways to write an authority, PORT being the origin's. Those
// that name api.acme.test are the first; two readers could take any other for
// two hosts, or it is another.
var authorityForms = []struct {
	form string
	same bool
}{
	{"api.acme.test:PORT", true},
	{"API.ACME.TEST:PORT", true},
	{"api.acme.test.:PORT", true},      // the root of DNS
	{"ａｐｉ.acme.test:PORT", true},       // full width is a form of the same letters (RFC 5895)
	{"api。acme．test:PORT", true},       // and so are these dots
	{"api.acme.test..:PORT", false},    // two dots
	{".api.acme.test:PORT", false},     // an empty label
	{"api..acme.test:PORT", false},     //
	{"api.acme.test:", false},          // no port after a colon
	{"api.acme.test:0", false},         //
	{"api.acme.test:65536", false},     //
	{"api.acme.test:0PORT", false},     // another way to write the number
	{"api.acme.test:+PORT", false},     //
	{"api.acme.test:PORT0000", false},  //
	{"api.acme.test:0x1bb", false},     //
	{"api.acme.test:https", false},     //
	{"api.acme.test:PORT:PORT", false}, //
	{"api.acme.test:PORT,evil.test:PORT", false},
	{"api.acme.test,evil.test:PORT", false},
	{"api.acme.test;evil.test:PORT", false},
	{"api.acme.test&evil.test:PORT", false},
	{"api!.acme.test:PORT", false},
	{":PORT", false},
	{"[api.acme.test]:PORT", false}, // brackets are for addresses
	{"[api.acme.test:PORT", false},
	{"api.acme.test]:PORT", false},
	{"u@api.acme.test:PORT", false}, // user info
	{"u:p@api.acme.test:PORT", false},
	{"api.acme.test:PORT@evil.test:PORT", false},
	{"evil.test:PORT#@api.acme.test:PORT", false},
	{"api.acme.test#x:PORT", false},
	{"api.acme.test:PORT#x", false},
	{"api.acme.test:PORT/x", false},
	{"api.acme.test:PORT?x", false},
	{"api.acme.test\\.evil.test:PORT", false},
	{"api.acme.test%00:PORT", false},
	{"api.acme.test%2eevil.test:PORT", false},
	{"api%2eacme.test:PORT", false},
	{"api.acme.test%25eth0:PORT", false},
	{"api_acme.test:PORT", false},
	{"-api.acme.test:PORT", false},
	{"*.acme.test:PORT", false},
	{"аpi.acme.test:PORT", false},                // a Cyrillic а
	{"api.аcme.test:PORT", false},                //
	{"xn--pi-6kc.acme.test:PORT", false},         // the same, as an A-label
	{"xn--api.acme.test:PORT", false},            // Punycode of nothing
	{"api\u200b.acme.test:PORT", false},          // what is not seen
	{"api\u00ad.acme.test:PORT", false},          //
	{"\u202eapi.acme.test:PORT", false},          //
	{"api.acme.test\u2024evil.test:PORT", false}, // a leader of one dot
	{"api.acme.test\u2488evil.test:PORT", false}, // a digit with its dot
	{"api.acme.test／@evil.test:PORT", false},     // signs that some mapping makes / or @ of
	{"api.acme.test＠evil.test:PORT", false},
	{"2130706433:PORT", false}, // addresses, as some resolvers read them
	{"0x7f000001:PORT", false},
	{"0x7f.1:PORT", false},
	{"017700000001:PORT", false},
	{"127.1:PORT", false},
	{"127.0.0.01:PORT", false},
	{"①②⑦.0.0.①:PORT", false},
	{"::1:PORT", false},
	{"[::1%25lo]:PORT", false},
	{"[::1%lo]:PORT", false},
	{"[127.0.0.1]:PORT", false},
	{"[]:PORT", false},
	{strings.Repeat("a", 64) + ".acme.test:PORT", false},
	{strings.Repeat("a.", 130) + "acme.test:PORT", false},
}

// CONNECT with a form of the host goes to the host, and with any other nowhere.
func TestD4Connect(t *testing.T) {
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}})
	for _, c := range append(authorityForms, struct {
		form string
		same bool
	}{"api.acme.test", false}) { // RFC 9110, 9.3.6: the port has to be there
		form := strings.ReplaceAll(c.form, "PORT", fmt.Sprint(l.Port))
		conn := l.Dial()
		fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic %s\r\n\r\n", form, basic("run", token(t, l)))
		resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "CONNECT"})
		if err != nil {
			t.Errorf("%q: %v", form, err)
			continue
		}
		want := 200
		if !isASCII(form) || !c.same && c.form != otherName { // RFC 9112, 3.2.3: hosts go as A-labels
			want = 400
		}
		if resp.StatusCode != want || want == 400 && !resp.Close {
			b, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
			t.Errorf("%q: got %s %s, want %d", form, resp.Status, b, want)
		}
		conn.Close()
	}
	if d := l.Dialled(); len(d) > 0 {
		t.Errorf("dialled %q", d)
	}
}

// otherName is the right name of another host.
const otherName = "xn--pi-6kc.acme.test:PORT"

// In a tunnel to the host, the forms that name it are taken, and the origin
// sees one of them alone; no other is.
func TestD4HostField(t *testing.T) {
	for _, protocol := range []string{"http/1.1", "h2"} {
		t.Run(protocol, func(t *testing.T) {
			o := newRecorder()
			l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host, evil, "xn--pi-6kc.acme.test"}, Origin: o})
			here := l.Authority(host)
			for _, c := range authorityForms {
				form := strings.ReplaceAll(c.form, "PORT", fmt.Sprint(l.Port))
				before := len(l.Dialled())
				got := ""
				if protocol == "h2" {
					got = http2Status(t, l.TLS(here, "h2"), []string{":authority", form})
				} else {
					got = fmt.Sprint(askHTTP1(t, l, here, "GET / HTTP/1.1\r\nHost: "+form+"\r\nX-Key: AS_SECRET_KEY\r\n"))
				}
				// In HTTP/1, A-labels alone are a host.
				if c.same && (protocol == "h2" || isASCII(form)) {
					if got != "200" {
						t.Errorf("%q: got %s, want 200", form, got)
						continue
					}
					if saw := o.take(t); saw.Host != here {
						t.Errorf("%q: the origin saw the host %q", form, saw.Host)
					}
					continue
				}
				if got != "421" && got != "400" && !(protocol == "h2" && got == "reset") {
					t.Errorf("%q: got %s, want 421 or 400", form, got)
				}
				o.none(t)
				if d := l.Dialled(); len(d) != before {
					t.Errorf("%q: dialled %q", form, d[before:])
				}
			}
		})
	}
}

func isASCII(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r > 127 }) < 0 }

// Two Host fields, none, and those that a client hides by odd spelling.
func TestD4HostFields(t *testing.T) {
	o := newRecorder()
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host, evil}, Origin: o, OriginH1: true})
	here, there := l.Authority(host), l.Authority(evil)
	for _, c := range []struct {
		head   string
		status int
	}{
		{"GET / HTTP/1.1\r\nHost: " + here + "\r\nHost: " + there + "\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: " + there + "\r\nHost: " + here + "\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: " + here + "\r\nHost: " + here + "\r\n", 400},
		{"GET / HTTP/1.0\r\nHost: " + here + "\r\nHost: " + there + "\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: " + here + "\r\nhOST: " + there + "\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: " + here + " " + there + "\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: " + here + "\r\n " + there + "\r\n", 400}, // a line that goes on (RFC 9112, 5.2)
		{"GET / HTTP/1.1\r\nHost : " + here + "\r\n", 400},
		{"GET / HTTP/1.1\r\n Host: " + here + "\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: " + here + "\x00\r\n", 400},
		{"GET / HTTP/1.1\r\nHost:\r\n", 400},
		{"GET / HTTP/1.1\r\n", 400},
		{"GET / HTTP/1.0\r\n", 200}, // knows no Host
		{"GET / HTTP/1.1\r\nHost: \t" + here + " \r\n", 200},
	} {
		if got := askHTTP1(t, l, here, c.head+"X-Key: AS_SECRET_KEY\r\n"); got != c.status {
			t.Errorf("%q: got %d, want %d", c.head, got, c.status)
		}
		if c.status != 200 {
			o.none(t)
		} else if got := o.take(t); got.Host != here {
			t.Errorf("%q: the origin saw the host %q", c.head, got.Host)
		}
	}
}
