from __future__ import annotations

from urllib.parse import SplitResult, parse_qs, urlsplit

from django.conf import settings

from mediapipe.management.doctor.issues import Issue
from mediapipe.management.doctor.public_url import SOURCES, webhook_url

DEFAULT_PORTS = {"http": 80, "https": 443}
# Read timeout and server error; "all" includes them.
RETRIED_ON = {"rt", "5xx"}


def points_here(url: str, source: str) -> bool:
    """Return whether the URL is our endpoint for webhooks of this kind, whatever its query."""
    return _has_our_origin(url) and _split(url).path == _split(webhook_url(source)).path


def has_our_host(url: str) -> bool:
    """Return whether the URL is meant for us; only then is an error in it ours to report."""
    return _split(url).hostname == _split(settings.PUBLIC_BASE_URL).hostname


def url_issue(url: str, source: str) -> Issue | None:
    """Return why a URL with our host is not our endpoint for webhooks of this kind."""
    if not _has_our_origin(url):
        return Issue.WEBHOOK_ORIGIN_DIFFERS
    if points_here(url, source):
        return None
    ours = any(points_here(url, other) for other in SOURCES)
    return Issue.WEBHOOK_WRONG_KIND if ours else Issue.WEBHOOK_PATH_WRONG


def asks_for_retries(url: str) -> bool:
    """Return whether the fragment makes Twilio retry (Twilio docs: "connection overrides")."""
    options = parse_qs(_split(url).fragment)
    count = options.get("rc", ["1"])[0]
    policy = set(",".join(options.get("rp", [])).split(","))
    return count != "0" and ("all" in policy or policy >= RETRIED_ON)


def _has_our_origin(url: str) -> bool:
    origins = {
        (parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS.get(parts.scheme))
        for parts in (_split(url), _split(settings.PUBLIC_BASE_URL))
    }
    return len(origins) == 1


def _split(url: str) -> SplitResult:
    """Return the parts of a URL, all empty if it is malformed: it was typed in by hand."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return urlsplit("")
    return parts
