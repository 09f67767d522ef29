//go:build linux

package main

import (
	"context"
	"fmt"
	"strings"
)

// Who an exchange is with. Each row is a request that names more than one host in
// some way; a value may arrive at the host of CONNECT alone.

// names is a row: what stands in each of the places where a host can be named. It
// is tried in HTTP/1.1 and in HTTP/2 where both can say it.
type names struct {
	name    string
	connect string  // "" for the allowed host
	sni     string  // "" for that of connect, "-" for none
	host    string  // Host, or :authority; "" for the allowed host
	target  string  // request-target, or :path; "" for a path
	fields  []field // more of them
	want    string
	want2   string // in HTTP/2; "" for the same, "-" where it cannot be said there
}

const (
	apiPort   = api + ":443"
	twoPort   = two + ":443"
	evilPort  = evil + ":443"
	authField = "Authorization: Bearer AS_SECRET_API_KEY"
	// strict is how a text is refused that is no host: some parsers know, some
	// only see that it is another one.
	strict = "400|421"
)

func namesTable() []names {
	return []names{
		{name: "one host everywhere", want: "sent"},
		{name: "Host with the port", host: apiPort, want: "sent"},
		{name: "Host in upper case", host: "API.ACME.TEST", want: "sent"},
		{name: "Host with a trailing dot", host: api + ".", want: "sent"},
		{name: "CONNECT in upper case", connect: "API.Acme.TEST:443", sni: api, want: "sent"},
		{name: "CONNECT with a trailing dot", connect: api + ".:443", sni: api, want: "sent"},
		{name: "no SNI", sni: "-", want: "sent"},
		{name: "SNI in upper case", sni: "API.ACME.TEST", want: "sent"},
		{name: "another allowed host everywhere", connect: twoPort, host: two, want: "sent"},
		{name: "fronting: CONNECT evil, Host allowed", connect: evilPort, want: "421"},
		{name: "fronting: CONNECT allowed, Host evil", host: evil, want: "421"},
		{name: "fronting between allowed hosts", connect: twoPort, want: "421"},
		{name: "fronting between allowed hosts, turned", host: two, want: "421"},
		{name: "evil everywhere", connect: evilPort, host: evil, want: "403"},
		{name: "evil everywhere, no SNI", connect: evilPort, sni: "-", host: evil, want: "403"},
		{name: "SNI evil in a tunnel to allowed", sni: evil, want: "alert"},
		{name: "SNI allowed in a tunnel to evil", connect: evilPort, sni: api, want: "alert"},
		{name: "SNI allowed in a tunnel to evil, Host evil", connect: evilPort, sni: api, host: evil, want: "alert"},
		{name: "SNI of the other allowed host", sni: two, host: two, want: "alert"},
		{name: "SNI of a name below", sni: "x." + api, want: "alert"},
		{name: "SNI of the name above", sni: "acme.test", want: "alert"},
		{name: "no SNI, fronting", connect: evilPort, sni: "-", want: "421"},
		{name: "absolute form of evil, Host evil", host: evil, target: "https://" + evil + "/x", want: "421", want2: "400|421|reset"},
		{name: "absolute form of evil, Host allowed", target: "https://" + evil + "/x", want: "421", want2: "400|421|reset"},
		{name: "absolute form of allowed", target: "https://" + api + "/x", want: "sent", want2: "sent|400|421|reset"},
		{name: "absolute form of allowed, Host evil", host: evil, target: "https://" + api + "/x", want: "sent|421", want2: "400|421|reset"}, // RFC 9112, 3.2.2: Host is to be ignored
		{name: "absolute form without TLS", target: "http://" + api + "/x", want: "421", want2: "400|421|reset"},
		{name: "absolute form of another port", target: "https://" + other + "/x", want: "421", want2: "400|421|reset"},
		{name: "absolute form with user info", target: "https://" + api + "@" + evil + "/x", want: strict, want2: "400|421|reset"},
		{name: "absolute form with evil as user", target: "https://" + evil + "@" + api + "/x", want: strict, want2: "400|421|reset"},
		{name: "Host with another port", host: other, want: "421"},
		{name: "CONNECT to another port, Host without", connect: other, want: "421"},
		{name: "another port everywhere", connect: other, host: other, want: "403"},
		{name: "Host with user info", host: api + "@" + evil, want: strict, want2: strict + "|reset"},
		{name: "Host with evil as user", host: evil + "@" + api, want: strict, want2: strict + "|reset"},
		{name: "Host with a fragment", host: api + "#." + evil, want: strict, want2: strict + "|reset"},
		{name: "Host with a fragment, turned", host: evil + "#." + api, want: strict, want2: strict + "|reset"},
		{name: "Host with %00", host: api + "%00." + evil, want: strict, want2: strict + "|reset"},
		{name: "Host with %2e", host: "api%2eacme.test", want: "sent|" + strict, want2: "sent|" + strict + "|reset"},
		{name: "Host with a slash", host: api + "/." + evil, want: strict, want2: strict + "|reset"},
		{name: "Host with a backslash", host: api + `\.` + evil, want: strict, want2: strict + "|reset"},
		{name: "Host with a question mark", host: api + "?." + evil, want: strict, want2: strict + "|reset"},
		{name: "Host in brackets", host: "[" + api + "]", want: strict, want2: strict + "|reset"},
		{name: "Host ::1", host: "[::1]", want: "421", want2: strict + "|reset"},
		{name: "Host with an IPv6 zone", host: "[fe80::1%25lo]", want: strict, want2: strict + "|reset"},
		{name: "Host 127.0.0.1", host: "127.0.0.1", want: "421"},
		{name: "Host as one decimal number", host: "2130706433", want: "421"},
		{name: "Host in hexadecimal", host: "0x7f000001", want: "421"},
		{name: "Host with a Cyrillic letter", host: "аpi.acme.test", want: strict, want2: strict + "|reset"},
		{name: "Host with a Cyrillic letter, as A-label", host: "xn--pi-6kc.acme.test", want: "421"},
		{name: "Host with an ideographic full stop", host: "api。acme。test", want: "sent|" + strict, want2: "sent|" + strict + "|reset"},
		{name: "Host in full-width letters", host: "ａｐｉ.acme.test", want: "sent|" + strict, want2: "sent|" + strict + "|reset"},
		{name: "Host with a soft hyphen", host: "a\u00adpi.acme.test", want: "sent|" + strict, want2: "sent|" + strict + "|reset"},
		{name: "Host with an empty port", host: api + ":", want: "sent|" + strict, want2: "sent|" + strict + "|reset"},
		{name: "Host with a port of four digits", host: api + ":0443", want: "421", want2: strict + "|reset"},
		{name: "Host with a port beyond 65535", host: api + ":65979", want: "421", want2: strict + "|reset"},
		{name: "Host with a signed port", host: api + ":+443", want: strict, want2: strict + "|reset"},
		{name: "Host with two ports", host: apiPort + ":443", want: strict, want2: strict + "|reset"},
		{name: "Host with a comma", host: api + ", " + evil, want: strict, want2: strict + "|reset"},
		{name: "Host with a space", host: api + " " + evil, want: strict, want2: strict + "|reset"},
		{name: "Host with two trailing dots", host: api + "..", want: "421"},
		{name: "Host with a leading dot", host: "." + api, want: "421"},
		{name: "Host of a name below", host: "x." + api, want: "421"},
		{name: "Host of the name above", host: "acme.test", want: "421"},
		{name: "Host that begins alike", host: api + "." + evil, want: "421"},
		{name: "Host that ends alike", host: "evil" + api, want: "421"},
		{name: "Host with an underscore", host: "api_.acme.test", want: "421"},
		{name: "path with two slashes and evil", target: "//" + evil + "/x", want: "sent"},
		{name: "path with evil as user", target: "/@" + evil + "/x", want: "sent"},
		{name: "path that climbs", target: "/../../" + evil, want: "sent|400"},
		{name: "target without a slash", target: evil + "/x", want: strict, want2: strict + "|reset"},
		{name: "target of one slash", target: "https:/" + evil + "/x", want: strict, want2: strict + "|reset"},
		{name: "target with a backslash", target: `\\` + evil + "/x", want: strict, want2: strict + "|reset"},
		{name: "target *", target: "*", want: strict, want2: strict + "|reset"},
		{name: "X-Forwarded-Host evil", fields: []field{{"x-forwarded-host", evil}, {"x-host", evil}}, want: "sent"},
		{name: "Forwarded evil", fields: []field{{"forwarded", "host=" + evil + ";proto=http"}}, want: "sent"},
		{name: "X-Original-URL evil", fields: []field{{"x-original-url", "https://" + evil + "/"}, {"x-rewrite-url", "//" + evil}}, want: "sent|400"},
		{name: "X-AS-Target-URL inside the tunnel", fields: []field{{"x-as-target-url", "https://" + evil + "/"}}, want: "sent|400"},
		{name: "Alt-Used evil", fields: []field{{"alt-used", evil}}, want: "sent"},
	}
}

