from __future__ import annotations

from urllib.parse import SplitResult, parse_qs, urlsplit

from django.conf import settings

DEFAULT_PORTS = {"http": 80, "https": 443}
# Read timeout and server error; "all" includes them.
RETRIED_ON = {"rt", "5xx"}


def webhook_path(source: str) -> str:
    """Return the path to which Twilio must send webhooks of this kind."""
    return f"/webhooks/twilio/{source}/"


def points_here(url: str, source: str) -> bool:
    """Return whether the URL is our endpoint for webhooks of this kind, whatever its query."""
    return has_our_origin(url) and _split(url).path == webhook_path(source)


def has_our_host(url: str) -> bool:
    """Return whether the URL has one of our hosts: only in such a URL do we report an error."""
    return _split(url).hostname in {_split(ours).hostname for ours in _our_origins()}


def has_our_origin(url: str) -> bool:
    """Return whether scheme, host and port are those of one of our public URLs."""
    return _origin(url) in map(_origin, _our_origins())


def asks_for_retries(url: str) -> bool:
    """Return whether the fragment makes Twilio retry (Twilio docs: "connection overrides")."""
    options = parse_qs(_split(url).fragment)
    count = options.get("rc", ["1"])[0]
    policy = set(",".join(options.get("rp", [])).split(","))
    return count != "0" and ("all" in policy or policy >= RETRIED_ON)


def _our_origins() -> list[str]:
    return [settings.PUBLIC_BASE_URL, *settings.OTHER_BASE_URLS, *settings.HTTPS_ORIGINS]


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = _split(url)
    return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme)


def _split(url: str) -> SplitResult:
    """Return the parts of a URL, all empty if it is malformed: people type them in by hand."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return urlsplit("")
    return parts
