package peer

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// answer is what the kernel says of the server's end of c.
func answer(t testing.TB, c net.Conn) []byte {
	t.Helper()
	src, dst := ends(c)
	var buf [512]byte
	n, err := exchange(request(unmap(src), unmap(dst)), buf[:])
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

func TestConnects(t *testing.T) {
	a, b, c := netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("127.0.0.1:2"), netip.MustParseAddrPort("127.0.0.2:1")
	const listening, timeWait = 10, 6
	for s, want := range map[socket]bool{
		{state: established, src: a, dst: b}: true,
		{state: established, src: b, dst: a}: false,
		{state: established, src: c, dst: b}: false,
		{state: established, src: a, dst: c}: false,
		{state: timeWait, src: a, dst: b}:    false,
		{state: listening, src: a, dst: b}:   false,
		{state: listening, src: a}:           false,
		{}:                                   false,
	} {
		if s.connects(a, b) != want {
			t.Errorf("%+v: %v", s, !want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	_, server := pair(t)
	good := answer(t, server)
	if s, err := parse(good); err != nil || s.state != established {
		t.Fatalf("%+v, %v", s, err)
	}
	for name, spoil := range map[string]func(b []byte) []byte{
		"nothing":           func([]byte) []byte { return nil },
		"cut":               func(b []byte) []byte { return b[:len(b)-1] },
		"only a head":       func(b []byte) []byte { return withSize(b[:unix.SizeofNlMsghdr], unix.SizeofNlMsghdr) },
		"size under head":   func(b []byte) []byte { return withSize(b, 3) },
		"size over all":     func(b []byte) []byte { return withSize(b, uint32(len(b))+1) },
		"short socket":      func(b []byte) []byte { return withSize(b, unix.SizeofNlMsghdr+responseSize-1) },
		"of another kind":   func(b []byte) []byte { b[4]++; return b },
		"to another":        func(b []byte) []byte { b[8]++; return b },
		"of another family": func(b []byte) []byte { b[unix.SizeofNlMsghdr] = unix.AF_UNIX; return b },
	} {
		if s, err := parse(spoil(slices.Clone(good))); err == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
	refused := withSize(slices.Clone(good), unix.SizeofNlMsghdr+4)
	binary.NativeEndian.PutUint16(refused[4:], unix.NLMSG_ERROR)
	for _, errno := range []unix.Errno{unix.EPERM, unix.EINVAL} {
		binary.NativeEndian.PutUint32(refused[unix.SizeofNlMsghdr:], uint32(-int32(errno)))
		if s, err := parse(refused); !errors.Is(err, errno) || errors.Is(err, ErrNotFound) {
			t.Errorf("%v: %+v, %v", errno, s, err)
		}
	}
}

func withSize(b []byte, n uint32) []byte {
	binary.NativeEndian.PutUint32(b, n)
	return b
}

func FuzzParse(f *testing.F) {
	_, server := pair(f)
	f.Add(answer(f, server))
	f.Add([]byte{20, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parse(b); err == nil && len(b) < unix.SizeofNlMsghdr+responseSize {
			t.Errorf("%d bytes: %+v", len(b), s)
		}
	})
}

// Past its bound a search returns nothing, though it may have found somebody already.
func TestSearchIsBounded(t *testing.T) {
	_, server := pair(t)
	local, remote := ends(server)
	s, err := find(remote, local)
	if err != nil {
		t.Fatal(err)
	}
	if got := search(s.inode, maxDescriptors); len(got) != 1 || got[0].pid != os.Getpid() {
		t.Errorf("%+v", got)
	}
	if got := search(s.inode, 3); got != nil {
		t.Errorf("with 3 descriptors: %+v", got)
	}
	if got := search(0, maxDescriptors); got != nil {
		t.Errorf("of no socket: %+v", got)
	}
}

func TestDirectoryThatIsGone(t *testing.T) {
	client, server := pair(t)
	gone, err := os.MkdirTemp("/tmp", "gone")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(gone)
	f := file(t, client)
	pid, _ := startIn(t, gone, nil, f, "hold")
	f.Close()
	client.Close()
	if p, err := OfConn(server); err != nil || p.PID != pid || p.Dir != gone {
		t.Errorf("%+v, %v; want process %d in %s", p, err, pid, gone)
	}
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	if p, err := OfConn(server); err != nil || p.PID != pid || p.Dir != "" {
		t.Errorf("%+v, %v; want process %d nowhere", p, err, pid)
	}
}

func BenchmarkFind(b *testing.B) {
	_, server := pair(b)
	local, remote := ends(server)
	for b.Loop() {
		if _, err := find(remote, local); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	_, server := pair(b)
	local, remote := ends(server)
	for b.Loop() {
		if _, err := Of(local, remote); err != nil {
			b.Fatal(err)
		}
	}
}