// or is a where there is something, else b.
func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// reached is the host to which CONNECT to target may bring a value.
func reached(target string) string {
	host, port, _ := strings.Cut(target, ":")
	if host = strings.TrimSuffix(strings.ToLower(host), "."); port == "443" && (host == api || host == two) {
		return host
	}
	return ""
}

func (n names) http1() probe {
	n.connect, n.host, n.target = or(n.connect, apiPort), or(n.host, api), or(n.target, "/v1/x")
	head := []string{"GET " + n.target + " HTTP/1.1", "Host: " + n.host, authField}
	for _, f := range n.fields {
		head = append(head, f.name+": "+f.value)
	}
	return probe{
		name: n.name + " (HTTP/1.1)", want: n.want, may: reached(n.connect),
		tried: fmt.Sprintf("CONNECT %s, SNI %s, %s, Host: %s", n.connect, or(n.sni, "the same"), head[0], n.host),
		do: func(ctx context.Context, w *world) (answer, error) {
			return w.proxy.send(ctx, wire{connect: n.connect, sni: n.sni, bytes: lines(append(head, "")...)})
		},
	}
}

func (n names) http2() probe {
	n.connect, n.host, n.target = or(n.connect, apiPort), or(n.host, api), or(n.target, "/v1/x")
	return probe{
		name: n.name + " (HTTP/2)", want: or(n.want2, n.want), may: reached(n.connect),
		tried: fmt.Sprintf("CONNECT %s, SNI %s, :authority %s, :path %s", n.connect, or(n.sni, "the same"), n.host, n.target),
		do: func(ctx context.Context, w *world) (answer, error) {
			s := stream{fields: append(request(n.host, n.target), n.fields...)}
			return w.proxy.sendFrames(ctx, frames{connect: n.connect, sni: n.sni, streams: []stream{s}})
		},
	}
}

// request is a usual one in HTTP/2.
func request(authority, path string) []field {
	return []field{{":method", "GET"}, {":scheme", "https"}, {":authority", authority}, {":path", path}, {"authorization", "Bearer AS_SECRET_API_KEY"}}
}

func authorityProbes(w *world) []probe {
	var all []probe
	for _, n := range namesTable() {
		all = append(all, n.http1())
		if n.want2 != "-" {
			all = append(all, n.http2())
		}
	}
	all = append(all, connectProbes(w)...)
	all = append(all, bytesProbes()...)
	return append(all, framesProbes()...)
}
