"""Which URLs an app may have; the faults quote no URL, because it may contain a password."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from mediapipe.fetching.http.redirects import UNAMBIGUOUS
from mediapipe.settings.web import DEFAULT_PORTS, local_url

EXAMPLE = "such as https://chat.example.com/twilio/callback"


def url_fault(url: object, *, has_connect: bool) -> str:
    """Return what is wrong with the URL of an app, or ""."""
    parts = _split(url)
    if parts is None:
        return f"must be an https URL {EXAMPLE}"
    if parts.fragment:
        return "must not have a fragment: Twilio's settings (#rc=2) belong to our own URL"
    if parts.scheme == "http" and not (has_connect or is_this_machine(parts)):
        return "must be https: plain http is for 127.0.0.1, or needs connect"
    return _own_fault(parts)


def connect_fault(connect: object) -> str:
    """Return what is wrong with the origin to connect to instead, or ""."""
    if connect == "":
        return ""
    parts = _split(connect)
    if parts is None or parts.path not in {"", "/"} or parts.query or parts.fragment:
        return "must be an origin such as http://chatwoot:3000"
    if "@" in parts.netloc:
        return "must not have a user: write user:password@ in url"
    return _own_fault(parts)


def is_this_machine(parts: SplitResult) -> bool:
    """Return whether the host is a loopback address, or localhost."""
    host = parts.hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _own_fault(parts: SplitResult) -> str:
    own = [settings.PUBLIC_BASE_URL, *settings.OTHER_BASE_URLS, *settings.HTTPS_ORIGINS]
    local = urlsplit(local_url(settings.WEB_BIND))
    ours = {_place(urlsplit(url)) for url in [*own, local.geturl()] if url}
    is_local = is_this_machine(parts) and is_this_machine(local) and parts.port == local.port
    if _place(parts) in ours or is_local:
        return "leads to this service itself: write the app's own URL"
    return ""


def _place(parts: SplitResult) -> tuple[str, int]:
    """Return host and port; the default ports of https and http count as the same service."""
    is_default = parts.port in {None, *DEFAULT_PORTS.values()}
    return parts.hostname or "", 443 if is_default else parts.port or 443


def _split(url: object) -> SplitResult | None:
    """Return the parts of an http or https URL; None for anything else."""
    if not isinstance(url, str) or not UNAMBIGUOUS.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None
