package allowlist

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// The IANA IPv4 and IPv6 Special-Purpose Address Registries, entry by entry, with those that lie inside of others,
// and what else no value may be sent to. Written out from the registries, and not from the code.
const (
	registry4 = `
		0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12
		192.0.0.0/24 192.0.0.0/29 192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24
		192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.88.99.2/32 192.168.0.0/16 192.175.48.0/24
		198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 255.255.255.255/32`
	beside4 = `224.0.0.0/4 168.63.129.16/32` // multicast, and what Azure answers at in public space

	registry6 = `
		::1/128 ::/128 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64
		2001::/23 2001::/32 2001:1::1/128 2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48
		2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32 2002::/16 2620:4f:8000::/48
		3fff::/20 5f00::/16 fc00::/7 fe80::/10`
	// Multicast, site-local, IPv4-compatible, IPv4-translated, and all that was not given out for unicast.
	beside6 = `ff00::/8 fec0::/10 ::/96 ::ffff:0:0:0/96 ::/3 4000::/2 8000::/1`
)

func prefixes(texts ...string) (all []netip.Prefix) {
	for s := range strings.FieldsSeq(strings.Join(texts, " ")) {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

// last is the highest address of p.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// Each block is refused from its first address to its last, and of what lies right beside one, what is in none passes.
func TestD9EveryBlock(t *testing.T) {
	all := prefixes(registry4, beside4, registry6, beside6)
	if n := len(all); n < 58 {
		t.Fatalf("there are %d blocks only", n)
	}
	in := func(a netip.Addr) bool {
		for _, p := range all {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	passed := 0
	for _, p := range all {
		first, last := p.Addr(), last(p)
		for _, a := range []netip.Addr{first, first.Next(), last.Prev(), last, first.Prev(), last.Next()} {
			if !a.IsValid() || a.BitLen() != first.BitLen() || strings.HasSuffix(a.String(), "a9fe:a9fe") {
				continue
			}
			err := GuardAddr(a)
			var refused *AddrError
			if want := in(a); (err != nil) != want || want && (!errors.As(err, &refused) || refused.Addr != a.String()) {
				t.Errorf("%s, at the edge of %s: %v, and it is in a block: %v", a, p, err, want)
			} else if !want {
				passed++
			}
		}
	}
	if passed < 30 {
		t.Errorf("%d addresses beside the blocks passed: the test looks at no edge", passed)
	}
}

// However an IPv4 address is written as an IPv6 one, with a special address in it or a public one, it is refused; and
// where it leads to metadata, it is so for every exchange.
func TestD9EveryBlockInIPv6(t *testing.T) {
	forms := map[string]func(b [4]byte) []byte{
		"mapped":             func(b [4]byte) []byte { return at("::ffff:0:0", 12, b) },
		"compatible":         func(b [4]byte) []byte { return at("::", 12, b) },
		"translated":         func(b [4]byte) []byte { return at("::ffff:0:0:0", 12, b) },
		"NAT64":              func(b [4]byte) []byte { return at("64:ff9b::", 12, b) },
		"local NAT64, /96":   func(b [4]byte) []byte { return at("64:ff9b:1::", 12, b) },
		"local NAT64, /48":   func(b [4]byte) []byte { return at("64:ff9b:1::", 6, [4]byte{b[0], b[1], 0, b[2]}, b[3]) },
		"6to4":               func(b [4]byte) []byte { return at("2002::1", 2, b) },
		"Teredo's server":    func(b [4]byte) []byte { return at("2001::", 4, b) },
		"Teredo's client":    func(b [4]byte) []byte { return at("2001::", 12, [4]byte{^b[0], ^b[1], ^b[2], ^b[3]}) },
		"ISATAP, link-local": func(b [4]byte) []byte { return at("fe80::5efe:0:0", 12, b) },
	}
	v4 := prefixes(registry4, beside4, metadata4, "8.8.8.8/32 1.1.1.1/32")
	for form, write := range forms {
		for _, p := range v4 {
			for _, a := range []netip.Addr{p.Addr(), last(p)} {
				six, _ := netip.AddrFromSlice(write(a.As4()))
				if GuardAddr(six) == nil {
					t.Errorf("%s of %s: %s passes", form, a, six)
				}
				if want := GuardMetadata(a) != nil; (GuardMetadata(six) != nil) != want {
					t.Errorf("%s of %s: %s is metadata: %v, want %v", form, a, six, !want, want)
				}
			}
		}
	}
}

func at(prefix string, i int, four [4]byte, more ...byte) []byte {
	b := netip.MustParseAddr(prefix).As16()
	copy(b[i:], append(four[:], more...))
	return b[:]
}

// metadata4 is where clouds answer, each by its own documentation.
const metadata4 = `169.254.169.254/32 169.254.170.2/32 169.254.170.23/32 169.254.0.23/32 169.254.42.42/32 100.100.100.200/32 168.63.129.16/32 192.0.0.192/32`

func TestD9Metadata(t *testing.T) {
	for _, p := range prefixes(metadata4, "fd00:ec2::254/128 fd00:ec2::23/128 fd20:ce::254/128 fd00:42::42/128 fd00:c1::a9fe:a9fe/128 fe80::a9fe:a9fe/128") {
		if GuardMetadata(p.Addr()) == nil || GuardMetadata(p.Addr().WithZone("eth0")) == nil {
			t.Errorf("%s passes", p.Addr())
		}
	}
}
