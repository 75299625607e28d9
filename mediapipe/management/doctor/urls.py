"""Where a URL leads that somebody wrote down at Twilio: to us, nearly to us, or elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qs, urlsplit

from django.conf import settings

from mediapipe.management.doctor.issues import Trouble
from mediapipe.management.doctor.public_url import SOURCES, url_of

PORTS = {"http": 80, "https": 443}
# After these Twilio is to send a webhook again; "all" is both and more.
REPEAT_AFTER = {"rt", "5xx"}


def leads_here(url: str, source: str) -> bool:
    """Tell whether the URL is the one for webhooks of this kind, whatever its query."""
    return _is_our_origin(url) and _path(url) == _path(url_of(source))


def is_our_host(url: str) -> bool:
    """Tell whether the URL is meant for us: what is wrong with another one is not our business."""
    return _split(url).hostname == _split(settings.PUBLIC_BASE_URL).hostname


def wrong_with(url: str, source: str) -> Iterator[Trouble]:
    """Yield what keeps a URL with our host from being the one for webhooks of this kind."""
    if not _is_our_origin(url):
        yield Trouble.WEBHOOK_ORIGIN_DIFFERS
    elif not leads_here(url, source):
        ours = {_path(url_of(kind)) for kind in SOURCES}
        yield Trouble.WEBHOOK_WRONG_KIND if _path(url) in ours else Trouble.WEBHOOK_PATH_WRONG


def is_repeated(url: str) -> bool:
    """Tell whether the fragment tells Twilio to repeat (Twilio: webhook connection overrides)."""
    options = parse_qs(_split(url).fragment)
    times, after = options.get("rc", ["1"])[0], set(",".join(options.get("rp", [])).split(","))
    return times != "0" and ("all" in after or after >= REPEAT_AFTER)


def _is_our_origin(url: str) -> bool:
    return _origin(url) == _origin(settings.PUBLIC_BASE_URL)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = _split(url)
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)


def _path(url: str) -> str:
    return _split(url).path


def _split(url: str) -> SplitResult:
    """Return the parts of a URL; what is none has none."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return urlsplit("")
    return parts
