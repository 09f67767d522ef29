package mitm_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// spelled are ways in which text may show a guess. Each keeps the class of its bytes: two guesses that differ in a letter
// differ in letters.
var spelled = map[string]func(string) string{
	"as it is": func(s string) string { return s },
	"upper":    strings.ToUpper,
	"base64":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s))[:len(s)*8/6] },
	"base64+1": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("x" + s))[:len(s)*8/6] },
	"hex":      func(s string) string { return hex.EncodeToString([]byte(s)) },
	"percent":  func(s string) string { return byByte(s, "%%%02X") },
	"query":    url.QueryEscape,
	"json":     func(s string) string { return byRune(s, `\u%04x`) },
	"html":     func(s string) string { return byRune(s, "&#%d;") },
	"named":    html.EscapeString,
	"utf-16":   func(s string) string { return byRune(s, "%c\x00") },
}

func byByte(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

func byRune(s, format string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, format, r)
	}
	return b.String()
}

// contexts are texts around a guess. A pause follows after.
var contexts = map[string]guessing{
	"compact JSON":     {before: `{"user":"anna","key":"`, rest: `"}`},
	"behind a space":   {before: "the key is ", rest: " it is"},
	"at a line's end":  {before: "key=", after: "\n", rest: "more\n"},
	"behind a line":    {before: "first\n", rest: "\n"},
	"event stream":     {query: "type=text/event-stream", before: "event: key\ndata: ", rest: "\n\n"},
	"a whole event":    {query: "type=text/event-stream", before: "data: ", after: "\n\n", rest: "data: next\n\n"},
	"NDJSON":           {before: `{"n":1}` + "\n" + `{"key":"`, after: `"}` + "\n", rest: "{}\n"},
	"gzip":             {query: "gzip", before: "the key is ", rest: " it is"},
	"gzip, a line":     {query: "gzip", before: "the key is ", after: "\n", rest: "more"},
	"in two pieces":    {before: "the key is ", rest: " it is", split: true},
	"in a long run":    {before: "a line\n" + strings.Repeat("x", 3800), rest: "\n"},
	"alone":            {rest: "\n"},
	"announced":        {query: "length", before: "the key is ", after: "\n", rest: "more"},
	"a gRPC message":   {query: "type=application/grpc", before: "\x0a\x10", rest: "\x12\x00"},
	"WebSocket":        {query: "ws", before: "the key is ", rest: " it is"},
	"a long WebSocket": {query: "ws", before: strings.Repeat("a line\n", 160_000), rest: "\n"},
}

// wrongs are guesses like right, of the same classes of bytes, that no value begins with.
func wrongs(right string) []string {
	var all []string
	for _, i := range []int{0, len(right) / 2, len(right) - 1} {
		for _, other := range []string{"qx", "QX", "59", "-=", " ", "\t", "\xc3", "\xa4"} {
			if k := strings.IndexByte(other, right[i]); k >= 0 || sameClass(right[i], other[0]) {
				c := other[0]
				if c == right[i] && len(other) > 1 {
					c = other[1]
				}
				if c != right[i] {
					all = append(all, right[:i]+string(rune(c))+right[i+1:])
				}
				break
			}
		}
	}
	return all
}

func sameClass(a, b byte) bool { return classOf(a) == classOf(b) }

func classOf(c byte) int {
	switch {
	case c >= 'a' && c <= 'z':
		return 1
	case c >= 'A' && c <= 'Z':
		return 2
	case c >= '0' && c <= '9':
		return 3
	case strings.IndexByte("/+=-_", c) >= 0:
		return 4
	}
	return int(c) << 8
}

// What comes before a pause is as many bytes for a right guess as for a wrong one, whatever is around it and however it is
// spelled; and of what is no whole value they are the bytes that the origin said.
func TestE5WhatComesBeforeAPause(t *testing.T) {
	ways := map[string]func(*lab.Config){
		"HTTP/2": nil,
		"HTTP/1": func(c *lab.Config) { c.ClientH1, c.OriginH1 = true, true },
	}
	probes := 0
	for way, change := range ways {
		t.Run(way, func(t *testing.T) {
			s := newStalled(t, change, value)
			for name, in := range contexts {
				if strings.Contains(in.query, "ws") && way != "HTTP/1" || strings.Contains(in.query, "grpc") && way == "HTTP/1" {
					continue
				}
				for _, spelling := range spellingsOf(name) {
					for _, n := range []int{1, 2, 7, len(value) / 2, len(value) - 1, len(value)} {
						s.alike(in, name+", "+spelling, spelled[spelling], value[:n], n == len(value))
					}
				}
			}
			probes += s.sent
		})
	}
	t.Logf("%d probes", probes)
	if probes < 1000 {
		t.Errorf("%d probes are too few", probes)
	}
}

// spellingsOf are all, for the plainest context; a few for others.
func spellingsOf(name string) []string {
	switch name {
	case "compact JSON":
		var all []string
		for s := range spelled {
			all = append(all, s)
		}
		return all
	case "a long WebSocket":
		return []string{"as it is"}
	}
	return []string{"as it is", "base64", "json"}
}

