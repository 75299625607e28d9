"""Media URLs that must never be fetched, in every notation of their addresses."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_network

from hypothesis import strategies as st

from tests.support.bad_input import urls

# No URL may lead to these networks; below are the notations of an address.
NETWORKS = """0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12
    192.0.0.0/24 192.168.0.0/16 198.18.0.0/15 168.63.129.16/32 224.0.0.0/4 240.0.0.0/4 ::/128
    ::1/128 ::ffff:0:0/96 64:ff9b:1::/48 fc00::/7 fe80::/10 ff00::/8 2001::/32 2002::/16"""
# The same IPv4 networks, behind the NAT64 prefix.
NAT64 = [
    f"64:ff9b::{network.network_address}/{96 + network.prefixlen}"
    for network in map(ip_network, NETWORKS.split())
    if network.version == 4
]
FORBIDDEN = st.sampled_from([*NETWORKS.split(), *NAT64]).flatmap(
    lambda text: st.ip_addresses(network=text)
)
IPV4: list[Callable[[int], str]] = [
    lambda n: str(IPv4Address(n)),
    str,
    hex,
    lambda n: f"0{n:o}",
    lambda n: ".".join(hex(byte) for byte in n.to_bytes(4)),
    lambda n: ".".join(f"0{byte:o}" for byte in n.to_bytes(4)),
    lambda n: f"{n >> 24}.{n & 0xFFFFFF}",
    lambda n: f"{n >> 24}.{n >> 16 & 0xFF}.0x{n & 0xFFFF:x}",
    lambda n: f"[::ffff:{IPv4Address(n)}]",
    lambda n: f"[64:ff9b::{n >> 16:x}:{n & 0xFFFF:x}]",
    lambda n: f"[2002:{n >> 16:x}:{n & 0xFFFF:x}::]",
]
IPV6: list[Callable[[IPv6Address], str]] = [
    lambda address: f"[{address}]",
    lambda address: f"[{address.exploded.upper()}]",
]


@st.composite
def forbidden_hosts(draw: st.DrawFn) -> str:
    """Draw an address within a forbidden network, in one of its notations."""
    address = draw(FORBIDDEN)
    if isinstance(address, IPv6Address):
        return draw(st.sampled_from(IPV6))(address)
    return draw(st.sampled_from(IPV4))(int(address))


PORTS = st.sampled_from(["", ":80", ":443", ":0", ":65536", ":-1", ":x", ":", ":\u0668\u0660"])
USERS = st.sampled_from(["", "", "api.twilio.com@", "api.twilio.com:443@", "\\@", "%40", "a:b@"])
HOSTS = (
    forbidden_hosts()
    | st.text(max_size=20).map(lambda text: f"api.twilio.com.{text}")
    | st.text(max_size=20).map(lambda text: f"{text}.evil.example")
    | st.sampled_from(["\u24d0pi.twil\u0456o.example", "a" * 3000 + ".example", "localhost."])
)
CATALOGUE = [url.url.replace(urls.CANARY, "127.0.0.1") for url in urls.CASES]
SMALL = st.sampled_from([url for url in CATALOGUE if len(url) < 10_000])
HOSTILE_URLS = SMALL | st.builds(
    lambda scheme, user, host, port: f"{scheme}://{user}{host}{port}{urls.PATH}",
    st.sampled_from(["http", "https", "ftp", "file", "gopher", "HTTPS", "\u017fhttp"]),
    USERS,
    HOSTS,
    PORTS,
)
