package mitm_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/agentsecrets/agentsecrets/allowlist"
	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// What is a placeholder and nothing else in a message of the client gets its value,
// escaped, and what only names one passes. The origin sees frames as clients write
// them. An echo is redacted though no value went out before the messages.
func TestE11WebSocketExpands(t *testing.T) {
	const odd = "v\"al\\ue-é-0123456789"
	for name, c := range map[string]struct {
		bound     string // places of KEY
		say       ws.Frame
		want      string
		places    string
		mentioned bool
	}{
		"JSON":              {"", text(`{"auth":{"token":"AS_SECRET_KEY"},"n":[1,2]}`), `{"auth":{"token":"v\"al\\ue-é-0123456789"},"n":[1,2]}`, "body:auth.token", false},
		"JSON with escapes": {"", text(`{"k":"\u0041S_SECRET_KEY"}`), `{"k":"v\"al\\ue-é-0123456789"}`, "body:k", false},
		"Socket.IO":         {"", text(`42["login",{"token":"AS_SECRET_KEY"}]`), `42["login",{"token":"v\"al\\ue-é-0123456789"}]`, "body:1.token", false},
		"SignalR":           {"", text(`{"t":"AS_SECRET_KEY"}` + "\x1e"), `{"t":"v\"al\\ue-é-0123456789"}` + "\x1e", "body:t", false},
		"all of it":         {"", text("AS_SECRET_KEY"), odd, "body", false},
		"all of it as JSON": {"", text(`"AS_SECRET_KEY"`), `"v\"al\\ue-é-0123456789"`, "body", false},
		"a text":            {"", text("the key is AS_SECRET_KEY"), "the key is AS_SECRET_KEY", "", true},
		"a text in JSON":    {"", text(`{"m":"use AS_SECRET_KEY"}`), `{"m":"use AS_SECRET_KEY"}`, "", true},
		"binary":            {"", bytesOf("AS_SECRET_KEY"), "AS_SECRET_KEY", "", false},
		"bound to a field":  {"body:t", text(`{"t":"AS_SECRET_KEY"}`), `{"t":"v\"al\\ue-é-0123456789"}`, "body:t", false},
		"any, JSON":         {"body:any", text(`{"m":"Bearer AS_SECRET_KEY"}`), `{"m":"Bearer v\"al\\ue-é-0123456789"}`, "text", false},
		"any, text":         {"body:any", text("AUTH AS_SECRET_KEY\n"), "AUTH " + odd + "\n", "text", false},
		"any, binary":       {"body:any", bytesOf("\x00AS_SECRET_KEY\x00"), "\x00" + odd + "\x00", "text", false},
		"no UTF-8":          {"body:any", text("AS_SECRET_KEY \xff"), "AS_SECRET_KEY \xff", "", false},
		"nothing":           {"", text(""), "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			o := newTaker(true)
			l := webSocketLab(t, lab.Config{Secrets: map[string]string{"KEY": odd}, Bindings: bound(c.bound)}, o.serve)
			conn := upgraded(t, l, host)
			conn.say(c.say)
			var whole string
			for end := false; !end; {
				f := o.take(t)
				if !f.Masked || f.Mask == [4]byte{1, 2, 3, 4} {
					t.Errorf("the mask %v is none of ours", f.Mask)
				}
				whole += f.text
				end = f.Fin
			}
			if whole != c.want {
				t.Errorf("the origin got %q, want %q", whole, c.want)
			}
			back := conn.next(t)
			if strings.Contains(back, "0123456789") || (c.places != "") != strings.Contains(back, "****") {
				t.Errorf("the client got %q", back)
			}
			conn.say(ws.NewCloseFrame(nil))
			io.ReadAll(conn)
			conn.Close()
			if c.places == "" && !c.mentioned {
				return // it is not recorded
			}
			e := waitEvent(t, l)
			if got := strings.Join(e.Places, " "); got != c.places || (len(e.Mentions) > 0) != c.mentioned || e.StatusCode != 101 {
				t.Errorf("recorded as %+v", e)
			}
		})
	}
}

