package allowlist

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParseRule(t *testing.T) {
	for _, c := range []struct {
		text string
		want Rule
		out  string // "" for text
	}{
		{"api.stripe.com", Rule{Host: "api.stripe.com"}, ""},
		{"API.Stripe.COM.", Rule{Host: "api.stripe.com"}, "api.stripe.com"},
		{"api.stripe.com:443", Rule{Host: "api.stripe.com"}, "api.stripe.com"},
		{"api.acme.test:9443", Rule{Host: "api.acme.test", Port: 9443}, ""},
		{"api.acme.test.:9443", Rule{Host: "api.acme.test", Port: 9443}, "api.acme.test:9443"},
		{"a.test:65535", Rule{Host: "a.test", Port: 65535}, ""},
		{"a.test:1", Rule{Host: "a.test", Port: 1}, ""},
		{"localhost", Rule{Host: "localhost"}, ""},
		{"r3---sn-apo3qvuoxuxbt-j5pe.example.com", Rule{Host: "r3---sn-apo3qvuoxuxbt-j5pe.example.com"}, ""},
		{"*.example.com", Rule{Host: "example.com", Wildcard: true}, ""},
		{"*.Eu.Example.com:8443", Rule{Host: "eu.example.com", Port: 8443, Wildcard: true}, "*.eu.example.com:8443"},
		{"*.example.co.uk", Rule{Host: "example.co.uk", Wildcard: true}, ""},
		{"*.acme.github.io", Rule{Host: "acme.github.io", Wildcard: true}, ""},
		{"192.0.2.1", Rule{Host: "192.0.2.1"}, ""},
		{"192.0.2.1:8443", Rule{Host: "192.0.2.1", Port: 8443}, ""},
		{"[::1]", Rule{Host: "::1"}, ""},
		{"[::1]:443", Rule{Host: "::1"}, "[::1]"},
		{"[2001:DB8:0:0::1]:8443", Rule{Host: "2001:db8::1", Port: 8443}, "[2001:db8::1]:8443"},
		{"bücher.example", Rule{Host: "xn--bcher-kva.example"}, "xn--bcher-kva.example"},
		{"XN--BCHER-KVA.example", Rule{Host: "xn--bcher-kva.example"}, "xn--bcher-kva.example"},
		{"*.bücher.example", Rule{Host: "xn--bcher-kva.example", Wildcard: true}, "*.xn--bcher-kva.example"},
		{"faß.de", Rule{Host: "xn--fa-hia.de"}, "xn--fa-hia.de"},          // IDNA2008, not the fass.de of 2003
		{"аpple.com", Rule{Host: "xn--pple-43d.com"}, "xn--pple-43d.com"}, // a Cyrillic а shows itself
		{"ｅｘａｍｐｌｅ。com", Rule{Host: "example.com"}, "example.com"},
	} {
		got, err := ParseRule(c.text)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, %v", c.text, got, err)
			continue
		}
		if c.out == "" {
			c.out = c.text
		}
		if got.String() != c.out {
			t.Errorf("%q: written as %q", c.text, got)
		}
	}
}

