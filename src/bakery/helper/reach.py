"""From where an address is reached. What only the node itself reaches, nobody far away may lead it to."""

from __future__ import annotations

import socket

FAR, LINK, NODE = "far", "link", "node"
OUR_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
WITH_IPV4 = (bytes(12), bytes(10) + b"\xff\xff", b"\0\x64\xff\x9b" + bytes(8))  # its last four bytes are one


def may_lead(from_host: str, to_host: str) -> bool:
    """A name that resolves to such an address is far: who answers there has to prove over TLS or SSH to bear it."""
    there = reach_of(to_host)
    return there in (FAR, reach_of(from_host))


def reach_of(host: str) -> str:
    """`link`: where clouds keep what they tell their machines alone."""
    name = host.lower().strip("[]").rstrip(".")
    if name in OUR_NAMES or name.endswith(".localhost"):
        return NODE
    address = address_of(name)
    if address[:12] in WITH_IPV4 and len(address) == 16:
        address = address[12:]
    if len(address) == 4:
        return NODE if address[0] in (0, 127) else LINK if address[:2] == b"\xa9\xfe" else FAR
    return LINK if address[:1] == b"\xfe" and address[1] & 0xC0 == 0x80 else FAR


def address_of(name: str) -> bytes:
    """In any way in which programs write one: 127.1 and 2130706433 are the node too. Empty: it is a name."""
    try:
        return socket.inet_aton(name)
    except OSError:
        pass
    try:
        return socket.inet_pton(socket.AF_INET6, name)
    except OSError:
        return b""