// A message that asks for what is not allowed goes nowhere, not even in part. Both
// sides are told the end, the client also why, and it is recorded.
func TestWebSocketRefuses(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	full := func(c *mitm.Config) {
		write := c.Record
		c.Record = func(e audit.Event) error {
			if e.Event == audit.Decided {
				return errors.New("no space")
			}
			return write(e)
		}
	}
	for name, c := range map[string]struct {
		cfg  lab.Config
		host string
		code ws.StatusCode
		slug string
		say  []ws.Frame
	}{
		"another host":           {lab.Config{}, evil, 1008, "domain_not_in_allowlist", []ws.Frame{text(`{"k":"AS_SECRET_KEY"}`)}},
		"place":                  {lab.Config{Bindings: bound("header")}, host, 1008, "place_denied", []ws.Frame{text(`{"k":"AS_SECRET_KEY"}`)}},
		"all of it":              {lab.Config{Bindings: bound("header")}, host, 1008, "place_denied", []ws.Frame{text("AS_SECRET_KEY")}},
		"method":                 {lab.Config{Bindings: map[string]allowlist.Binding{"KEY": {Methods: []string{"POST"}}}}, host, 1008, "method_denied", []ws.Frame{text("AS_SECRET_KEY")}},
		"no such secret":         {lab.Config{}, host, 1008, "secret_not_found", []ws.Frame{text(`{"a":"AS_SECRET_KEY","b":"AS_SECRET_NONE"}`)}},
		"value that no text has": {lab.Config{Secrets: map[string]string{"KEY": "0123456789\xff"}}, host, 1008, "value_not_allowed_in_place", []ws.Frame{text("AS_SECRET_KEY")}},
		"in fragments": {lab.Config{Bindings: bound("header")}, host, 1008, "place_denied", []ws.Frame{
			ws.NewFrame(ws.OpText, false, []byte(`{"k":"AS_SEC`)), ws.NewFrame(ws.OpContinuation, true, []byte(`RET_KEY"}`))}},
		"too long":  {lab.Config{}, host, 1009, "body_too_large", []ws.Frame{text(`{"k":"AS_SECRET_KEY","x":"` + long + `"}`)}},
		"too many":  {lab.Config{}, host, 1009, "body_too_large", []ws.Frame{text("[" + strings.Repeat(`"AS_SECRET_KEY",`, 1001) + "1]")}},
		"no record": {lab.Config{Change: full}, host, 1011, "audit_unavailable", []ws.Frame{text("AS_SECRET_KEY")}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newTaker(false)
			decided := decisions(&c.cfg)
			l := webSocketLab(t, c.cfg, o.serve)
			refusedMessage(t, l, o, c.host, c.code, c.slug, c.say...)
			if n := len(decided()); n > 0 && c.slug != "value_not_allowed_in_place" { // that shows in putting it in
				t.Errorf("%d events say that it was decided", n)
			}
		})
	}
}

// A use that comes behind the first MiB of a message ends it where it stands.
func TestWebSocketRefusesLate(t *testing.T) {
	o := newTaker(false)
	l := webSocketLab(t, lab.Config{}, o.serve)
	conn := upgraded(t, l, host)
	conn.say(text(`{"x":"` + strings.Repeat("x", 2<<20) + `","k":"AS_SECRET_KEY","y":"the rest"}`))
	var got strings.Builder
	for f := o.take(t); f.OpCode != ws.OpClose; f = o.take(t) {
		got.WriteString(f.text)
		if f.Fin {
			t.Fatal("the message ended")
		}
	}
	if all := got.String(); len(all) < 1<<20 || strings.Contains(all, "AS_SECRET") || strings.Contains(all, "rest") {
		t.Errorf("the origin got %d bytes, at their end %q", len(all), all[max(0, len(all)-30):])
	}
	if e := waitEvent(t, l); e.Reason != "body_too_large" || e.Status != audit.Blocked {
		t.Errorf("recorded as %+v", e)
	}
}

// Long messages pass, whatever their kind, with what only names a placeholder.
func TestWebSocketLong(t *testing.T) {
	for name, f := range map[string]ws.Frame{
		"text": text(`{"x":"` + strings.Repeat("long AS_SECRET_KEY ", 200_000) + `"}`), "binary": bytesOf(strings.Repeat("AS_SECRET_KEY", 300_000)),
	} {
		o := newTaker(false)
		l := webSocketLab(t, lab.Config{}, o.serve)
		conn := upgraded(t, l, host)
		want := string(f.Payload)
		conn.say(f)
		var got strings.Builder
		for end := false; !end; {
			part := o.take(t)
			got.WriteString(part.text)
			end = part.Fin
		}
		if got.String() != want {
			t.Errorf("%s: the origin got %d bytes of %d", name, got.Len(), len(want))
		}
	}
}

