"""Who is asking: the client's address behind proxies, and whether it may push."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from connectors.ingress.settings import Network

Address = IPv4Address | IPv6Address


def client_address(
    peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]
) -> Address | None:
    """Find the client's address: the nearest hop that is no proxy of ours.

    Args:
        peer: the address that the connection comes from.
        forwarded: the X-Forwarded-For headers, in order.
        trusted: networks of proxies that are believed about the hop before them.

    Returns:
        None where it cannot be told.
    """
    hops = [hop for header in forwarded for hop in header.split(",")]
    address = _address(peer or "")
    while hops and address is not None and _within(address, trusted):
        address = _address(hops.pop())
    return address


def may_push(address: Address | None, allow: Sequence[Network]) -> bool:
    """Tell whether an address may push; an empty list allows all."""
    return not allow or (address is not None and _within(address, allow))


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return None
    # A socket that listens on both families shows IPv4 clients as ::ffff:a.b.c.d.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
