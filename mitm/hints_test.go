package mitm

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/redact"
)

// Early hints are passed on from a goroutine of the transport.
func TestV7PanicInAHint(t *testing.T) {
	var log bytes.Buffer
	p := &Proxy{cfg: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	e := &earlyHints{http1: true, x: &exchange{proxy: p}} // there is nobody to pass them to
	if err := e.forward(103, textproto.MIMEHeader{"Link": {"</a>"}}); !errors.Is(err, errPanicked) {
		t.Errorf("%v", err)
	}
	e.stop() // it can still be locked
	if !strings.Contains(log.String(), "(hints.go:") {
		t.Errorf("the log does not say where: %s", &log)
	}
}

// codes keeps the statuses that are written.
type codes struct {
	http.ResponseWriter
	all []int
}

func (c *codes) Header() http.Header  { return http.Header{} }
func (c *codes) WriteHeader(code int) { c.all = append(c.all, code) }

// net/http's server does not ask a client of HTTP/2 for its body any more once
// another 1xx was sent: it would wait for ever.
func TestAskedBeforeAHint(t *testing.T) {
	w := &codes{}
	p := &Proxy{}
	e := &earlyHints{http1: true, asks: true, w: w, x: &exchange{proxy: p, run: &Run{sent: newSent()}, released: redact.NewSet(), echoes: redact.Counts{}}}
	for _, code := range []int{103, 100, 103} {
		if err := e.forward(code, textproto.MIMEHeader{"Link": {"</a>"}}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(w.all, []int{100, 103, 103}) {
		t.Errorf("wrote %v", w.all)
	}
}

// A host of both families is dialled on two goroutines of net, each of which asks.
func TestV7PanicInAGuard(t *testing.T) {
	p := &Proxy{cfg: Config{GuardAlways: func(netip.Addr) error { panic("guard") }}}
	p.origins.init(&p.cfg)
	d := &dialer{origins: &p.origins}
	if err := d.checkAddr("127.0.0.1:443", false); !errors.Is(err, errPanicked) {
		t.Errorf("%v", err)
	}
}