// Each message with a use is recorded before it is sent, with what is in it, and
// asks anew for its values.
func TestWebSocketRecordsEachMessage(t *testing.T) {
	var atOrigin atomic.Int32 // how many were recorded when a message arrived
	o := newTaker(false)
	cfg := lab.Config{}
	decided := decisions(&cfg)
	values := map[string]string{"KEY": "first-0123456789"}
	cfg.Secrets = values
	l := webSocketLab(t, cfg, func(conn net.Conn, r *http.Request) {
		for {
			b, _, err := wsutil.ReadClientData(conn)
			if err != nil {
				return
			}
			atOrigin.Store(int32(len(decided())))
			o.got <- taken{text: string(b)}
		}
	})
	conn := upgraded(t, l, host)
	for i, want := range []string{`{"a":"first-0123456789"}`, `{"b":"second-0123456789"}`, `{"b":"second-0123456789"}`} {
		if i == 1 {
			values["KEY"] = "second-0123456789"
		}
		conn.say(text(`{"` + string("abb"[i]) + `":"AS_SECRET_KEY"}`))
		if got := o.take(t).text; got != want || int(atOrigin.Load()) != i+1 {
			t.Errorf("message %d: %q, %d recorded", i, got, atOrigin.Load())
		}
	}
	conn.Close()
	if e := waitEvent(t, l); fmt.Sprint(e.Places) != "[body:a body:b]" || e.Reason != "-" {
		t.Errorf("recorded as %+v", e)
	}
	var places []string
	for _, e := range decided() {
		places = append(places, e.Places...)
	}
	if fmt.Sprint(places) != "[body:a body:b body:b]" {
		t.Errorf("decided about %v", places)
	}
}

// What a message released is taken out of everything from then on, also of a
// connection that was open before, to a host that gets no values.
func TestE11WebSocketReleases(t *testing.T) {
	say := make(chan struct{})
	l := webSocketLab(t, lab.Config{}, func(conn net.Conn, r *http.Request) {
		if strings.HasPrefix(r.Host, evil) {
			ws.WriteFrame(conn, ws.NewFrame(ws.OpText, false, []byte("before "+value+" ")))
			<-say
			ws.WriteFrame(conn, ws.NewFrame(ws.OpContinuation, false, []byte(value[:9])))
			ws.WriteFrame(conn, ws.NewFrame(ws.OpContinuation, true, []byte(value[9:])))
			return
		}
		wsutil.ReadClientData(conn)
		close(say)
	})
	other := upgraded(t, l, evil)
	if f, err := readFrame(other); err != nil || string(f.Payload) != "before "+value+" " {
		t.Fatalf("%q, %v", f.Payload, err)
	}
	upgraded(t, l, host).say(text("AS_SECRET_KEY"))
	rest, _ := io.ReadAll(other)
	noEcho(t, "the rest", string(rest))
	wantMarker(t, "the rest", string(rest))
}

// A control frame does not wait for the end of a message.
func TestWebSocketControlPasses(t *testing.T) {
	o := newTaker(true)
	l := webSocketLab(t, lab.Config{}, o.serve)
	conn := upgraded(t, l, host)
	conn.say(ws.NewFrame(ws.OpText, false, []byte(`{"k":"AS_`)), ws.NewPingFrame([]byte("AS_SECRET_KEY")))
	if f := o.take(t); f.OpCode != ws.OpPing || f.text != "AS_SECRET_KEY" {
		t.Errorf("the origin got %+v", f)
	}
	conn.say(ws.NewFrame(ws.OpContinuation, true, []byte(`SECRET_KEY"}`)))
	if f := o.take(t); f.OpCode != ws.OpText || !f.Fin || f.text != `{"k":"`+value+`"}` {
		t.Errorf("the origin got %+v", f)
	}
}

