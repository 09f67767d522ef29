package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// asksFor plays what an interpreter says of itself, so that nothing is sent
// whatever the plugin makes of it, and then connects in earnest.
const asksFor = `
import json, socket, sys
import interop_local

def ends(ask, *args):
    try:
        ask(*args)
    except socket.gaierror:
        return "not found"
    except ConnectionRefusedError:
        return "refused"
    except OSError as e:
        return e.strerror
    return ""

udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
json.dump({
    "a name": ends(sys.audit, "socket.getaddrinfo", "example.com", 80, 0, 0, 0),
    "a name in bytes": ends(sys.audit, "socket.gethostbyname", b"example.com"),
    "an address": ends(sys.audit, "socket.connect", udp, ("192.0.2.1", 80)),
    "one of IPv6": ends(sys.audit, "socket.connect", udp, ("2001:db8::1", 80, 0, 0)),
    "a host to connect to": ends(sys.audit, "socket.connect", udp, ("example.com", 80)),
    "a packet": ends(sys.audit, "socket.sendto", udp, ("192.0.2.1", 53)),
    "a packet of parts": ends(sys.audit, "socket.sendmsg", udp, ("192.0.2.1", 53)),
    "whose address": ends(sys.audit, "socket.gethostbyaddr", "192.0.2.1"),
    "whose address and port": ends(sys.audit, "socket.getnameinfo", ("192.0.2.1", 53)),
    "an address that needs no lookup": ends(sys.audit, "socket.getaddrinfo", "192.0.2.1", 80, 0, 0, 0),
    "this machine": ends(sys.audit, "socket.getaddrinfo", "LOCALHOST", 80, 0, 0, 0),
    "no host": ends(sys.audit, "socket.getaddrinfo", None, 80, 0, 0, 0),
    "a path": ends(sys.audit, "socket.connect", udp, "/run/x"),
    "a packet on its way": ends(sys.audit, "socket.sendmsg", udp, None),
    "something else": ends(sys.audit, "open", "192.0.2.1", "r", 0),
    "in earnest": ends(socket.create_connection, ("localhost", int(sys.argv[1])), 60),
}, sys.stdout)
`

// What the tests of requests and httpx send stays on this machine.
func TestPytestStaysHere(t *testing.T) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "-c", asksFor, port)
	cmd.Env, cmd.Stderr = append(os.Environ(), "PYTHONPATH=python", "PYTHONDONTWRITEBYTECODE=1"), os.Stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	const away = "Network is unreachable"
	want := map[string]string{
		"a name": "not found", "a name in bytes": "not found", "an address": away, "one of IPv6": away, "a host to connect to": away,
		"a packet": away, "a packet of parts": away, "whose address": away, "whose address and port": away, "in earnest": "refused",
	}
	var got map[string]string
	if err := json.Unmarshal(text, &got); err != nil || len(got) != 16 {
		t.Fatalf("%v: %s", err, text)
	}
	for about, end := range got {
		if end != want[about] {
			t.Errorf("%s: %q, not %q", about, end, want[about])
		}
	}
}
