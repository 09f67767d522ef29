package allowlist

import (
	"net/netip"
	"strings"
)

type block struct {
	prefix  netip.Prefix
	purpose string
}

func (b block) String() string { return b.prefix.String() + " (" + b.purpose + ")" }

func blocks(table string) []block {
	var all []block
	for line := range strings.Lines(table) {
		if p, purpose, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			all = append(all, block{netip.MustParsePrefix(p), strings.TrimSpace(purpose)})
		}
	}
	return all
}

func find(blocks []block, a netip.Addr) (block, bool) {
	for _, b := range blocks {
		if b.prefix.Contains(a) {
			return b, true
		}
	}
	return block{}, false
}

// special4 is IANA's IPv4 Special-Purpose Address Registry and multicast (RFC 5771). The few blocks in it that are
// reachable from everywhere lead to relays and sinks, not to origins.
func special4() []block {
	return blocks(`
		0.0.0.0/8          this network, RFC 791
		10.0.0.0/8         private use, RFC 1918
		100.64.0.0/10      shared address space of carriers, RFC 6598
		127.0.0.0/8        loopback, RFC 1122
		169.254.0.0/16     link-local, RFC 3927
		172.16.0.0/12      private use, RFC 1918
		192.0.0.0/24       IETF protocol assignments, RFC 6890
		192.0.2.0/24       documentation, RFC 5737
		192.31.196.0/24    AS112, RFC 7535
		192.52.193.0/24    AMT, RFC 7450
		192.88.99.0/24     6to4 relay, RFC 7526
		192.168.0.0/16     private use, RFC 1918
		192.175.48.0/24    AS112, RFC 7534
		198.18.0.0/15      benchmarking, RFC 2544
		198.51.100.0/24    documentation, RFC 5737
		203.0.113.0/24     documentation, RFC 5737
		224.0.0.0/4        multicast, RFC 5771
		255.255.255.255/32 broadcast, RFC 919
		240.0.0.0/4        reserved, RFC 1112`)
}

// special6 is IANA's IPv6 Special-Purpose Address Registry, multicast, and the ways to write an IPv4 address as an
// IPv6 one: what such a packet reaches is decided behind our back.
func special6() []block {
	return blocks(`
		::1/128            loopback, RFC 4291
		::/128             unspecified, RFC 4291
		::ffff:0.0.0.0/96  IPv4-mapped, RFC 4291
		::/96              IPv4-compatible, RFC 4291
		::ffff:0:0:0/96    IPv4-translated, RFC 2765
		64:ff9b::/96       IPv4 behind a translator, RFC 6052
		64:ff9b:1::/48     IPv4 behind a local translator, RFC 8215
		100::/64           discard-only, RFC 6666
		100:0:0:1::/64     dummy prefix, RFC 9780
		2001::/32          Teredo, RFC 4380
		2001:1::1/128      port control protocol, RFC 7723
		2001:1::2/128      TURN, RFC 8155
		2001:1::3/128      DNS-SD service registration, RFC 9665
		2001:2::/48        benchmarking, RFC 5180
		2001:3::/32        AMT, RFC 7450
		2001:4:112::/48    AS112, RFC 7535
		2001:10::/28       ORCHID, RFC 4843
		2001:20::/28       ORCHIDv2, RFC 7343
		2001:30::/28       drone remote ID, RFC 9374
		2001::/23          IETF protocol assignments, RFC 2928
		2001:db8::/32      documentation, RFC 3849
		2002::/16          6to4, RFC 3056
		2620:4f:8000::/48  AS112, RFC 7534
		3fff::/20          documentation, RFC 9637
		5f00::/16          segment routing, RFC 9602
		fc00::/7           unique local, RFC 4193
		fe80::/10          link-local, RFC 4291
		fec0::/10          site-local, RFC 3879
		ff00::/8           multicast, RFC 4291`)
}

// metadata lists where clouds hand out credentials and user data to the machine that asks.
func metadata() []block {
	return blocks(`
		169.254.169.254/32     metadata of most clouds
		169.254.170.2/32       metadata of AWS ECS tasks
		169.254.170.23/32      credentials of AWS EKS pods
		169.254.0.23/32        metadata of Tencent Cloud
		169.254.42.42/32       metadata of Scaleway
		100.100.100.200/32     metadata of Alibaba Cloud
		168.63.129.16/32       wire server of Azure
		192.0.0.192/32         metadata of Oracle Cloud Classic
		fd00:ec2::254/128      metadata of AWS
		fd00:ec2::23/128       credentials of AWS EKS pods
		fd20:ce::254/128       metadata of Google Cloud
		fd00:42::42/128        metadata of Scaleway`)
}

// private lists the blocks of special4 and special6 in which hosts of one's own may be. The others lead to nobody, to
// many, or through a translator to who knows where.
func private() []block {
	return blocks(`
		10.0.0.0/8     private use, RFC 1918
		100.64.0.0/10  shared address space of carriers, RFC 6598
		127.0.0.0/8    loopback, RFC 1122
		169.254.0.0/16 link-local, RFC 3927
		172.16.0.0/12  private use, RFC 1918
		192.168.0.0/16 private use, RFC 1918
		198.18.0.0/15  benchmarking, RFC 2544
		::1/128        loopback, RFC 4291
		fc00::/7       unique local, RFC 4193
		fe80::/10      link-local, RFC 4291`)
}
