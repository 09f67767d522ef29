package mitm_test

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// otherAlert puts other bytes in the place of the alert that a Go client sends.
type otherAlert struct {
	net.Conn
	other []byte
}

func (s otherAlert) Write(b []byte) (int, error) {
	if b[0] == 22 { // the ClientHello
		return s.Conn.Write(b)
	}
	_, err := s.Conn.Write(s.other)
	return len(b), err
}

// OpenSSL says that it does not trust us before it writes under keys, in TLS 1.3 too.
func TestAlertsInClear(t *testing.T) {
	told := make(chan mitm.Shown, 1)
	l := lab.New(t, lab.Config{Change: func(c *mitm.Config) { c.Shown = func(s mitm.Shown) { told <- s } }})
	clear := func(level, alert byte) []byte { return []byte{21, 3, 3, 0, 2, level, alert} }
	for _, c := range []struct {
		what  string
		sent  []byte
		sign  mitm.Sign
		alert string
	}{
		{"unknown_ca", clear(2, 48), mitm.UnknownCA, ""},
		{"bad_certificate", clear(2, 42), mitm.BadCertificate, ""},
		{"certificate_unknown", clear(2, 46), mitm.CertificateUnknown, ""},
		{"certificate_expired", clear(2, 45), mitm.OtherAlert, "expired certificate"},
		{"one that nobody knows", clear(2, 250), mitm.OtherAlert, "alert(250)"},
		{"a handshake before it", append([]byte{20, 3, 3, 0, 1, 1}, clear(2, 48)...), mitm.UnknownCA, ""},
		{"under other keys", append([]byte{23, 3, 3, 0, 19}, make([]byte, 19)...), mitm.UnreadableAlert, ""},
		{"data that reads as one", []byte{23, 3, 3, 0, 2, 2, 48}, mitm.UnreadableAlert, ""},
	} {
		conn := tls.Client(otherAlert{l.Connect(l.Authority("pinned.test")), c.sent}, &tls.Config{ServerName: "pinned.test"})
		if err := conn.Handshake(); err == nil {
			t.Fatal("a client without our root accepted the certificate")
		}
		conn.NetConn().Close()
		select {
		case s := <-told:
			if s.Sign != c.sign || s.Alert != c.alert {
				t.Errorf("%s: told of %s %q, want %s %q", c.what, s.Sign, s.Alert, c.sign, c.alert)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: nothing was told", c.what)
		}
	}
}
