package allowlist

import (
	"fmt"
	"net/netip"
)

// AddrError says which block an address is refused for.
type AddrError struct {
	Addr  string
	Block string // prefix and purpose
}

func (e *AddrError) Error() string { return fmt.Sprintf("the address %s is in %s", e.Addr, e.Block) }

// GuardAddr refuses every address that is not a public unicast one, with an *AddrError. It is for the address about
// to be dialled, after resolving: a name proves nothing (DNS rebinding). IPv4-mapped addresses are refused as such; a
// caller who holds an IPv4 address in that form unmaps it first.
func GuardAddr(a netip.Addr) error {
	if err := GuardMetadata(a); err != nil {
		return err
	}
	table := special4()
	if a.Is6() {
		table = special6()
	}
	if b, ok := find(table, a.WithZone("")); ok {
		return &AddrError{Addr: a.String(), Block: b.String()}
	}
	if a.Zone() != "" {
		return &AddrError{Addr: a.String(), Block: "the zone of an interface of this machine"}
	}
	// IANA has given out no other part of IPv6 for global unicast yet (Internet Protocol Version 6 Address Space).
	if a.Is6() && !netip.MustParsePrefix("2000::/3").Contains(a) {
		return &AddrError{Addr: a.String(), Block: "a part of IPv6 outside 2000::/3 (global unicast)"}
	}
	return nil
}

// GuardMetadata refuses the addresses at which clouds hand out credentials to whoever asks, and addresses that lead
// there through a translator or a tunnel. No use of the proxy makes them right.
func GuardMetadata(a netip.Addr) error {
	if !a.IsValid() {
		return &AddrError{Addr: a.String(), Block: "no block: it is not an address"}
	}
	table := metadata()
	for _, candidate := range append(embedded(a), a.WithZone("")) {
		if b, ok := find(table, candidate); ok {
			return &AddrError{Addr: a.String(), Block: b.String()}
		}
	}
	return nil
}

// embedded lists the IPv4 addresses that a packet to a may end up at. The last 32 bits count under any prefix: mapped,
// compatible and translated addresses (RFC 6052, also with a network's own prefix) and ISATAP have theirs there, and
// so do the IPv6 metadata addresses of Oracle Cloud and OpenStack (…:a9fe:a9fe).
func embedded(a netip.Addr) []netip.Addr {
	if !a.Is6() {
		return nil
	}
	b := a.As16()
	found := []netip.Addr{netip.AddrFrom4([4]byte(b[12:]))}
	switch {
	case b[0] == 0x20 && b[1] == 0x02: // 6to4 (RFC 3056, 2)
		found = append(found, netip.AddrFrom4([4]byte(b[2:6])))
	case b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0: // Teredo: server, client with its bits turned (RFC 4380, 4)
		found = append(found, netip.AddrFrom4([4]byte(b[4:8])), netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}))
	case netip.MustParsePrefix("64:ff9b:1::/48").Contains(a.WithZone("")): // after 48 bits, bits 64 to 71 left out (RFC 6052, 2.2)
		found = append(found, netip.AddrFrom4([4]byte{b[6], b[7], b[9], b[10]}))
	}
	return found
}

// GuardPrivate refuses what GuardAddr does, but for addresses at which hosts of one's own network, or of this machine,
// answer.
func GuardPrivate(a netip.Addr) error {
	if err := GuardMetadata(a); err != nil {
		return err
	}
	if _, own := find(private(), a.WithZone("")); own {
		return nil
	}
	return GuardAddr(a)
}
