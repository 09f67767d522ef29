package mitm

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"runtime"
	"strings"
)

// A panic ends what it happened in and no more: an exchange, a connection, one
// direction of a relay. It is counted, and the log says where it happened. What
// the panic says is neither logged nor sent: it may be made of what was being
// read, and so of a value.

var errPanicked = errors.New("a fault of our own")

func internalError() *Problem {
	return &Problem{Status: http.StatusBadGateway, Slug: "internal_error", Message: "the proxy met a fault of its own, which its log tells of"}
}

// panicked notes a panic. It is called while that is under way, so that the
// stack still shows where.
func (c *Config) panicked(in string, v any) {
	c.observer().Panicked(in)
	c.log().Error("panic", "in", in, "type", fmt.Sprintf("%T", v), "stack", stack())
}

// maxFrames of a stack are logged, from where the panic happened on.
const maxFrames = 24

// stack is where the panic under way happened: functions and lines, without
// arguments, as runtime/debug would show them.
func stack() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs)])
	var lines []string
	for more := true; more && len(lines) < maxFrames; {
		var f runtime.Frame
		f, more = frames.Next()
		if f.Function == "runtime.gopanic" {
			lines = nil // so far it was about noting it
			continue
		}
		lines = append(lines, fmt.Sprintf("%s (%s:%d)", path.Base(f.Function), path.Base(f.File), f.Line))
	}
	return strings.Join(lines, " < ")
}

// rescue is deferred. It makes an error of a panic.
func (c *Config) rescue(in string, err *error) {
	if v := recover(); v != nil {
		c.panicked(in, v)
		*err = errPanicked
	}
}

// safely is f, whose panics are errors. What runs on a goroutine of its own, or
// on one of net/http's, would end the whole program.
func (c *Config) safely(in string, f func() error) func() error {
	return func() (err error) {
		defer c.rescue(in, &err)
		return f()
	}
}

// recovered is deferred by what serves an exchange. The client is told, unless a
// response has begun: that is aborted, since it must not take a part for the whole.
func (x *exchange) recovered(w http.ResponseWriter) {
	v := recover()
	switch {
	case v == nil:
	case v == http.ErrAbortHandler:
		panic(v)
	case x.answered:
		x.proxy.cfg.panicked("exchange", v)
		x.broken = internalError().Slug
		panic(http.ErrAbortHandler)
	default:
		x.proxy.cfg.panicked("exchange", v)
		x.refuse(w, internalError())
	}
}

// recovered is deferred by handlers, for what is no exchange yet. A connection
// that a handler took away is closed by that.
func (p *Proxy) recovered(w http.ResponseWriter) {
	v := recover()
	switch {
	case v == nil:
	case v == http.ErrAbortHandler:
		panic(v)
	default:
		p.cfg.panicked("connection", v)
		w.Header().Set("Connection", "close")
		p.refused(internalError()).write(w, "")
	}
}
