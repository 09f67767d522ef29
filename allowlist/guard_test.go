package allowlist

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// The blocks are written out here once more, from the registries and not from the code: first, last and one inside.
func TestGuardAddr(t *testing.T) {
	for _, c := range []struct{ what, addrs string }{
		{"this network, unspecified", "0.0.0.0 0.0.0.1 0.255.255.255"},
		{"private", "10.0.0.0 10.1.2.3 10.255.255.255 172.16.0.0 172.20.1.1 172.31.255.255 192.168.0.0 192.168.1.1 192.168.255.255"},
		{"carrier-grade NAT", "100.64.0.0 100.100.1.1 100.127.255.255"},
		{"loopback", "127.0.0.0 127.0.0.1 127.255.255.255"},
		{"link-local", "169.254.0.0 169.254.169.254 169.254.255.255"},
		{"IETF protocol assignments", "192.0.0.0 192.0.0.8 192.0.0.9 192.0.0.10 192.0.0.170 192.0.0.171 192.0.0.255"},
		{"documentation", "192.0.2.0 192.0.2.255 198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255"},
		{"AS112, AMT, 6to4 relay", "192.31.196.0 192.31.196.255 192.52.193.0 192.52.193.255 192.88.99.0 192.88.99.2 192.88.99.255 192.175.48.0 192.175.48.255"},
		{"benchmarking", "198.18.0.0 198.19.255.255"},
		{"multicast", "224.0.0.0 224.0.0.1 233.252.0.1 239.255.255.255"},
		{"reserved, broadcast", "240.0.0.0 250.1.1.1 255.255.255.254 255.255.255.255"},
		{"loopback and unspecified, v6", ":: ::1"},
		{"mapped", "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:0.0.0.0 ::ffff:255.255.255.255"},
		{"compatible", "::2 ::127.0.0.1 ::8.8.8.8 ::255.255.255.255"},
		{"translated (SIIT)", "::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8"},
		{"NAT64", "64:ff9b::8.8.8.8 64:ff9b::7f00:1 64:ff9b::ffff:ffff"},
		{"local NAT64", "64:ff9b:1:: 64:ff9b:1::1 64:ff9b:1:7f00:0:100:: 64:ff9b:1:ffff:ffff:ffff:ffff:ffff"},
		{"discard, dummy", "100:: 100::1 100::ffff:ffff:ffff:ffff 100:0:0:1:: 100:0:0:1:ffff:ffff:ffff:ffff"},
		{"IETF protocol assignments, v6", "2001:: 2001:1::1 2001:1::2 2001:1::3 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"Teredo", "2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:0:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"benchmarking, AMT, AS112, ORCHID, DET", "2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:1f:ffff::1 2001:20::1 2001:2f:ffff::1 2001:30::1 2001:3f:ffff::1"},
		{"documentation, v6", "2001:db8:: 2001:db8::1 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 3fff:: 3fff:fff:ffff::1"},
		{"6to4", "2002:: 2002:7f00:1::1 2002:808:808::1 2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"AS112, v6", "2620:4f:8000:: 2620:4f:8000:ffff:ffff:ffff:ffff:ffff"},
		{"segment routing", "5f00:: 5f00:ffff::1"},
		{"unique local", "fc00:: fc00::1 fd00:ec2::254 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"link-local, v6", "fe80:: fe80::1 fe80::1%eth0 febf:ffff::1"},
		{"site-local", "fec0:: fec0::1 feff:ffff::1"},
		{"multicast, v6", "ff00:: ff02::1 ff02::1%eth0 ff0e::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
		{"not given out", "1fff::1 4000::1 8000::1 e000::1 fe00::1 200::1 ::1:0:0:0"},
		{"a zone", "2606:4700::1%eth0"},
		{"metadata in public space", "168.63.129.16"},
	} {
		for s := range strings.FieldsSeq(c.addrs) {
			err := GuardAddr(netip.MustParseAddr(s))
			var refused *AddrError
			if !errors.As(err, &refused) || refused.Addr != netip.MustParseAddr(s).String() || refused.Block == "" {
				t.Errorf("%s: %s passes: %v", c.what, s, err)
			}
		}
	}
	if GuardAddr(netip.Addr{}) == nil {
		t.Error("no address at all passes")
	}
}

// A person who is refused should learn why: the narrowest block that has a name of its own.
func TestGuardAddrNamesTheBlock(t *testing.T) {
	for line := range strings.Lines(`
		255.255.255.255 255.255.255.255/32
		240.0.0.1 240.0.0.0/4
		::1 ::1/128
		:: ::/128
		::ffff:8.8.8.8 ::ffff:0.0.0.0/96
		::8.8.8.8 ::/96
		::ffff:0:8.8.8.8 ::ffff:0:0:0/96
		64:ff9b::8.8.8.8 64:ff9b::/96
		64:ff9b:1::1 64:ff9b:1::/48
		100::1 100::/64
		100:0:0:1::1 100:0:0:1::/64
		2001::1 2001::/32
		2001:1::1 2001:1::1/128
		2001:1::2 2001:1::2/128
		2001:1::3 2001:1::3/128
		2001:2::1 2001:2::/48
		2001:3::1 2001:3::/32
		2001:4:112::1 2001:4:112::/48
		2001:10::1 2001:10::/28
		2001:20::1 2001:20::/28
		2001:30::1 2001:30::/28
		2001:40::1 2001::/23
		2001:db8::1 2001:db8::/32
		2002:808:808::1 2002::/16
		2620:4f:8000::1 2620:4f:8000::/48
		3fff::1 3fff::/20
		5f00::1 5f00::/16
		fd00::1 fc00::/7
		fe80::1%eth0 fe80::/10
		fec0::1 fec0::/10
		ff02::1 ff00::/8
		4000::1 a part of IPv6 outside 2000::/3
		2606:4700::1%eth0 the zone of an interface
		169.254.169.254 169.254.169.254/32
		fd00:ec2::254 fd00:ec2::254/128`) {
		addr, want, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		var refused *AddrError
		if err := GuardAddr(netip.MustParseAddr(addr)); !errors.As(err, &refused) || !strings.HasPrefix(refused.Block, want) {
			t.Errorf("%s: %v, want %s", addr, err, want)
		}
	}
}

// These lie beside the blocks, or are well known.
func TestGuardAddrLetsPublicPass(t *testing.T) {
	for s := range strings.FieldsSeq(`
		1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 52.1.2.3 100.63.255.255 100.128.0.0 104.18.0.1 126.255.255.255 128.0.0.0
		169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.31.195.255 192.88.98.1 192.167.255.255
		192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
		2001:200:: 2001:4860:4860::8888 2001:db7:ffff::1 2001:db9::1 2003::1 2400:cb00::1 2606:4700:4700::1111 2620:4f:7fff::1
		2620:4f:8001::1 2a00:1450:4001::1 2a05:d000::1 3ffe:ffff::1`) {
		if err := GuardAddr(netip.MustParseAddr(s)); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestGuardMetadata(t *testing.T) {
	for s := range strings.FieldsSeq(`
		169.254.169.254 169.254.170.2 169.254.170.23 100.100.100.200 168.63.129.16 192.0.0.192 169.254.42.42 169.254.0.23
		fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:42::42 fd00:c1::a9fe:a9fe fe80::a9fe:a9fe fe80::a9fe:a9fe%eth0
		::ffff:169.254.169.254 ::169.254.169.254 ::ffff:0:169.254.169.254 64:ff9b::a9fe:a9fe 64:ff9b:1::a9fe:a9fe
		64:ff9b:1:a9fe:a9:fe00:: 2002:a9fe:a9fe::1 2001:0:a9fe:a9fe:: 2001:0:1:1:0:0:5601:5601 2a00:1:2:3::100.100.100.200
		fe80::5efe:169.254.169.254`) {
		a := netip.MustParseAddr(s)
		if GuardMetadata(a) == nil || GuardAddr(a) == nil {
			t.Errorf("%s passes", s)
		}
	}
	for s := range strings.FieldsSeq("127.0.0.1 ::1 10.0.0.1 192.168.1.1 169.254.1.1 fd00::1 fe80::1%eth0 8.8.8.8 2606:4700::1 100.100.100.201 fd00:ec2::253 ::ffff:10.0.0.1") {
		if err := GuardMetadata(netip.MustParseAddr(s)); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	if GuardMetadata(netip.Addr{}) == nil {
		t.Error("no address at all passes")
	}
}

// Whatever the form, an address that ends at a refused IPv4 address is refused.
func FuzzGuardEmbedded(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{8, 8, 8, 8})
	f.Add([]byte{169, 254, 169, 254})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 4 {
			return
		}
		v4 := netip.AddrFrom4([4]byte(b))
		for _, prefix := range []string{"::ffff:0:0", "::", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::", "2002::", "2001::"} {
			six := netip.MustParseAddr(prefix).As16()
			at := 12
			if prefix == "2002::" {
				at = 2
			}
			copy(six[at:], b)
			a := netip.AddrFrom16(six)
			if GuardAddr(a) == nil {
				t.Errorf("%s passes", a)
			}
			if GuardMetadata(v4) != nil && GuardMetadata(a) == nil {
				t.Errorf("%s passes as metadata", a)
			}
		}
	})
}

func BenchmarkGuardAddr(b *testing.B) {
	a := netip.MustParseAddr("2606:4700::1")
	for b.Loop() {
		if err := GuardAddr(a); err != nil {
			b.Fatal(err)
		}
	}
}
