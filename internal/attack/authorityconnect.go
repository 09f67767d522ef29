//go:build linux

package main

import (
	"context"
	"fmt"
)

// What CONNECT itself may name. Where the proxy says yes, a request for the
// allowed host follows.

type connectRow struct {
	target, want string
	host         string // of the request inside; "" for the allowed one
	more         []string
}

func connectTable(w *world) []connectRow {
	near := w.origin(near).port()
	ours := func(format string) string { return fmt.Sprintf(format, near) }
	return []connectRow{
		{target: api, want: "400"},
		{target: api + ":", want: "400"},
		{target: api + ":0", want: "400"},
		{target: api + ":00443", want: "400"},
		{target: api + ":99999", want: "400"},
		{target: api + ":https", want: "400"},
		{target: api + ":443:443", want: "400"},
		{target: api + ":443/", want: "400"},
		{target: api + ":443@" + evilPort, want: "400"},
		{target: evil + "@" + apiPort, want: "400"},
		{target: api + "#" + evilPort, want: "400"},
		{target: api + "?" + evilPort, want: "400"},
		{target: api + `\` + evilPort, want: "400"},
		{target: api + "%00." + evilPort, want: "400"},
		{target: "https://" + apiPort, want: "400"},
		{target: "[" + api + "]:443", want: "400"},
		{target: ":443", want: "400"},
		{target: "*:443", want: "400"},
		{target: "*.acme.test:443", want: "400"},
		{target: "api..acme.test:443", want: "400"},
		{target: "-api.acme.test:443", want: "400|421"},
		{target: "аpi.acme.test:443", want: "400|421"},
		{target: "xn--a.acme.test:443", want: "400|421"},
		{target: ours("127.0.0.1:%d"), host: ours("127.0.0.1:%d"), want: "403"},
		{target: ours("localhost:%d"), host: ours("localhost:%d"), want: "403"}, // allowed, but of this machine
		{target: ours("localhost.:%d"), host: ours("localhost:%d"), want: "403"},
		{target: ours("LOCALHOST:%d"), host: ours("localhost:%d"), want: "403"},
		{target: ours("127.1:%d"), host: ours("127.1:%d"), want: "400|403"},
		{target: ours("2130706433:%d"), host: ours("2130706433:%d"), want: "400|403"},
		{target: ours("0x7f.0.0.1:%d"), host: ours("0x7f.0.0.1:%d"), want: "400|403"},
		{target: ours("0177.0.0.1:%d"), host: ours("0177.0.0.1:%d"), want: "400|403"},
		{target: ours("0.0.0.0:%d"), host: ours("0.0.0.0:%d"), want: "400|403"},
		{target: ours("[::ffff:127.0.0.1]:%d"), host: ours("[::ffff:127.0.0.1]:%d"), want: "400|403"},
		{target: ours("[::]:%d"), host: ours("[::]:%d"), want: "400|403"},
		{target: ours("[::1%%25lo]:%d"), host: ours("[::1]:%d"), want: "400|403"},
		{target: ours("::1:%d"), host: ours("[::1]:%d"), want: "400"},
		{target: "169.254.169.254:443", host: "169.254.169.254", want: "403"},
		{target: "[fd00:ec2::254]:443", host: "[fd00:ec2::254]", want: "403"},
		{target: w.proxy.addr, host: w.proxy.addr, want: "403"}, // the proxy itself
		{target: apiPort, more: []string{"Host: " + evilPort}, want: "sent"},
		{target: evilPort, more: []string{"Host: " + apiPort}, want: "421"},
		{target: evilPort, more: []string{"Host: " + apiPort}, host: evil, want: "403"},
		{target: apiPort, more: []string{"Host: " + apiPort, "Host: " + evilPort}, want: "400|sent"},
		{target: apiPort, more: []string{"Host: " + apiPort, "Content-Length: 5"}, want: "any"},
		{target: apiPort, more: []string{"Host: " + apiPort, "X-Forwarded-Host: " + evil}, want: "sent"},
		{target: apiPort + " " + evilPort, want: "400"},
	}
}

func connectProbes(w *world) []probe {
	var all []probe
	for _, row := range connectTable(w) {
		all = append(all, row.probe())
	}
	return all
}

func (row connectRow) probe() probe {
	host := or(row.host, api)
	tried := fmt.Sprintf("CONNECT %s %q, then Host: %s", row.target, row.more, host)
	return probe{
		name: tried, tried: tried, want: row.want, may: reached(row.target),
		do: func(ctx context.Context, w *world) (answer, error) {
			b := lines("GET /v1/x HTTP/1.1", "Host: "+host, authField, "")
			return w.proxy.send(ctx, wire{connect: row.target, more: row.more, sni: "-", bytes: b})
		},
	}
}
