package mitm

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Sign is what a client did when it had our certificate. Libraries that do not
// trust it say so in different words, and some, such as Node and GnuTLS, go without one.
type Sign string

const (
	SentRequest Sign = "request" // it trusts us, or does not look

	UnknownCA          Sign = "unknown_ca"          // OpenSSL: curl, Python, Ruby; rustls, Deno, Erlang
	BadCertificate     Sign = "bad_certificate"     // Go
	CertificateUnknown Sign = "certificate_unknown" // Java
	UnreadableAlert    Sign = "unreadable_alert"    // under keys of another step of the handshake
	OtherAlert         Sign = "other_alert"
	LeftInHandshake    Sign = "left_in_handshake" // Node
	SentNothing        Sign = "sent_nothing"      // GnuTLS, pins that are checked after the handshake; and who connects ahead of need
)

// Shown is a connection in which a client was shown our certificate, or sent a
// request on the strength of an earlier one.
type Shown struct {
	Scope   Scope
	Host    string
	Port    int
	Program string // as Config.Program says
	Sign    Sign
	Alert   string // what an OtherAlert says, in the words of crypto/tls
	// Held is how long a client that sent nothing kept the connection after the
	// handshake. Probe says that it named no protocol to speak, and told TLS the end
	// before TCP: it looked whether there is TLS.
	Held  time.Duration
	Probe bool
}

// took is what a tunnel keeps until it is known how the client took our certificate.
type took struct {
	shown, asked, ours atomic.Bool  // our certificate; a request; who ended it
	open               atomic.Int64 // since when, in nanoseconds: the end of the handshake
	failed             atomic.Value // Shown, with the sign of a handshake that failed
	program            atomic.Value // string
	speaks             atomic.Bool  // the client named a protocol (ALPN)
	last               lastRecord
}

// request notes that one has come.
func (t *tunnel) request() {
	if !t.asked.Swap(true) {
		t.tell(Shown{Sign: SentRequest})
	}
}

// left tells of a client that went between our certificate and a first request.
func (t *tunnel) left() {
	if !t.shown.Load() || t.asked.Load() || t.ours.Load() {
		return
	}
	s := Shown{Sign: SentNothing}
	if open := t.open.Load(); open != 0 {
		s.Held, s.Probe = t.proxy.cfg.now().Sub(time.Unix(0, open)), !t.speaks.Load() && t.last.isAlert()
	} else if s, _ = t.failed.Load().(Shown); s.Sign == "" {
		return // a timeout, or a fault of ours
	}
	t.proxy.cfg.log().Warn("client left at our certificate", "host", t.dest.host, "sign", string(s.Sign), "hint", "agentsecrets proxy logs")
	t.tell(s)
}

func (t *tunnel) tell(s Shown) {
	if t.proxy.cfg.Shown == nil {
		return
	}
	s.Scope, s.Host, s.Port = t.run.now(), t.dest.host, t.dest.port
	s.Program, _ = t.program.Load().(string)
	t.proxy.cfg.Shown(s)
}

// whose asks for the program at the other end while it surely is there: it waits
// for our certificate.
func (t *tunnel) whose() {
	if c := clientOf(t.Conn); c != nil && t.proxy.cfg.Program != nil {
		t.program.Store(t.proxy.cfg.Program(c.Conn))
	}
}

// signOf reads the sign of a client from the error of its handshake, and from what
// it sent last; "" where there is none.
func signOf(err error, last *lastRecord) (sign Sign, alert string) {
	var op *net.OpError
	switch {
	case errors.Is(err, errServerName), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "", ""
	case errors.As(err, new(tls.RecordHeaderError)):
		return "", ""
	case !errors.As(err, &op) || op.Op != "remote error" && op.Op != "local error":
		return LeftInHandshake, "" // an end, or a reset
	}
	alert = strings.TrimPrefix(op.Err.Error(), "tls: ") // of a type that crypto/tls keeps for itself
	if op.Op == "local error" {
		if alert != "bad record MAC" {
			return "", ""
		}
		in, ok := last.alertInClear()
		if !ok {
			return UnreadableAlert, ""
		}
		alert = strings.TrimPrefix(in.Error(), "tls: ")
	}
	switch alert {
	case "unknown certificate authority":
		return UnknownCA, ""
	case "bad certificate":
		return BadCertificate, ""
	case "unknown certificate":
		return CertificateUnknown, ""
	}
	return OtherAlert, alert
}

// lastRecord remembers the end of what was read, in which an alert under TLS can
// be told by its length alone: whoever goes in order sends one (RFC 8446, 6.1).
type lastRecord struct {
	mu  sync.Mutex
	end [longestAlert]byte
	n   int
}

// What an alert of two bytes takes, with the head of its record: in TLS 1.3
// with its type and a tag, in TLS 1.2 with a tag, and with a nonce and a tag.
const (
	alert13      = 5 + 2 + 1 + 16
	alert12      = 5 + 2 + 16
	longestAlert = 5 + 8 + 2 + 16
	alertClear   = 5 + 2
)

func (l *lastRecord) add(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(b) >= longestAlert {
		b = b[len(b)-longestAlert:]
	}
	kept := copy(l.end[:], l.end[l.n-min(l.n, longestAlert-len(b)):l.n])
	l.n = kept + copy(l.end[kept:], b)
}

func (l *lastRecord) isAlert() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	is := func(kind byte, size int) bool {
		r := l.end[max(l.n-size, 0):l.n]
		return len(r) == size && r[0] == kind && r[1] == 3 && r[3] == 0 && int(r[4]) == size-5
	}
	return is(recordData, alert13) || is(recordAlert, alert12) || is(recordAlert, longestAlert)
}

// alertInClear is the alert that is the end of what was read. OpenSSL sends one so in
// TLS 1.3 as well, where crypto/tls takes it for a record with a wrong tag: a client
// writes under keys only when it answers the handshake, and until then may have to say
// that it will not.
func (l *lastRecord) alertInClear() (tls.AlertError, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.end[max(l.n-alertClear, 0):l.n]
	if len(r) != alertClear || r[0] != recordAlert || r[1] != 3 || r[3] != 0 || r[4] != alertClear-5 {
		return 0, false
	}
	return tls.AlertError(r[6]), true
}

// Kinds of records (RFC 8446, 5.1).
const (
	recordAlert = 21
	recordData  = 23
)
