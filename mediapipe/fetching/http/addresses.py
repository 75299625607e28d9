"""Which addresses may be connected to: public ones, and the networks that the operator names."""

import ipaddress
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from django.conf import settings

from mediapipe.failures import AddressRefused, ConnectionFailed, TooSlow

# Python's is_global says yes to all of these, although a packet to them can end in our own network.
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
# Outside of it IPv6 is local or carries IPv4: ::ffff:0:0/96, 64:ff9b::/96, 64:ff9b:1::/48.
PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")


@dataclass(frozen=True, slots=True)
class Address:
    """An address that was checked; a socket of `family` is connected to `sockaddr`."""

    family: socket.AddressFamily
    sockaddr: tuple[Any, ...]


def resolve(
    host: str, port: int, *, timeout_s: float, may_connect_to: Callable[[str], bool]
) -> list[Address]:
    """Return every address of `host`, checked, in the order in which the system prefers them.

    Raises AddressRefused if a single one is forbidden (a name that points both outside and inside
    is an attack or a mistake), ConnectionFailed if there is none, TooSlow after `timeout_s`.
    """
    addresses = _look_up(host, port, timeout_s)
    for address in addresses:
        if not may_connect_to(address.sockaddr[0]):
            raise AddressRefused(f"{host} is at {address.sockaddr[0]}")
    return addresses


def is_allowed(text: str) -> bool:
    """Return whether the address is public or in one of MEDIA_ALLOWED_NETWORKS."""
    address = ipaddress.ip_address(text)
    allowed = any(address in network for network in settings.MEDIA_ALLOWED_NETWORKS)
    return allowed or is_public(text)


def is_public(text: str) -> bool:
    """Return whether the address is one that the whole internet can reach."""
    address = ipaddress.ip_address(text)
    if not address.is_global or any(address in network for network in NOT_PUBLIC):
        return False
    return address.version == 4 or address in PUBLIC_IPV6


def _look_up(host: str, port: int, timeout_s: float) -> list[Address]:
    # getaddrinfo knows no timeout and cannot be interrupted, so it is asked in a thread of its own,
    # which ends by itself when the system's resolver gives up.
    answers: SimpleQueue[list[Address] | Exception] = SimpleQueue()
    threading.Thread(target=_ask, args=(host, port, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except Empty:
        raise TooSlow(f"{host}: name resolution") from None
    if isinstance(answer, Exception):
        raise ConnectionFailed(f"{host}: {type(answer).__name__}")
    return answer


def _ask(host: str, port: int, answers: SimpleQueue[list[Address] | Exception]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answers.put([Address(family, sockaddr) for family, _, _, _, sockaddr in found])
    except (OSError, UnicodeError) as error:
        answers.put(error)
