package http1

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestConnection(t *testing.T) {
	for text, want := range map[string]string{ // keeps alive, waits for 100, upgrade
		"1.1\r\n":                           `true false ""`,
		"1.1\r\nConnection: close\r\n":      `false false ""`,
		"1.1\r\nConnection: x , ClOsE,\r\n": `false false ""`,
		"1.1\r\nConnection: keep-alive\r\nconnection: close\r\n":                              `false false ""`,
		"1.1\r\nConnection: closed\r\n":                                                       `true false ""`,
		"1.0\r\n":                                                                             `false false ""`,
		"1.0\r\nConnection: Keep-Alive\r\n":                                                   `true false ""`,
		"1.0\r\nConnection: keep-alive, close\r\n":                                            `false false ""`,
		"1.0\r\nProxy-Connection: keep-alive\r\n":                                             `false false ""`,
		"1.1\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n":                                `true true ""`,
		"1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n":                       `true true ""`,
		"1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n":                                `true false ""`,
		"1.1\r\nExpect: 100-continue\r\n":                                                     `true false ""`,
		"1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n":                                `false false ""`,
		"1.0\r\nExpect: a miracle\r\n":                                                        `false false ""`,
		"1.1\r\nExpect: a miracle\r\n":                                                        `417 unknown_expectation`,
		"1.1\r\nExpect: 100-continue, x\r\nContent-Length: 5\r\n":                             `417 unknown_expectation`,
		"1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n":                    `true false "websocket"`,
		"1.1\r\nUpgrade: websocket\r\n":                                                       `true false ""`,
		"1.1\r\nConnection: upgrade\r\n":                                                      `true false ""`,
		"1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n":                                `false false ""`,
		"1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n":                                      `true false ""`,
		"1.1\r\nConnection: upgrade\r\nUpgrade: websocket, H2C\r\n":                           `true false ""`,
		"1.1\r\nConnection: upgrade\r\nUpgrade: HTTP/2.0\r\n":                                 `true false ""`,
		"1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n": `true false ""`,
	} {
		r, err := read("POST / HTTP/" + text + hostLine + "\r\n")
		got := refused(err)
		if err == nil {
			got = fmt.Sprintf("%v %v %q", r.KeepsAlive(), r.ExpectsContinue(), r.Upgrade())
		}
		if got != want {
			t.Errorf("%q: %s (%v), want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n": "websocket",
		"101 X\r\nUpgrade: websocket\r\n":                        "",
		"426 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n": "",
	} {
		r, err := readResponse("HTTP/1.1 "+text+"\r\n", "GET")
		if err != nil || string(r.Upgrade()) != want {
			t.Errorf("%q: %q, %v, want %q", text, r.Upgrade(), err, want)
		}
	}
}

func TestEndToEnd(t *testing.T) {
	in := fieldsOf("Host: a.test", "connection: X-One, x-two,host , Content-Length", "X-One: 1", "Accept: x", "Connection: Authorization", "KEEP-alive: 1",
		"X-TWO: 2", "X-Three: 3", "authorization: b", "TE: trailers", "Trailer: x", "Upgrade: websocket", "HTTP2-Settings: x",
		"Proxy-Authorization: b", "proxy-connection: x", "Proxy-X: y", "Proxy-Anything: y", "Content-Length: 5", "X-One: 1", "Proxyx: y")
	var got []string
	for _, f := range EndToEnd(in) {
		got = append(got, string(f.Name))
	}
	if want := []string{"Host", "Accept", "X-Three", "Trailer", "Content-Length", "Proxyx"}; !slices.Equal(got, want) {
		t.Errorf("%q are left, want %q", got, want)
	}
	if got := EndToEnd(nil); len(got) > 0 {
		t.Errorf("of none, %q are left", got)
	}
}

func TestFramingTowardOldClients(t *testing.T) {
	for _, f := range []Framing{{}, {Announced, 5}, {Sized, 5}, {Kind: ToClose}} {
		if f.For(0) != f || f.For(1) != f {
			t.Errorf("%v becomes %v, %v", f, f.For(0), f.For(1))
		}
	}
	c := Framing{Kind: Chunked}
	if c.For(1) != c || c.For(0) != (Framing{Kind: ToClose}) {
		t.Errorf("chunks become %v, %v", c.For(1), c.For(0))
	}
}

func TestHeader(t *testing.T) {
	in := fieldsOf("x-b: 1", "ACCEPT: y", "X-B: 2", "content-mD5: z", "x-B: ", "_a.b-c!: d")
	got := Header(in)
	want := http.Header{}
	for _, f := range in {
		want.Add(string(f.Name), string(f.Value))
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, f := range in {
		clear(f.Value) // it is a copy
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	got["Accept"] = append(got["Accept"], "more") // values do not run into each other
	if got.Get("X-B") != "1" || got["X-B"][1] != "2" {
		t.Errorf("%q", got)
	}
}

func TestMerge(t *testing.T) {
	like := fieldsOf("x-b: 1", "ACCEPT: y", "X-B: 2", "Authorization: AS_SECRET_KEY", "cookie: c", "x-B: 3")
	h := Header(like)
	h.Set("Authorization", "value")
	h.Del("Cookie")
	h["X-B"] = []string{"1", "two"}
	h.Add("Accept", "z")
	h.Set("Date", "d")
	h.Set("Age", "a")
	got := fmt.Sprintf("%q", Merge(nil, like, h))
	want := `[{"x-b" "1"} {"ACCEPT" "y"} {"X-B" "two"} {"Authorization" "value"} {"Accept" "z"} {"Age" "a"} {"Date" "d"}]`
	if got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
}

func TestMergeInstead(t *testing.T) {
	like := fieldsOf("host: a", "USER-AGENT: u", "X-B: 2", "Host: b")
	h := http.Header{"X-B": {"2"}, "User-Agent": {""}, "X-C": {"3"}, "Host": {"c"}}
	host, none := Field{[]byte("Host"), []byte("h")}, Field{Name: []byte("User-Agent")}
	if got := fmt.Sprintf("%q", Merge(nil, like, h, host, none)); got != `[{"host" "h"} {"X-B" "2"} {"X-C" "3"}]` {
		t.Error(got)
	}
	if got := fmt.Sprintf("%q", Merge(nil, nil, h, host, none)); got != `[{"Host" "h"} {"X-B" "2"} {"X-C" "3"}]` {
		t.Error(got)
	}
}

// What was not changed comes back as it was, byte for byte.
func TestMergeUnchanged(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "A", "b-c", "B-C", "b-C", "d_e", "Host", "hosT"}
	for range 2000 {
		var like []Field
		for range r.IntN(12) {
			like = append(like, Field{[]byte(names[r.IntN(len(names))]), []byte(strings.Repeat("v", r.IntN(3)))})
		}
		if got := Merge(nil, like, Header(like)); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", like) {
			t.Fatalf("%q, want %q", got, like)
		}
	}
}
