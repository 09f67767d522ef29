package mitm_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/lab"
	"github.com/agentsecrets/agentsecrets/mitm"
)

// Why there is no connection is told with what there is to look at.
func TestUnreachableSaysWhatToLookAt(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	errno := func(code syscall.Errno) error { return dial(os.NewSyscallError("connect", code)) }
	for _, tc := range []struct {
		err    error
		status int
		slug   string
		says   string
	}{
		{dial(&net.DNSError{Err: "no such host", IsNotFound: true}), 502, "origin_unreachable", "leads to no address: look at its spelling"},
		{dial(&net.DNSError{Err: "i/o timeout", IsTimeout: true}), 502, "origin_unreachable", "the name server did not say"},
		{errno(syscall.ECONNREFUSED), 502, "origin_unreachable", "nothing listens at its port"},
		{errno(10061), 502, "origin_unreachable", "nothing listens at its port"}, // as Windows has it
		{errno(syscall.EHOSTUNREACH), 502, "origin_unreachable", "no route"},
		{errno(10051), 502, "origin_unreachable", "no route"},
		{dial(context.DeadlineExceeded), 504, "origin_timeout", "no connection to the host came about in time"},
		{dial(errors.New("another")), 502, "origin_unreachable", "no connection to the host could be made"},
	} {
		p := mitm.OriginProblem(tc.err, "https", "api.acme.test")
		if p.Status != tc.status || p.Slug != tc.slug || !strings.Contains(p.Message, tc.says) || p.Domain != "api.acme.test" {
			t.Errorf("%v: %+v", tc.err, p)
		}
		if p.Hint != "agentsecrets allowlist test https://api.acme.test" {
			t.Errorf("%v: the hint is %q", tc.err, p.Hint)
		}
	}
	if p := mitm.OriginProblem(context.DeadlineExceeded, "https", "api.acme.test"); p.Slug != "origin_timeout" || p.Hint != "" {
		t.Errorf("an origin that was connected and says nothing: %+v", p)
	}
}

// The same of names and ports as there are.
func TestUnreachableIsToldToTheClient(t *testing.T) {
	l := lab.New(t, lab.Config{})
	told := func(to, says string) {
		t.Helper()
		resp, body := do(t, l, "GET", to, "", nil)
		if p := wantProblem(t, resp, body, 502, "origin_unreachable"); !strings.Contains(p.Message, says) {
			t.Errorf("%s: %q", to, p.Message)
		}
	}
	told("https://"+host+":1/", "nothing listens at its port")
	answering(t, func(string) []netip.Addr { return nil })
	told("https://unknown.acme.invalid/", "leads to no address")
	net.DefaultResolver.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ENETUNREACH }
	told("https://unknown.acme.invalid/", "the name server did not say")
}

func TestParentRefusalsSayWhatToDo(t *testing.T) {
	for _, tc := range []struct {
		parent     http.Handler
		says, hint string
	}{
		{&lab.Parent{User: "me", Password: "another"}, "status 407: it wants another user and password", "export HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"},
		{http.NotFoundHandler(), "status 404: whoever runs it", "agentsecrets doctor"},
	} {
		l := behind(t, tc.parent, nil, nil)
		resp, body := do(t, l, "GET", l.URL(host, "/"), "", nil)
		if p := wantProblem(t, resp, body, 502, "parent_refused"); !strings.Contains(p.Message, tc.says) || p.Hint != tc.hint {
			t.Errorf("%q, and the hint is %q", p.Message, p.Hint)
		}
	}
}