// A client's frames that break the protocol reach the origin as such.
func TestWebSocketClientBreaks(t *testing.T) {
	frame := func(op ws.OpCode, fin bool, rsv byte) ws.Frame {
		f := ws.NewFrame(op, fin, []byte("something"))
		f.Header.Rsv = rsv
		return f
	}
	for name, c := range map[string]struct {
		frames []ws.Frame
		bare   bool // without a mask
		want   []string
	}{
		"compressed":          {[]ws.Frame{frame(ws.OpText, true, 4)}, false, []string{"1 true 4 true 0"}},
		"without a mask":      {[]ws.Frame{frame(ws.OpText, true, 0)}, true, []string{"1 true 0 false 0"}},
		"a part of nothing":   {[]ws.Frame{frame(ws.OpContinuation, true, 0)}, false, []string{"0 true 0 true 0"}},
		"another in between":  {[]ws.Frame{frame(ws.OpText, false, 0), frame(ws.OpText, true, 0)}, false, []string{"1 false 0 true 0", "1 true 0 true 0"}},
		"and in a binary one": {[]ws.Frame{frame(ws.OpBinary, false, 0), frame(ws.OpText, true, 0)}, false, []string{"2 false 0 true 9", "1 true 0 true 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := newTaker(false)
			l := webSocketLab(t, lab.Config{}, o.serve)
			conn := upgraded(t, l, host)
			for _, f := range c.frames {
				if c.bare {
					ws.WriteFrame(conn, f)
				} else {
					conn.say(f)
				}
			}
			conn.say(text("and more"), ws.NewCloseFrame([]byte("end")))
			for _, want := range c.want {
				h := o.take(t).Header
				if got := fmt.Sprintf("%d %v %d %v %d", h.OpCode, h.Fin, h.Rsv, h.Masked, h.Length); got != want {
					t.Errorf("the origin got %s, want %s", got, want)
				}
			}
			if f := o.take(t); f.OpCode != ws.OpClose || f.text != "end" {
				t.Errorf("then the origin got %+v", f)
			}
			conn.Close()
		})
	}
}

// The end of a run ends what is open.
func TestWebSocketEndsWithTheRun(t *testing.T) {
	o := newTaker(true)
	l := webSocketLab(t, lab.Config{}, o.serve)
	conn := upgraded(t, l, host)
	conn.say(text("hello"))
	if got := conn.next(t); got != "hello" {
		t.Fatal(got)
	}
	l.Run.Revoke()
	if rest, _ := io.ReadAll(conn); len(rest) > 0 {
		t.Errorf("then %q", rest)
	}
}

// A message's rules have to allow the connection that it is on.
func TestWebSocketKeepsToItsConnection(t *testing.T) {
	o := newTaker(false)
	l := webSocketLab(t, lab.Config{Allow: []string{}, Rules: []allowlist.Rule{
		optional("GET localhost/ws", allowlist.Options{Private: true}, "header"), optional("GET localhost/ws", allowlist.Options{}, "body"),
	}}, o.serve)
	refusedMessage(t, l, o, local, 1008, "private_address", text("AS_SECRET_KEY"))
}

// A client that goes on speaking is listened to until it has been told the end.
func TestWebSocketRefusesWhoSpeaks(t *testing.T) {
	o := newTaker(false)
	l := webSocketLab(t, lab.Config{Bindings: bound("header")}, o.serve)
	conn := upgraded(t, l, host)
	conn.say(text("AS_SECRET_KEY"))
	more := ws.MustCompileFrame(ws.MaskFrame(bytesOf(strings.Repeat("more", 1<<20))))
	for range 4 {
		if _, err := conn.Write(more); err != nil {
			t.Fatal(err)
		}
	}
	if h, err := ws.ReadHeader(conn); err != nil || h.OpCode != ws.OpClose {
		t.Errorf("the client got %+v, %v", h, err)
	}
	conn.Close()
}

// Toward hosts that hand bodies to a model, messages are text.
func TestWebSocketToModels(t *testing.T) {
	o := newTaker(false)
	l := webSocketLab(t, lab.Config{Text: func(mitm.Use) bool { return true }}, o.serve)
	conn := upgraded(t, l, host)
	for _, m := range []string{`{"content":"AS_SECRET_KEY"}`, "AS_SECRET_KEY"} {
		conn.say(text(m))
		if got := o.take(t).text; got != m {
			t.Errorf("the origin got %q", got)
		}
	}
	conn.Close()
}

// However much one message asks for, its event is bounded, and names every secret.
func TestWebSocketEventIsBounded(t *testing.T) {
	o := newTaker(false)
	cfg := lab.Config{Secrets: map[string]string{"KEY": value, "OTHER": "0123456789-other"}}
	decided := decisions(&cfg)
	l := webSocketLab(t, cfg, o.serve)
	conn := upgraded(t, l, host)
	conn.say(text("[" + strings.Repeat(`"AS_SECRET_KEY",`, 900) + `"AS_SECRET_OTHER"]`))
	if got := o.take(t).text; strings.Count(got, value) != 900 || !strings.HasSuffix(got, `,"0123456789-other"]`) {
		t.Errorf("the origin got %d bytes", len(got))
	}
	e := decided()
	if len(e) != 1 || len(e[0].Places) > 300 || fmt.Sprint(e[0].SecretKeys) != "[KEY OTHER]" {
		t.Errorf("recorded as %+v", e)
	}
	conn.Close()
}
