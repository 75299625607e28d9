"""Which addresses may be connected to: public ones, and the networks that the operator allows."""

import ipaddress
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from django.conf import settings

from mediapipe import providers
from mediapipe.failures import (
    AddressRefused,
    ConnectionFailed,
    Failure,
    ResolverFailed,
    TooSlow,
)

# is_global is true for most of these, although a packet to them can end in our own network.
NOT_PUBLIC = [
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",  # carrier-grade NAT; one cloud keeps its metadata service here
        "168.63.129.16/32",  # the host of an Azure machine
        "192.0.0.0/24",  # protocol assignments; one cloud keeps its metadata service here
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/4",  # multicast
        "2002::/16",  # 6to4: carries an IPv4 address
    )
]
# Outside this range IPv6 addresses are local or carry IPv4, such as ::ffff:0:0/96.
PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")
# DNS64 puts this prefix before the IPv4 address of a host without IPv6 (RFC 6052). The local-use
# prefix 64:ff9b:1::/48 (RFC 8215) is not decoded: each network chooses where the IPv4 address is.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address: connect a socket of `family` to `sockaddr`."""

    family: socket.AddressFamily
    sockaddr: tuple[Any, ...]


def resolve(
    host: str, port: int, *, timeout_s: float, may_connect_to: Callable[[str], bool]
) -> list[Address]:
    """Return every address of `host`, checked, in the order of the system's preference.

    Raises AddressRefused if any of them is forbidden (a name with both public and private
    addresses is an attack or a mistake), ConnectionFailed if there is none, TooSlow after
    `timeout_s`. For a host of a provider each of these is ResolverFailed: only the provider chooses
    its addresses, so a wrong one comes from our own resolver or network.
    """
    try:
        addresses = _look_up(host, port, timeout_s)
        for address in addresses:
            if not may_connect_to(address.sockaddr[0]):
                raise AddressRefused(f"{host} is at {address.sockaddr[0]}")
    except Failure as failure:
        if not providers.is_own_host(host):
            raise
        raise ResolverFailed(f"{failure.detail}; see MEDIA_ALLOWED_NETWORKS") from failure
    return addresses


def is_allowed(text: str) -> bool:
    """Return whether the address is public or in one of MEDIA_ALLOWED_NETWORKS."""
    address = ipaddress.ip_address(text)
    # An operator who allows the NAT64 prefix does not mean the private networks behind it.
    allowed = any(address in network for network in settings.MEDIA_ALLOWED_NETWORKS)
    return (allowed and address not in NAT64) or is_public(text)


def is_public(text: str) -> bool:
    """Return whether the address is public, or is the NAT64 form of a public IPv4 address."""
    address = ipaddress.ip_address(text)
    if address in NAT64:
        return is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
    if not address.is_global or any(address in network for network in NOT_PUBLIC):
        return False
    return address.version == 4 or address in PUBLIC_IPV6


def _look_up(host: str, port: int, timeout_s: float) -> list[Address]:
    # getaddrinfo has no timeout and cannot be interrupted, so it runs in a thread of its own, which
    # ends when the system's resolver gives up.
    results: SimpleQueue[list[Address] | Exception] = SimpleQueue()

    def run() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            results.put([Address(family, sockaddr) for family, _, _, _, sockaddr in found])
        except (OSError, UnicodeError) as error:
            results.put(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        result = results.get(timeout=timeout_s)
    except Empty:
        raise TooSlow(f"{host}: name resolution") from None
    if isinstance(result, Exception):
        raise ConnectionFailed(f"{host}: {type(result).__name__}")
    return result
