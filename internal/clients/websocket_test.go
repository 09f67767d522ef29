package clients_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// socket answers each message with what it was, and keeps it.
func (o *origin) socket(w http.ResponseWriter, r *http.Request) {
	conn, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		o.t.Errorf("origin: upgrade: %v", err)
		return
	}
	defer conn.Close()
	for {
		b, op, err := wsutil.ReadClientData(conn)
		if err != nil {
			return
		}
		o.keep(r, b)
		if wsutil.WriteServerMessage(conn, op, append([]byte("you sent "+r.Header.Get("Authorization")+" and "), b...)) != nil {
			return
		}
	}
}

// messages are what arrived over WebSocket.
func (o *origin) messages() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []string
	for _, r := range o.seen["/socket"] {
		all = append(all, string(r.body))
	}
	return all
}

// sockets are the programs that say the same messages, some of them twice.
var sockets = []struct{ client, script string }{
	{"websockets", "websockets_calls.py"},
	{"aiohttp", "aiohttp_socket.py"},
}

// Messages of libraries in use get values where they are one and nothing else, the
// answers hold none, and who asks for what is not there is told so in a close frame.
func TestWebSocketClients(t *testing.T) {
	for _, c := range sockets {
		t.Run(c.client, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, `q"7\&+/=%`)
			r := w.run(w.intercepted(python(t), script(t, c.script), w.origin.url(apiHost), placeholder, "AS_SECRET_NO_SUCH_KEY"), "")
			w.arrived(placeholder)
			if n := strings.Count(r.stdout, marker); n < 4 {
				t.Errorf("the client saw the marker %d times:\n%s", n, r.stdout)
			}
			if !strings.Contains(r.stdout, "closed: 1008") {
				t.Errorf("the client was not told the end:\n%s", r.stdout)
			}
			w.clean(r)
			w.audited("header:authorization", "body:auth.key", "body")
		})
	}
}

// The control: the same programs without us, with the value itself.
func TestWebSocketClientsWithoutUs(t *testing.T) {
	for _, c := range sockets {
		t.Run(c.client, func(t *testing.T) {
			t.Parallel()
			w := newOutside(t, "")
			r := w.run(w.direct(python(t), script(t, c.script), w.origin.url("localhost"), w.value), "")
			w.arrived(w.value)
			if !strings.Contains(r.stdout, w.value) {
				t.Errorf("the client did not see the value:\n%s", r.stdout)
			}
		})
	}
}

// arrived holds that the origin got the messages of a program which says token.
func (w *world) arrived(token string) {
	w.t.Helper()
	got := w.origin.messages()
	want := []string{`{"auth": {"key": "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w.value) + `"}}`, w.value, "the key is " + token, strings.Repeat("long ", 60_000)}
	if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		for i, text := range got {
			w.t.Errorf("message %d: the origin got %.200q", i, text)
		}
	}
}
