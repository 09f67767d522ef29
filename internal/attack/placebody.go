//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"strings"
)

func gzipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(marks.Replace(s)))
	z.Close()
	return b.String()
}

// bodyTable is what bodies of each type hold.
func bodyTable() []placeRow {
	post := func(name, want, kind, body string) placeRow {
		return placeRow{name: name, want: want, first: "POST /v1/x", fields: []string{kind}, body: body}
	}
	part := func(head, content string) string { return "--b\r\n" + head + "\r\n\r\n" + content + "\r\n--b--\r\n" }
	named := `Content-Disposition: form-data; name="k"`
	all := []placeRow{
		post("JSON: a whole value", "sent", asJSON, `{"k":"$KEY"}`),
		post("JSON: an element", "sent", asJSON, `["a",["$KEY"]]`),
		post("JSON: the whole body", "sent", asJSON, `"$KEY"`),
		post("JSON: with escapes", "sent", asJSON, `{"k":"\u0041S_SECRET_API_KEY"}`),
		post("JSON: inside a text", "text", asJSON, `{"prompt":"use $KEY here"}`),
		post("JSON: with a space", "text", asJSON, `{"k":" $KEY"}`),
		post("JSON: a key", "text", asJSON, `{"$KEY":1}`),
		post("JSON: in JSON", "text", asJSON, `{"k":"{\"k\":\"$KEY\"}"}`),
		post("JSON: bare", "text", asJSON, `{"k":$KEY}`),
		post("JSON: base64", "text", asJSON, `{"k":"`+encoded("$KEY")+`"}`),
		post("JSON: no JSON", "text", asJSON, `k=$KEY`),
		post("JSON: lines", "text|sent", "Content-Type: application/x-ndjson", "{\"k\":\"$KEY\"}\n"),
		post("JSON: of another name", "sent", "Content-Type: application/vnd.x+json", `{"k":"$KEY"}`),
		post("JSON: a value with line breaks", "sent", asJSON, `{"k":"$LINES"}`),
		post("JSON: a value that names another secret", "sent", asJSON, `{"k":"$NESTED"}`),
		post("form: a whole value", "sent", asForm, "a=b&k=$KEY"),
		post("form: percent", "sent", asForm, "k=%41S_SECRET_API_KEY"),
		post("form: inside a text", "text", asForm, "k=x+$KEY"),
		post("form: a name", "text", asForm, "$KEY=a"),
		post("form: no name", "text", asForm, "$KEY"),
		post("multipart: a whole field", "sent", asPart, part(named, "$KEY")),
		post("multipart: inside a text", "text", asPart, part(named, "use $KEY")),
		post("multipart: a field's name", "text", asPart, part(`Content-Disposition: form-data; name="$KEY"`, "x")),
		post("multipart: a file's name", "text", asPart, part(`Content-Disposition: form-data; name="k"; filename="$KEY"`, "x")),
		post("multipart: a file", "text", asPart, part(`Content-Disposition: form-data; name="k"; filename="f"`, "$KEY")),
		post("multipart: a part's field", "text", asPart, part(named+"\r\nX-Key: $KEY", "x")),
		post("multipart: the preamble", "text", asPart, "$KEY\r\n"+part(named, "x")),
		post("multipart: the boundary", "text|403|sent", "Content-Type: multipart/form-data; boundary=$KEY", "x"),
		post("text", "text", asText, "$KEY"),
		post("XML", "text", "Content-Type: application/xml", "<k>$KEY</k>"),
		post("no type", "text", "X-None: 1", "$KEY"),
		post("bytes", "text", "Content-Type: application/octet-stream", "\x00\x01$KEY\xff"),
		{name: "compressed JSON", want: "text", first: "POST /v1/x", fields: []string{asJSON, "Content-Encoding: gzip"}, body: gzipped(`{"k":"$KEY"}`)},
		{name: "JSON that only says it is compressed", want: "text", first: "POST /v1/x", fields: []string{asJSON, "Content-Encoding: gzip"}, body: `{"k":"$KEY"}`},
		{name: "JSON after 100 (Continue)", want: "sent", first: "POST /v1/x", fields: []string{asJSON, "Expect: 100-continue"}, body: `{"k":"$KEY"}`},
		{name: "JSON of more than 1 MiB", want: "413", first: "POST /v1/x", fields: []string{asJSON}, body: `{"k":"$KEY","x":"` + strings.Repeat("x", 1<<20) + `"}`},
		{name: "JSON of more than 1 MiB, the placeholder behind", want: "403|413|reset", begun: true, first: "POST /v1/x", fields: []string{asJSON}, body: `{"x":"` + strings.Repeat("x", 1<<20) + `","k":"$KEY"}`},
		{name: "chunked JSON", want: "sent", first: "POST /v1/x", fields: []string{asJSON, "Transfer-Encoding: chunked"}, chunked: true, body: "19\r\n{\"k\":\"$KEY\"}\r\n0\r\n\r\n"},
		{name: "chunked JSON, torn in the placeholder", want: "sent", first: "POST /v1/x", fields: []string{asJSON, "Transfer-Encoding: chunked"}, chunked: true, body: "b\r\n{\"k\":\"AS_SE\r\ne\r\nCRET_API_KEY\"}\r\n0\r\n\r\n"},
		{name: "a chunk's extension", want: "text", first: "POST /v1/x", fields: []string{asText, "Transfer-Encoding: chunked"}, chunked: true, body: "1;k=$KEY\r\nx\r\n0;$KEY\r\n\r\n"},
		{name: "a trailer", want: "text", first: "POST /v1/x", fields: []string{asText, "Transfer-Encoding: chunked", "Trailer: X-Key"}, chunked: true, body: "1\r\nx\r\n0\r\nX-Key: $KEY\r\n\r\n"},
		{name: "a trailer named like a field", want: "text|400|502", first: "POST /v1/x", fields: []string{asText, "Transfer-Encoding: chunked", "Trailer: Authorization"}, chunked: true, body: "1\r\nx\r\n0\r\nAuthorization: Bearer $KEY\r\n\r\n"},
		{name: "a gRPC message", want: "text", first: "POST /v1/x", fields: []string{"Content-Type: application/grpc"}, body: "\x00\x00\x00\x00\x11$KEY"},
	}
	all[14].not = []string{"API_KEY"}
	return all
}

