package peer

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestOutwards(t *testing.T) {
	client, server := pair(t)
	other, _ := pair(t)
	_, remote := ends(client)
	_, otherRemote := ends(other)
	for _, ports := range [][]uint16{{remote.Port()}, {1, remote.Port()}, {remote.Port(), 1}, {1, remote.Port(), 2}} {
		all, err := Outwards(ports)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != 1 || all[0].Remote != remote {
			t.Errorf("%v: %v, want %s alone", ports, all, remote)
		}
	}
	all, err := Outwards([]uint16{remote.Port(), otherRemote.Port()})
	if err != nil || len(all) != 2 {
		t.Errorf("of two ports: %v, %v", all, err)
	}
	server.Close()
	if all, err := Outwards([]uint16{remote.Port()}); err != nil || len(all) != 1 {
		t.Errorf("the other end is closed, ours is not: %v, %v", all, err)
	}
	client.Close()
	if all, err := Outwards([]uint16{remote.Port()}); err != nil || len(all) != 0 {
		t.Errorf("closed: %v, %v", all, err)
	}
}

func TestProgramOf(t *testing.T) {
	client, server := pair(t)
	if got := ProgramOf(server); got != "" {
		t.Errorf("ourselves are told as %q", got)
	}
	f := file(t, client)
	pid, stop := startIn(t, "/", nil, f, "hold")
	f.Close()
	client.Close()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if got := ProgramOf(server); got != filepath.Base(exe) {
		t.Errorf("process %d is told as %q", pid, got)
	}
	if other, _ := net.Pipe(); ProgramOf(other) != "" {
		t.Error("a program at no socket")
	}
	stop()
	if got := ProgramOf(server); got != "" {
		t.Errorf("one that has ended is told as %q", got)
	}
}

func TestOutwardsIPv6(t *testing.T) {
	l := listen(t, "[::1]:0")
	to := l.Addr().String()
	c, err := net.Dial("tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	all, err := Outwards([]uint16{netip.MustParseAddrPort(to).Port()})
	if err != nil || !slices.ContainsFunc(all, func(o Outward) bool { return o.Remote.String() == to }) {
		t.Errorf("%v, %v", all, err)
	}
}

func BenchmarkOutwards(b *testing.B) {
	for b.Loop() {
		if _, err := Outwards([]uint16{443, 80}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestOpens(t *testing.T) {
	before, err := Opens()
	if err != nil {
		t.Fatal(err)
	}
	pair(t)
	if after, err := Opens(); err != nil || after.All <= before.All {
		t.Errorf("%v after a connection, %v before, %v", after, before, err)
	}
	const names = "Tcp: A ActiveOpens PassiveOpens AttemptFails\n"
	for _, bad := range []string{"", names, names + "Tcp: 1 2 3\n", names + "Tcp: 1 2 3 x\n", "Tcp: A B\nTcp: 1 2\n", "Tcp: ActiveOpens PassiveOpens\nTcp: 1 2\n"} {
		if n, err := parseOpens([]byte(bad)); err == nil {
			t.Errorf("%q: %v", bad, n)
		}
	}
	if n, err := parseOpens([]byte("Ip: A\nIp: 9\n" + names + "Tcp: -1 9 4 2\nUdp: A\n")); n != (Opened{All: 9, Away: 3}) || err != nil {
		t.Errorf("%v, %v", n, err)
	}
}

func TestProgram(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if got := Program(os.Getpid()); got != filepath.Base(exe) {
		t.Errorf("%q", got)
	}
	if got := Program(1 << 30); got != "" {
		t.Errorf("nobody is %q", got)
	}
}

func BenchmarkOpens(b *testing.B) {
	for b.Loop() {
		if _, err := Opens(); err != nil {
			b.Fatal(err)
		}
	}
}