// alike holds that right comes back no differently than wrong guesses, before the pause.
func (s *stalled) alike(in guessing, what string, spell func(string) string, right string, whole bool) {
	s.t.Helper()
	for i, guess := range append([]string{right}, wrongs(right)...) {
		in.guess = spell(guess)
		want := s.free(in)
		got := s.measure(in, want)
		if i > 0 || !whole {
			s.unchanged(what, in, got)
		}
		if len(got.early) != want {
			s.t.Fatalf("%s: of %q came %d bytes before the pause, and %d do of any other text like it", what, guess, len(got.early), want)
		}
	}
}

// free is how many bytes a text lets go before its pause, by what is no letter of it: those up to the last line, space
// or other control byte. No guess has a say.
func (s *stalled) free(in guessing) int {
	text := in.text()[:in.pause()]
	whole := in.query == "length" && len(in.text()) <= 1<<20 || strings.Contains(in.query, "grpc") || in.query == "ws" && len(text) <= 1<<20
	if whole {
		return 0
	}
	n := len(text)
	for n > 0 && (!s.ends(text[n-1]) || text[n-1] == 0 && n > 1 && !s.ends(text[n-2])) {
		n--
	}
	return n
}

// ends reports whether c ends what is held: a space or a tab does not if some value has one.
func (s *stalled) ends(c byte) bool {
	return c == 0x7f || c <= ' ' && !((c == ' ' || c == '\t') && strings.IndexByte(s.values, c) >= 0)
}

func (s *stalled) unchanged(what string, in guessing, got outcome) {
	s.t.Helper()
	if got.all != in.text() || !strings.HasPrefix(got.all, got.early) {
		s.t.Errorf("%s: of %q came %.100q and then %.100q", what, in.guess, got.early, got.all)
	}
}

// What values hold changes what ends a run by one bit for all texts: a space or a tab in some value. Guesses show no more.
func TestE5ValuesWithSpaces(t *testing.T) {
	for _, c := range []struct {
		value string
		held  string // of "one two\tthree four"
	}{
		{"pass-phrase-Zq3vN8xTr7", "four"},
		{"pass phrase Zq3 vN8 xTr7", "three four"}, // a tab ends it
		{"pass\tphrase\tZq3\tvN8\txTr7", "four"},
		{"pass \tphrase Zq3\tvN8", "one two\tthree four"},
		{"pässwörd-Zq3vN8xTr7-ü", "four"},
	} {
		s := newStalled(t, nil, c.value)
		text := "first\none two\tthree four"
		want := len(text) - len(c.held)
		if got := s.measure(guessing{before: text, rest: "\n"}, want); len(got.early) != want {
			t.Errorf("%q: of %q %q came, and %q is to be held", c.value, text, got.early, c.held)
		}
		for n := 1; n <= len(c.value); n++ {
			for _, name := range []string{"compact JSON", "behind a space"} {
				s.alike(contexts[name], name, spelled["as it is"], c.value[:n], n == len(c.value))
			}
		}
	}
}

// How long it takes until a response is over tells nothing either. The bound is generous: what a busy machine adds.
func TestE5Time(t *testing.T) {
	s := newStalled(t, nil, value)
	times := map[bool][]time.Duration{}
	for i := range 600 {
		right := i%2 == 0
		guess := value[:len(value)-1]
		if !right {
			guess = guess[:len(guess)-1] + "X"
		}
		p := guessing{before: `{"key":"`, guess: guess, rest: `"}`}
		began := time.Now()
		_, body := send(t, s.lab.Client, asking(s.lab.URL(host, fmt.Sprintf("/?quick&cut=%d", p.pause())), p.text(), nil))
		times[right] = append(times[right], time.Since(began))
		if body != p.text() {
			t.Fatalf("%q came back as %q", p.text(), body)
		}
	}
	a, b := median(times[true]), median(times[false])
	t.Logf("a right guess takes %v, a wrong one %v", a, b)
	if diff := (a - b).Abs(); diff > 2*time.Millisecond && diff > min(a, b)/2 {
		t.Errorf("a right guess takes %v, a wrong one %v", a, b)
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// Parts of a value, in many spellings, come back through the whole proxy as they are, and no less in fields.
func TestE6PartsThroughTheProxy(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	names := slices.Sorted(maps.Keys(spelled))
	for _, change := range []func(*lab.Config){nil, func(c *lab.Config) { c.ClientH1, c.OriginH1 = true, true }} {
		s := newStalled(t, change, value)
		for range 500 {
			from := r.IntN(len(value) - 1)
			part := value[from : from+1+r.IntN(min(len(value)-from, len(value)-1))]
			text := spelled[names[r.IntN(len(names))]](part)
			how := []string{"type=text/plain", "length", "gzip", "type=text/event-stream"}[r.IntN(4)]
			req := asking(s.lab.URL(host, "/?quick&"+how+fmt.Sprintf("&cut=%d", r.IntN(len(text)+1))), text, http.Header{"X-Say": {base64.StdEncoding.EncodeToString([]byte(part))}})
			resp, body := send(t, s.lab.Client, req)
			if body != text || resp.Header.Get("Agentsecrets-Redacted") != "" || resp.Header.Get("X-Said") != strings.ToValidUTF8(part, "") {
				t.Fatalf("%s: %q came back as %q, and %q as %q", how, text, body, part, resp.Header.Get("X-Said"))
			}
		}
	}
}