func TestD4ParseRuleRefuses(t *testing.T) {
	label64 := strings.Repeat("a", 64)
	for _, c := range []struct{ text, reason, hint string }{
		{"", "is empty", "api.stripe.com"},
		{"  ", "is empty", ""},
		{"https://api.stripe.com/v1", "has a scheme", " api.stripe.com"},
		{"https://user@api.stripe.com", "has a scheme", ""},
		{"http:api.stripe.com", "no valid port", ""},
		{"api.stripe.com/", "has a path", " api.stripe.com"},
		{"api.stripe.com/v1/*", "has a path", " api.stripe.com"},
		{"api.stripe.com?x", "has a path", " api.stripe.com"},
		{"api.stripe.com#x", "has a path", " api.stripe.com"},
		{`api.stripe.com\x`, "ends a host", ""},
		{"user@api.stripe.com", "user name", " api.stripe.com"},
		{"user:pw@api.stripe.com:443", "user name", ""},
		{"api.stripe.com:0", "1 to 65535", ":8443"},
		{"api.stripe.com:65536", "1 to 65535", ""},
		{"api.stripe.com:99999999999999999999", "1 to 65535", ""},
		{"api.stripe.com:0443", "1 to 65535", ""},
		{"api.stripe.com:+443", "1 to 65535", ""},
		{"api.stripe.com:-1", "1 to 65535", ""},
		{"api.stripe.com:", "1 to 65535", ""},
		{"api.stripe.com:https", "1 to 65535", ""},
		{"api.stripe.com:4 43", "1 to 65535", ""},
		{"api.stripe.com:４４３", "1 to 65535", ""},
		{":443", "is empty", ""},
		{"*", "every host", ""},
		{"*:443", "wrong place", ""},
		{"*.", "is empty", ""},
		{"*.com", "public suffix com", ""},
		{"*.co.uk", "public suffix co.uk", ""},
		{"*.github.io", "public suffix github.io", "api.github.io"},
		{"*.GitHub.io.", "public suffix github.io", ""},
		{"*.s3.amazonaws.com", "public suffix", ""},
		{"*.compute.amazonaws.com", "public suffix", ""}, // itself none, but each name below is one
		{"*.kobe.jp", "public suffix", ""},
		{"*.localhost", "public suffix", ""},
		{"*.*.example.com", "more than one *", ""},
		{"**.example.com", "wrong place", ""},
		{"api.*.example.com", "wrong place", ""},
		{"api*.example.com", "wrong place", ""},
		{"*api.example.com", "wrong place", ""},
		{"*.192.0.2.1", "before an IP address", " 192.0.2.1"},
		{"*.[::1]", "wrong place", ""},
		{"api stripe.com", "a space", ""},
		{" api.stripe.com", "a space", ""},
		{"api.stripe.com\n", "control character", ""},
		{"POST api.stripe.com", "a space", ""},
		{"api.stripe.com,b.test", "','", ""},
		{"api\x00.stripe.com", "control character", ""},
		{"api\x7f.stripe.com", "control character", ""},
		{"api\u0085.stripe.com", "control character", ""},
		{"api\u00a0.stripe.com", "a space", ""},
		{"api.stripe%2ecom", "percent sign", ""},
		{"api_v1.stripe.com", "underscore", ""},
		{"ap\u200bi.stripe.com", "invisible character U+200B", ""},
		{"ap\u00adi.stripe.com", "invisible character U+00AD", ""},
		{"\u202emoc.epirts", "invisible character U+202E", ""},
		{"api.stripe.com\xff", "UTF-8", ""},
		{"xn--a.com", "internationalised", ""}, // not Punycode of anything
		{"xn--api-.com", "internationalised", ""},
		{"a\u0301\u200d.com", "internationalised", ""}, // a joiner that joins nothing
		{"1א.com", "internationalised", ""},            // reads in both directions (RFC 5893)
		{"-api.stripe.com", "hyphen", ""},
		{"api-.stripe.com", "hyphen", ""},
		{"api..stripe.com", "empty label", ""},
		{".stripe.com", "empty label", ""},
		{"api.stripe.com..", "empty label", ""},
		{".", "empty label", ""},
		{label64 + ".com", "longer than 63", ""},
		{strings.Repeat("a.", 126) + "aa", "longer than the 253", ""},
		{strings.Repeat("a", 5000), "longer than the 253", ""},
		{"127.1", "neither an IP address nor a name", ""},
		{"2130706433", "neither", ""},
		{"0x7f.0.0.1", "neither", ""},
		{"0x7f000001", "neither", ""},
		{"017700000001", "neither", ""},
		{"127.0.0.01", "neither", ""},
		{"127.0.0.1.", "neither", ""},
		{"256.1.1.1", "neither", ""},
		{"①②⑦.0.0.①", "neither", ""},
		{"１２７.0.0.１", "neither", ""},
		{"::1", "without brackets", " '[::1]'"},
		{"2001:db8::1:443", "without brackets", ""},
		{"a:1:2", "neither", ""},
		{"[::1", "no ]", ""},
		{"[::1]443", "no valid port", ""},
		{"[::1]:0", "no valid port", ""},
		{"[127.0.0.1]", "not an IPv6 address", ""},
		{"[api.stripe.com]", "not an IPv6 address", ""},
		{"[]", "not an IPv6 address", ""},
		{"[fe80::1%eth0]", "a zone", ""},
		{"fe80::1%eth0", "without brackets", " '[fe80::1]'"},
	} {
		r, err := ParseRule(c.text)
		var bad *RuleError
		if !errors.As(err, &bad) {
			t.Errorf("%q: taken as %v", c.text, r)
			continue
		}
		if !strings.Contains(err.Error(), c.reason) {
			t.Errorf("%q: %v, want %q", c.text, err, c.reason)
		}
		if !strings.Contains(bad.Hint(), c.hint) {
			t.Errorf("%q: hint %q, want %q", c.text, bad.Hint(), c.hint)
		}
		example := strings.Trim(strings.TrimPrefix(bad.Hint(), "agentsecrets workspace allowlist add "), "'")
		if _, err := ParseRule(example); err != nil {
			t.Errorf("%q: the example in the hint: %v", c.text, err)
		}
		if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x202e }) {
			t.Errorf("%q: the error would change a terminal", c.text)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		rule, host string
		port       int
		want       bool
	}{
		{"api.stripe.com", "api.stripe.com", 443, true},
		{"api.stripe.com", "API.stripe.com.", 443, true},
		{"api.stripe.com", "api.stripe.com", 80, false},
		{"api.stripe.com", "api.stripe.com", 0, false},
		{"api.stripe.com", "stripe.com", 443, false},
		{"api.stripe.com", "x.api.stripe.com", 443, false},
		{"api.stripe.com", "api.stripe.com.evil.test", 443, false},
		{"api.stripe.com", "apixstripe.com", 443, false},
		{"api.stripe.com", "api.stripe.com:443", 443, false},
		{"api.stripe.com", "api.stripe.com ", 443, false},
		{"api.stripe.com", "", 443, false},
		{"api.acme.test:9443", "api.acme.test", 9443, true},
		{"api.acme.test:9443", "api.acme.test", 443, false},
		{"*.example.com", "a.example.com", 443, true},
		{"*.example.com", "A.Example.com.", 443, true},
		{"*.example.com", "a.example.com", 8443, false},
		{"*.example.com", "example.com", 443, false},
		{"*.example.com", "a.b.example.com", 443, false},
		{"*.example.com", ".example.com", 443, false},
		{"*.example.com", "*.example.com", 443, false},
		{"*.example.com", "aexample.com", 443, false},
		{"*.example.com", "a.example.com.evil.test", 443, false},
		{"*.example.com", "аexample.com", 443, false},
		{"*.amazonaws.com", "sts.amazonaws.com", 443, true},
		{"*.amazonaws.com", "s3.amazonaws.com", 443, false}, // a public suffix: anybody's buckets
		{"s3.amazonaws.com", "s3.amazonaws.com", 443, true}, // named outright
		{"bücher.example", "xn--bcher-kva.example", 443, true},
		{"bücher.example", "BÜCHER.example", 443, true},
		{"apple.com", "аpple.com", 443, false},
		{"[::1]", "::1", 443, true},
		{"[::1]", "0:0:0:0:0:0:0:1", 443, true},
		{"[::1]", "::1%lo", 443, false},
		{"192.0.2.1", "192.0.2.1", 443, true},
		{"192.0.2.1", "::ffff:192.0.2.1", 443, false},
		{"192.0.2.1", "3221225985", 443, false},
	} {
		r, err := ParseRule(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Match(c.host, c.port); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s matches %q:%d: %v", c.rule, c.host, c.port, got)
		}
	}
	if (Rule{}).Match("", 443) || (Rule{Wildcard: true}).Match("com", 443) {
		t.Error("the zero rule matches something")
	}
}

