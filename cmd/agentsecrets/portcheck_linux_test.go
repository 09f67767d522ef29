package main

import (
	"net"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/daemon"
)

// A daemon whose control socket we reach may run in another network namespace, and the port be somebody else's here.
func TestL12PortOfAnother(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	own := socketAt(port)
	if own == 0 {
		t.Fatal("the kernel does not tell our own listener")
	}
	for name, c := range map[string]struct {
		st   daemon.Status
		says string
	}{
		"the daemon's":             {daemon.Status{Port: port, Listener: own}, ""},
		"of a system that is mute": {daemon.Status{Port: port}, ""},
		"another's":                {daemon.Status{Port: port, Listener: own + 1}, "not by the proxy of this home"},
	} {
		if err := ownPort(c.st); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	l.Close()
	if err := ownPort(daemon.Status{Port: port, Listener: own}); err == nil || !strings.Contains(err.Error(), "nothing listens") {
		t.Errorf("nobody's: %v", err)
	}
}
