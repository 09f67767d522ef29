package mitm

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"net/textproto"
	"strings"
	"testing"
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

// A host of both families is dialled on two goroutines of net, each of which asks.
func TestV7PanicInAGuard(t *testing.T) {
	p := &Proxy{cfg: Config{GuardAlways: func(netip.Addr) error { panic("guard") }}}
	p.origins.init(&p.cfg)
	d := &dialer{origins: &p.origins}
	if err := d.checkAddr("127.0.0.1:443", false); !errors.Is(err, errPanicked) {
		t.Errorf("%v", err)
	}
}
