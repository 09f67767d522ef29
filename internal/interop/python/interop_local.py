"""A plugin for pytest: what tests send goes to this machine alone.

Names other than localhost are not found, and other addresses are not reached, as
on a machine without a network. The interpreter itself asks before it connects,
sends or looks a name up (its audit events), so no library goes past this.
"""

import errno
import ipaddress
import socket
import sys


def here(host):
    host = name(host)
    ip = address(host)
    return host in ("", "localhost") or ip is not None and (ip.is_loopback or ip.is_unspecified)


def name(host):
    return (host.decode("latin-1") if isinstance(host, (bytes, bytearray)) else host or "").lower()


def address(host):
    """What host is if it needs no lookup, or None."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def watch(event, args):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if not here(args[0]) and address(name(args[0])) is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        # Not a tuple are paths, and nothing where the socket is connected to already.
        hosts = args[1][:1] if isinstance(args[1], tuple) else ()
    elif event == "socket.gethostbyaddr":
        hosts = args
    elif event == "socket.getnameinfo":
        hosts = args[0][:1]
    else:
        return
    if not all(map(here, hosts)):
        raise OSError(errno.ENETUNREACH, "Network is unreachable")


sys.addaudithook(watch)
