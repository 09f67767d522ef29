//go:build linux

package main

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
)

// What a hostile origin, which rightly has the value, tries so that the client
// gets it too. Each trick is a path.

// outcomes are the tricks that do not simply end with the origin's answer.
func outcomes() map[string]string {
	return map[string]string{
		"/partial": "502", "/coding": "502", "/cut": "reset", "/bomb": "502|reset", "/endless": "502", "/redirect": "302",
		"/otherprotocol": "502", "/nohttp": "502", "/websocket": "101", "/twolengths": "502|reset|sent", "/folded": "502|sent", "/control": "502",
		"/reason": "sent", "/headername": "sent|502",
		"/notmodified": "304", "/awschunked": "502", "/manycodings": "502", "/transfer": "502", "/delta": "502",
		"/websocket/fields": "101|502", "/websocket/reason": "101", "/websocket/ping": "101", "/websocket/pieces": "101", "/websocket/packed": "502", "/websocket/broken": "101",
	}
}

func originProbes(*world) []probe {
	var all []probe
	for _, path := range slices.Sorted(maps.Keys(tricks())) {
		all = append(all, trickProbe(path))
	}
	return append(all, laterProbe("a value that was kept, in another exchange", "/verbatim", "you sent", ""),
		laterProbe("an answer that nobody asked for", "/poison", "", "POISON"))
}

func trickProbe(path string) probe {
	head := []string{"GET " + path + " HTTP/1.1", "Host: " + odd, authField}
	switch {
	case path == "/head":
		head[0] = "HEAD" + head[0][len("GET"):]
	case strings.HasPrefix(path, "/websocket"):
		head = append(head, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
	case path == "/otherprotocol":
		head = append(head, "Connection: Upgrade", "Upgrade: chat")
	}
	return probe{
		name: "the origin's " + path, tried: "the value comes back", want: or(outcomes()[path], "sent"), may: odd, has: true,
		do: func(ctx context.Context, w *world) (answer, error) {
			a, err := w.proxy.send(ctx, wire{connect: odd + ":443", bytes: lines(append(head, "")...)})
			for _, hidden := range []string{"Alt-Svc", "POISON"} {
				if bytes.Contains(a.text, []byte(hidden)) {
					a.outcome, a.said = "broke", "the client got "+hidden
				}
			}
			return a, err
		},
	}
}

// laterProbe makes a second exchange that has no placeholder, and looks for what
// has to be in its answer, or must not be.
func laterProbe(name, path, has, hasNot string) probe {
	return probe{
		name: name, tried: path + ", then a request without a placeholder", want: "sent", may: odd, has: true,
		do: func(ctx context.Context, w *world) (answer, error) {
			first := lines("GET "+path+" HTTP/1.1", "Host: "+odd, authField, "")
			second := lines("GET /verbatim HTTP/1.1", "Host: "+odd, "Connection: close", "")
			a, err := w.proxy.send(ctx, wire{connect: odd + ":443", bytes: first + second, answers: 2})
			switch text := string(a.text); {
			case hasNot != "" && strings.Contains(text, hasNot):
				a.outcome, a.said = "broke", "the answer holds "+hasNot
			case strings.Count(text, has) < 2:
				a.outcome, a.said = "broke", "the second answer is not the origin's"
			case strings.HasPrefix(a.outcome, "2"):
				a.outcome = "2xx"
			}
			return a, err
		},
	}
}
