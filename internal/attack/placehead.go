//go:build linux

package main

import "encoding/base64"

func encoded(s string) string { return base64.StdEncoding.EncodeToString([]byte(marks.Replace(s))) }

// headTable is fields, cookies, paths and queries.
func headTable() []placeRow {
	never := func(field string) placeRow {
		return placeRow{name: "in " + field, want: "text", fields: []string{field + ": $KEY"}}
	}
	return []placeRow{
		{name: "a whole field", want: "sent", fields: []string{"X-Key: $KEY"}},
		{name: "part of a field", want: "sent", fields: []string{"Authorization: token=$KEY; v=1"}},
		{name: "two names, one the beginning of the other", want: "sent", fields: []string{"X-Key: $KEY2 $KEY"}},
		{name: "the longer name alone", want: "sent", not: []string{"API_KEY"}, fields: []string{"X-Key: $KEY2"}},
		{name: "a longer name that nobody kept", want: "424", fields: []string{"X-Key: $KEY_3"}},
		{name: "a name and letters", want: "text|424", fields: []string{"X-Key: $KEYabc"}},
		{name: "an unknown name", want: "424", fields: []string{"X-Key: AS_SECRET_NOPE"}},
		{name: "a name in lower case", want: "text", fields: []string{"X-Key: as_secret_api_key"}},
		{name: "a name with a gap", want: "text|424", fields: []string{"X-Key: AS_SECRET_API_ KEY"}},
		{name: "the prefix alone", want: "text|424", fields: []string{"X-Key: AS_SECRET_"}},
		{name: "a value that names another secret", want: "sent", not: []string{"API_KEY"}, fields: []string{"X-Key: $NESTED"}},
		{name: "the same, in a query", want: "sent", not: []string{"API_KEY"}, first: "GET /v1/x?k=$NESTED"},
		{name: "the method", want: "text", first: "$KEY /v1/x"},
		{name: "a field's name", want: "text", fields: []string{"$KEY: x"}},
		{name: "a field's name, with dashes", want: "text", fields: []string{"X-$KEY-Y: x"}},
		{name: "Host", want: strict, fields: []string{"Host: $KEY"}},
		never("Referer"), never("User-Agent"), never("X-Forwarded-For"), never("X-Forwarded-Host"), never("X-Forwarded-Prefix"), never("Forwarded"),
		never("Via"), never("Origin"), never("Accept-Encoding"), never("Proxy-Authorization"), never("Proxy-Connection"), never("Proxy-X"),
		never("Keep-Alive"), never("TE"), never("HTTP2-Settings"),
		{name: "in Content-Length", want: "400", fields: []string{"Content-Length: $KEY"}},
		{name: "in Transfer-Encoding", want: "400|501", fields: []string{"Transfer-Encoding: $KEY"}},
		{name: "in a field that Connection names", want: "text", fields: []string{"Connection: X-Key", "X-Key: $KEY"}},
		{name: "in Authorization, which Connection names", want: "text", fields: []string{"Connection: close, Authorization", "Authorization: Bearer $KEY"}},
		{name: "in Connection", want: "text", fields: []string{"Connection: $KEY"}},
		{name: "a cookie", want: "sent", fields: []string{"Cookie: a=b; s=$KEY"}},
		{name: "a cookie's name", want: "text", fields: []string{"Cookie: a=b; $KEY=c"}},
		{name: "a cookie in quotes that hide a semicolon", want: "sent|403|422", fields: []string{`Cookie: a="b; s=$KEY`}},
		{name: "a path's segment", want: "403", first: "GET /v1/$KEY"},
		{name: "a path's segment, percent", want: "403", first: "GET /v1/%41S%5fSECRET_API_KEY"},
		{name: "part of a path's segment", want: "text", first: "GET /v1/doc-$KEY.md"},
		{name: "a path that a binding asks for", want: "sent", first: "GET /bot$PATH/x"},
		{name: "behind a semicolon in the path", want: "text|403", first: "GET /v1/x;$KEY"},
		{name: "a fragment", want: "text|400|403", first: "GET /v1/x#$KEY"},
		{name: "a query", want: "sent", first: "GET /v1/x?a=b&k=$KEY"},
		{name: "a query's name", want: "text", first: "GET /v1/x?$KEY=a"},
		{name: "a query without names", want: "text", first: "GET /v1/x?$KEY"},
		{name: "a query, percent", want: "sent", first: "GET /v1/x?k=%41S%5FSECRET%5FAPI_KEY"},
		{name: "a query, percent twice", want: "text", first: "GET /v1/x?k=%2541S_SECRET_API_KEY"},
		{name: "Basic, the password", want: "sent", fields: []string{"Authorization: Basic " + encoded("u:$KEY")}},
		{name: "Basic, both", want: "sent", fields: []string{"Authorization: Basic " + encoded("$KEY2:$KEY")}},
		{name: "Basic, twice encoded", want: "text", fields: []string{"Authorization: Basic " + encoded(encoded("u:$KEY"))}},
		{name: "Basic for a proxy", want: "text", fields: []string{"Proxy-Authorization: Basic " + encoded("u:$KEY")}},
		{name: "base64 in a field", want: "sent", fields: []string{"X-Token: " + encoded("key:$KEY:")}},
		{name: "base64 twice in a field", want: "text", fields: []string{"X-Token: " + encoded(encoded("key:$KEY:"))}},
		{name: "hexadecimal in a field", want: "text", fields: []string{"X-Token: 41535f5345435245545f4150495f4b4559"}},
		{name: "a value with line breaks in a field", want: "422", fields: []string{"X-Key: $LINES"}},
		{name: "a value with line breaks in a cookie", want: "422", fields: []string{"Cookie: a=$LINES"}},
		{name: "a value with line breaks in a query", want: "sent", first: "GET /v1/x?k=$LINES"},
		{name: "with a range", want: "sent", fields: []string{"X-Key: $KEY", "Range: bytes=0-4"}},
		{name: "to an upgrade", want: "sent", fields: []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: $KEY"}},
		{name: "in Upgrade itself", want: "text|400", fields: []string{"Connection: Upgrade", "Upgrade: $KEY"}},
	}
}
