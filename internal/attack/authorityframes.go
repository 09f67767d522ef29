//go:build linux

package main

import (
	"context"
	"fmt"
)

// What only frames can say: :authority beside host, fields twice and out of order,
// several streams on one connection.

type frameRow struct {
	name, want string
	may, asks  string
	connect    string // "" for the allowed host
	streams    []stream
	inTurn     bool
}

const bearer = "Bearer AS_SECRET_API_KEY"

// with is a request whose fields were changed by edits: nothing but a name takes a
// field out, a value puts it in its place, or at the end.
func with(edits ...field) []field {
	all := request(api, "/v1/x")
	for _, e := range edits {
		at := -1
		for i, f := range all {
			if f.name == e.name {
				at = i
			}
		}
		switch {
		case at >= 0 && e.value == "":
			all = append(all[:at], all[at+1:]...)
		case at >= 0:
			all[at].value = e.value
		default:
			all = append(all, e)
		}
	}
	return all
}

// before puts fields in front of a usual request.
func before(fields ...field) []field { return append(fields, request(api, "/v1/x")...) }

func one(fields []field) []stream { return []stream{{fields: fields}} }

func frameTable() []frameRow {
	malformed := "400|421|reset"
	smuggled := lines("GET /v1/x HTTP/1.1", "Host: "+evil, authField, "")
	return []frameRow{
		{name: ":authority allowed, host evil", want: malformed, streams: one(with(field{"host", evil}))},
		{name: ":authority evil, host allowed", want: malformed, streams: one(with(field{":authority", evil}, field{"host", api}))},
		{name: ":authority and host alike", want: "sent", may: api, streams: one(with(field{"host", api}))},
		{name: "host alone", want: "sent|" + malformed, may: api, streams: one(with(field{":authority", ""}, field{"host", api}))},
		{name: "host alone, evil", want: malformed, streams: one(with(field{":authority", ""}, field{"host", evil}))},
		{name: "neither", want: malformed, streams: one(with(field{":authority", ""}))},
		{name: "two host fields", want: malformed, streams: one(append(with(field{"host", api}), field{"host", evil}))},
		{name: "two :authority, evil last", want: malformed, streams: one(append([]field{{":authority", api}}, request(evil, "/v1/x")...))},
		{name: "two :authority, evil first", want: malformed, streams: one(before(field{":authority", evil}))},
		{name: "two :authority alike", want: malformed, streams: one(before(field{":authority", api}))},
		{name: ":authority behind a field", want: malformed, streams: one(append(with(field{":authority", ""}), field{":authority", evil}))},
		{name: "two :path", want: malformed, streams: one(before(field{":path", "https://" + evil + "/"}))},
		{name: "empty :path", want: malformed, streams: one(append([]field{{":path", ""}}, with(field{":path", ""})...))},
		{name: "two :method", want: malformed, streams: one(before(field{":method", "CONNECT"}))},
		{name: ":scheme http", want: "sent|" + malformed, may: api, streams: one(with(field{":scheme", "http"}))},
		{name: ":scheme with a host", want: "sent|" + malformed, may: api, streams: one(with(field{":scheme", "https://" + evil + "/?"}))},
		{name: "no :scheme", want: malformed, streams: one(with(field{":scheme", ""}))},
		{name: "CONNECT to evil", want: "405|" + malformed, streams: one([]field{{":method", "CONNECT"}, {":authority", evilPort}, {"authorization", bearer}})},
		{name: "CONNECT with a path", want: "405|" + malformed, streams: one(with(field{":method", "CONNECT"}))},
		{name: "extended CONNECT", want: "405|" + malformed, streams: one(append([]field{{":protocol", "websocket"}}, with(field{":method", "CONNECT"})...))},
		{name: "TRACE", want: "405|" + malformed, streams: one(with(field{":method", "TRACE"}))},
		{name: "a method with a space and a target", want: malformed, streams: one(with(field{":method", "GET https://" + evil + "/"}))},
		{name: "Host in upper case", want: malformed, streams: one(with(field{"Host", evil}))},
		{name: ":Authority", want: malformed, streams: one(before(field{":Authority", evil}))},
		{name: "an unknown pseudo field", want: malformed, streams: one(before(field{":host", evil}))},
		{name: ":status in a request", want: malformed, streams: one(before(field{":status", "200"}))},
		{name: "a line break in a value", want: malformed, streams: one(with(field{"x-a", "b\r\nHost: " + evil}))},
		{name: "a line break in a name", want: malformed, streams: one(with(field{"x-a: b\r\nhost", evil}))},
		{name: "a line break in :authority", want: malformed, streams: one(with(field{":authority", api + "\r\nHost: " + evil}))},
		{name: "a line break in :path", want: malformed, streams: one(with(field{":path", "/v1/x HTTP/1.1\r\nHost: " + evil + "\r\nX: "}))},
		{name: "a NUL in :authority", want: malformed, streams: one(with(field{":authority", api + "\x00" + evil}))},
		{name: "white space before :authority", want: malformed, streams: one(with(field{":authority", " " + api}))},
		{name: "white space behind :authority", want: malformed, streams: one(with(field{":authority", api + "\t"}))},
		{name: "space in :path", want: malformed, streams: one(with(field{":path", "/v1/x https://" + evil}))},
		{name: "a fragment in :path", want: "sent|" + malformed, may: api, streams: one(with(field{":path", "/v1/x#@" + evil}))},
		{name: ":path of a host", want: malformed, streams: one(with(field{":path", evilPort}))},
		{name: ":path *", want: malformed, streams: one(with(field{":path", "*"}))},
		{name: "pseudo fields as trailers", want: "400|reset", streams: []stream{{fields: with(field{":method", "POST"}, field{"authorization", ""}), data: "x", trailers: []field{{":authority", evil}, {"authorization", bearer}}}}},
		{name: "the header block torn in :authority", want: "sent", may: api, streams: []stream{{fields: request(api, "/v1/x"), torn: 4}}},
		{name: "the header block torn, evil", want: "421", streams: []stream{{fields: request(evil, "/v1/x"), torn: 4}}},
		{name: "connection-specific: Connection", want: malformed, streams: one(with(field{"connection", "host"}))},
		{name: "connection-specific: Transfer-Encoding", want: malformed, streams: []stream{{fields: with(field{":method", "POST"}, field{"transfer-encoding", "chunked"}), data: "0\r\n\r\n" + smuggled}}},
		{name: "connection-specific: Upgrade", want: "sent|" + malformed, may: api, streams: one(with(field{"upgrade", "h2c"}))},
		{name: "TE that is not trailers", want: "sent|" + malformed, may: api, streams: one(with(field{"te", "gzip"}))},
		{name: "a request behind a length of 0, to HTTP/1.1", want: "any", may: two, connect: twoPort,
			streams: []stream{{fields: with(field{":authority", two}, field{":method", "POST"}, field{"authorization", ""}, field{"content-length", "0"}), data: smuggled}}},
		{name: "a longer length than the data, to HTTP/1.1", want: "any", may: two, connect: twoPort,
			streams: []stream{{fields: with(field{":authority", two}, field{":method", "POST"}, field{"authorization", ""}, field{"content-length", "9999"}), data: smuggled}}},
		{name: "a second stream turns to evil", want: "421", asks: api, inTurn: true,
			streams: []stream{{fields: with(field{"authorization", ""})}, {fields: request(evil, "/v1/x")}}},
		{name: "a second stream at once turns to evil", want: "421", asks: api,
			streams: []stream{{fields: with(field{"authorization", ""})}, {fields: request(evil, "/v1/x")}}},
		{name: "evil, remembered by header compression", want: "421", inTurn: true,
			streams: []stream{{fields: request(evil, "/v1/x")}, {fields: request(evil, "/v1/x")}}},
		{name: "evil, then allowed on the same connection", want: "sent", may: api, inTurn: true,
			streams: []stream{{fields: request(evil, "/v1/x")}, {fields: request(api, "/v1/x")}}},
		{name: "fronting by the second stream between allowed hosts", want: "421", asks: api, inTurn: true,
			streams: []stream{{fields: with(field{"authorization", ""})}, {fields: request(two, "/v1/x")}}},
	}
}

func framesProbes() []probe {
	var all []probe
	for _, row := range frameTable() {
		all = append(all, probe{
			name: "frames: " + row.name, want: row.want, may: row.may, asks: row.asks, tried: fmt.Sprintf("%.110q", fmt.Sprint(row.streams)),
			do: func(ctx context.Context, w *world) (answer, error) {
				return w.proxy.sendFrames(ctx, frames{connect: or(row.connect, apiPort), streams: row.streams, inTurn: row.inTurn})
			},
		})
	}
	return all
}