// bindingTable is what bindings, and what stands in the catalogue, keep from a place.
func bindingTable() []placeRow {
	guarded := func(name, want, first string, fields ...string) placeRow {
		return placeRow{name: name, want: want, first: first, fields: append(fields, "X-Key: $POST")}
	}
	return []placeRow{
		{name: "bound to one field: there", want: "sent", fields: []string{"Authorization: Bearer $BOUND"}},
		{name: "bound to one field: in another", want: "403", fields: []string{"X-Key: $BOUND"}},
		{name: "bound to one field: in a query", want: "403", first: "GET /v1/x?k=$BOUND"},
		{name: "bound to one field: as Basic", want: "403", fields: []string{"Authorization: Basic " + encoded("u:AS_SECRET_BOUND_KEY")}},
		{name: "bound to one field: a cookie", want: "403", fields: []string{"Cookie: a=$BOUND"}},
		{name: "bound to one field: in JSON", want: "403", first: "POST /v1/x", fields: []string{asJSON}, body: `{"k":"$BOUND"}`},
		{name: "bound to another host", want: "403", host: two, fields: []string{"Authorization: Bearer $BOUND"}},
		{name: "bound elsewhere, beside one that may", want: "403", first: "GET /v1/x?k=$BOUND", fields: []string{"X-Key: $KEY"}},
		guarded("bound to POST /v1/*: so", "sent", "POST /v1/x"),
		guarded("bound to POST /v1/*: GET", "403", "GET /v1/x"),
		guarded("bound to POST /v1/*: /v2", "403", "POST /v2/x"),
		guarded("bound to POST /v1/*: /V1", "403", "POST /V1/x"),
		guarded("bound to POST /v1/*: climbing", "403", "POST /v1/../v2"),
		guarded("bound to POST /v1/*: climbing, percent", "403", "POST /v1/%2e%2e/v2"),
		guarded("bound to POST /v1/*: an escaped slash", "403", "POST /v1/..%2fv2"),
		guarded("bound to POST /v1/*: a backslash", "403|400", `POST /v1/..\v2`),
		guarded("bound to POST /v1/*: two slashes", "403", "POST /v1//../v2"),
		guarded("bound to POST /v1/*: a parameter of a segment", "403|sent", "POST /v1/..;/v2"),
		guarded("bound to POST /v1/*: X-HTTP-Method-Override", "403", "POST /v1/x", "X-HTTP-Method-Override: DELETE"),
		guarded("bound to POST /v1/*: X_HTTP_Method_Override", "403", "POST /v1/x", "X_HTTP_Method_Override: DELETE"),
		guarded("bound to POST /v1/*: X-HTTP-Method", "403", "POST /v1/x", "X-HTTP-Method: PUT"),
		guarded("bound to POST /v1/*: X-Method-Override", "403", "POST /v1/x", "X-Method-Override: GET"),
		guarded("bound to POST /v1/*: X-Original-URL", "403", "POST /v1/x", "X-Original-URL: /v2"),
		guarded("bound to POST /v1/*: X-Rewrite-URL, twice", "403", "POST /v1/x", "X-Rewrite-URL: /v1/y", "X-Rewrite-URL: /v2"),
		{name: "body:any, in text", want: "sent", host: two, first: "POST /v1/x", fields: []string{asText}, body: "k: $ANY;"},
		{name: "body:any, in a field", want: "403", host: two, fields: []string{"X-Key: $ANY"}},
		{name: "body:any, at another host", want: "text", first: "POST /v1/x", fields: []string{asText}, body: "k: $ANY;"},
		{name: "body:any, a secret without it", want: "text", host: two, first: "POST /v1/x", fields: []string{asText}, body: "k: $KEY;"},
		{name: "body:any, in a gRPC message", want: "text", host: two, first: "POST /v1/x", fields: []string{"Content-Type: application/grpc"}, body: "\x00\x00\x00\x00\x11$ANY"},
		{name: "body:any, compressed", want: "text", host: two, first: "POST /v1/x", fields: []string{asText, "Content-Encoding: gzip"}, body: gzipped("$ANY")},
		{name: "a model provider: a field", want: "sent", host: gpt, fields: []string{"Authorization: Bearer $KEY"}},
		{name: "a model provider: a whole value", want: "text", host: gpt, first: "POST /v1/x", fields: []string{asJSON}, body: `{"content":"$KEY"}`},
		{name: "a model provider: a form", want: "text", host: gpt, first: "POST /v1/x", fields: []string{asForm}, body: "content=$KEY"},
		{name: "a model provider: chunked", want: "text", host: gpt, first: "POST /v1/x", fields: []string{asJSON, "Transfer-Encoding: chunked"}, chunked: true, body: "19\r\n{\"k\":\"$KEY\"}\r\n0\r\n\r\n"},
		{name: "a model provider: another's secret", want: "403", host: gpt, fields: []string{"Authorization: Bearer $BOUND"}},
	}
}

// evilTable is the same places toward a host that may have nothing: refused
// where a value would stand, text elsewhere.
func evilTable() []placeRow {
	var all []placeRow
	for _, list := range [][]placeRow{headTable(), bodyTable()} {
		for _, row := range list {
			if row.host != "" || strings.Contains(row.want, "422") {
				continue
			}
			row.name, row.host, row.not = "to evil: "+row.name, evil, nil
			row.begun = row.begun || row.chunked && strings.Contains(row.want, "sent") // what streams has begun when it is decided about
			row.want = strings.ReplaceAll(row.want, "sent", "403|reset")
			if strings.Contains(row.want, "424") { // the host is asked about first
				row.want += "|403"
			}
			all = append(all, row)
		}
	}
	return all
}
