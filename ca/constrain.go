package ca

import (
	"crypto/x509"
	"fmt"
	"net"
)

// noName is a host that nothing answers at (RFC 6761, 6.4).
const noName = "agentsecrets.invalid"

// constrain makes the root good for hosts alone (RFC 5280, 4.2.1.10). A form of name that no constraint mentions is free,
// so addresses are always mentioned: those of hosts, or that there are none. A permitted name permits those below it too;
// the form has no way to say otherwise.
func constrain(root *x509.Certificate, hosts []string) error {
	root.PermittedDNSDomainsCritical = true
	for _, host := range hosts {
		name, err := parseHost(host)
		if err != nil {
			return fmt.Errorf("make the root CA for %.64q: %w", host, err)
		}
		if !name.addr.IsValid() {
			root.PermittedDNSDomains = append(root.PermittedDNSDomains, name.text)
			continue
		}
		ip := net.IP(name.addr.AsSlice())
		root.PermittedIPRanges = append(root.PermittedIPRanges, &net.IPNet{IP: ip, Mask: net.CIDRMask(8*len(ip), 8*len(ip))})
	}
	if len(root.PermittedDNSDomains) == 0 {
		root.PermittedDNSDomains = []string{noName}
	}
	if len(root.PermittedIPRanges) == 0 {
		root.ExcludedIPRanges = []*net.IPNet{
			{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
			{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
		}
	}
	return nil
}
