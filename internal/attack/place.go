//go:build linux

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Where in a request a placeholder stands. By default values go into fields, cookies,
// queries, Basic credentials and whole values of bodies, and nowhere else.

type placeRow struct {
	name, want string
	not        []string // secrets whose values may not arrive, though another's may
	host       string   // "" for the allowed one
	first      string   // method and target; "" for GET /v1/x
	fields     []string
	body       string
	chunked    bool // the body as it is, with its framing
	begun      bool // the request may begin before it is refused
}

// short names of placeholders in the tables.
var marks = strings.NewReplacer(
	"$KEY2", "AS_SECRET_API_KEY_2", "$KEY", "AS_SECRET_API_KEY", "$BOUND", "AS_SECRET_BOUND_KEY", "$PATH", "AS_SECRET_PATH_KEY",
	"$POST", "AS_SECRET_POST_KEY", "$ANY", "AS_SECRET_ANY_KEY", "$NESTED", "AS_SECRET_NESTED_KEY", "$LINES", "AS_SECRET_LINES_KEY",
)

const (
	asJSON = "Content-Type: application/json"
	asForm = "Content-Type: application/x-www-form-urlencoded"
	asPart = "Content-Type: multipart/form-data; boundary=b"
	asText = "Content-Type: text/plain"
)

func placeTable() []placeRow {
	all := headTable()
	all = append(all, bodyTable()...)
	all = append(all, bindingTable()...)
	return append(all, evilTable()...)
}

func placeProbes(*world) []probe {
	var all []probe
	for _, row := range placeTable() {
		all = append(all, row.probe())
	}
	return append(all, placeFrames()...)
}

func (row placeRow) probe() probe {
	host := or(row.host, api)
	head := append([]string{or(row.first, "GET /v1/x") + " HTTP/1.1", "Host: " + host}, row.fields...)
	body := marks.Replace(row.body)
	if row.body != "" && !row.chunked {
		head = append(head, "Content-Length: "+strconv.Itoa(len(body)))
	}
	b := marks.Replace(lines(append(head, "")...)) + body
	may := host
	if host == evil {
		may = ""
	}
	asks := ""
	if row.begun {
		asks = host
	}
	return probe{
		name: row.name, want: row.want, may: may, asks: asks, not: row.not, tried: fmt.Sprintf("%.110q", strings.ReplaceAll(b, "\r\n", "⏎")),
		do: func(ctx context.Context, w *world) (answer, error) {
			return w.proxy.send(ctx, wire{connect: host + ":443", bytes: b})
		},
	}
}

// placeFrames are those that look different in HTTP/2.
func placeFrames() []probe {
	var all []probe
	for _, row := range []frameRow{
		{name: "a field", want: "sent", streams: one(request(api, "/v1/x"))},
		{name: "the method", want: "text", streams: one(with(field{"authorization", ""}, field{":method", "AS_SECRET_API_KEY"}))},
		{name: ":authority", want: "400|421|reset", streams: one(with(field{"authorization", ""}, field{":authority", "AS_SECRET_API_KEY"}))},
		{name: ":scheme", want: "text|400|421|reset", streams: one(with(field{"authorization", ""}, field{":scheme", "AS_SECRET_API_KEY"}))},
		{name: "a segment of :path", want: "403", streams: one(with(field{"authorization", ""}, field{":path", "/v1/AS_SECRET_API_KEY"}))},
		{name: "a query in :path", want: "sent", streams: one(with(field{"authorization", ""}, field{":path", "/v1?k=AS_SECRET_API_KEY"}))},
		{name: "a trailer", want: "text", streams: []stream{{fields: with(field{"authorization", ""}, field{":method", "POST"}), data: "x", trailers: []field{{"x-key", bearer}}}}},
		{name: "cookies in two fields", want: "sent", streams: one(with(field{"authorization", ""}, field{"cookie", "a=b"}, field{"x-a", "b"}, field{"cookie", "c=AS_SECRET_API_KEY"}))},
		{name: "a field's name", want: "text|400|reset", streams: one(with(field{"authorization", ""}, field{"as_secret_api_key", "x"}))},
		{name: "proxy-authorization", want: "text", streams: one(with(field{"authorization", ""}, field{"proxy-authorization", bearer}))},
		{name: "a gRPC message", want: "text", streams: []stream{{fields: with(field{"authorization", ""}, field{":method", "POST"}, field{"content-type", "application/grpc"}, field{"te", "trailers"}),
			data: "\x00\x00\x00\x00\x13\x0a\x11AS_SECRET_API_KEY"}}},
		{name: "gRPC metadata", want: "sent", streams: []stream{{fields: with(field{":method", "POST"}, field{"content-type", "application/grpc"}, field{"te", "trailers"}), data: "\x00\x00\x00\x00\x00"}}},
	} {
		all = append(all, probe{
			name: "frames: " + row.name, want: row.want, may: api, tried: fmt.Sprintf("%.110q", fmt.Sprint(row.streams)),
			do: func(ctx context.Context, w *world) (answer, error) {
				return w.proxy.sendFrames(ctx, frames{connect: apiPort, streams: row.streams})
			},
		})
	}
	return all
}