func TestNormalHostIsFinal(t *testing.T) {
	for _, host := range []string{"API.Stripe.com.", "bücher.example", "xn--bcher-kva.example", "2001:DB8::0:1", "127.0.0.1", "localhost", "☃.example"} {
		once, err := NormalHost(host)
		if err != nil {
			t.Errorf("%q: %v", host, err)
			continue
		}
		if twice, err := NormalHost(once); err != nil || twice != once {
			t.Errorf("%q: %q, then %q, %v", host, once, twice, err)
		}
	}
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{"api.stripe.com", "*.example.com:8443", "[::1]:9", "bücher.example", "аpple.com", "xn--bcher-kva.example", "a.test:443",
		"*.github.io", "127.1", "①.1", "ｅ。com", "a\u200d.b", "https://x/", "\xff", "ß.de.", "xn--zca.de", "٠.com", "אב.com", "1.אב"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRule(s)
		if err != nil {
			return
		}
		again, err := ParseRule(r.String())
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%q is %v, which is %v, %v", s, r, again, err)
		}
		for _, b := range []byte(r.Host) {
			if !('a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '-' || b == '.' || b == ':') {
				t.Fatalf("%q has the host %q", s, r.Host)
			}
		}
		if len(r.Host) > maxHost || r.Port < 0 || r.Port > 65535 || r.Port == defaultPort {
			t.Fatalf("%q is %+v", s, r)
		}
		if r.Wildcard == r.Match(r.Host, r.port()) {
			t.Fatalf("%v, wildcard %v, and its own host", r, r.Wildcard)
		}
		if r.Match("evil.test", r.port()) && r.Host != "evil.test" {
			t.Fatalf("%v matches evil.test", r)
		}
	})
}
