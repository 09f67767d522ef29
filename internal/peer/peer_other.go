//go:build !linux

package peer

import (
	"errors"
	"net"
	"net/netip"
)

func of(_, _ netip.AddrPort) (Peer, error) { return Peer{}, errors.ErrUnsupported }

func userOf(_, _ netip.AddrPort) (Peer, error) { return Peer{}, errors.ErrUnsupported }

func listening(netip.AddrPort) (Peer, error) { return Peer{}, errors.ErrUnsupported }

func waits(_, _ netip.AddrPort) bool { return false }

func open(net.Conn) error { return errors.ErrUnsupported }

func tells(_, _ netip.AddrPort) bool { return false }
