package main

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/agentsecrets/agentsecrets/allowlist"
)

// parseResolve reads HOST:PORT:ADDR[:PORT].
func parseResolve(text string) (key string, to netip.AddrPort, err error) {
	bad := func(why string) (string, netip.AddrPort, error) {
		return "", netip.AddrPort{}, usage("--resolve %q: %s; it is HOST:PORT:ADDR[:PORT], as api.acme.test:443:127.0.0.1:8443", text, why)
	}
	parts := strings.SplitN(text, ":", 3)
	if len(parts) != 3 {
		return bad("a part is missing")
	}
	host, err := allowlist.NormalHost(parts[0])
	if err != nil {
		return bad("the host " + err.Error())
	}
	port, err := strconv.ParseUint(parts[1], 10, 16)
	if err != nil || port == 0 {
		return bad("no port number after the host")
	}
	if to, err = parseAddr(parts[2], uint16(port)); err != nil {
		return bad(err.Error())
	}
	return net.JoinHostPort(host, strconv.FormatUint(port, 10)), to, nil
}

// parseAddr reads ADDR or ADDR:PORT; IPv6 may and, before a port, must stand in brackets.
func parseAddr(text string, preset uint16) (netip.AddrPort, error) {
	if to, err := netip.ParseAddrPort(text); err == nil && to.Port() != 0 {
		return to, nil
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return netip.AddrPort{}, errors.New("no IP address at the end")
	}
	return netip.AddrPortFrom(addr, preset), nil
}
