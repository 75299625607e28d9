"""The cookies of an app, adapted so that Twilio accepts them from our URL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

# Twilio keeps cookies for four hours and sends them with each request; browsers accept as many.
MAX_COOKIES = 20
MAX_BYTES = 4096


def for_our_path(cookies: Iterable[str], path: str) -> tuple[str, ...]:
    """Return values of Set-Cookie that are valid at `path` of our host.

    What Twilio would refuse together with the whole answer (error 11206) is left out: control
    characters, and cookies without a name.
    """
    return tuple(_adapted(cookies, path))[:MAX_COOKIES]


def _adapted(cookies: Iterable[str], path: str) -> Iterator[str]:
    for cookie in cookies:
        pair, *attributes = (part.strip() for part in cookie.split(";"))
        name, equals, _ = pair.partition("=")
        if not (name.strip() and equals and cookie.isprintable() and len(cookie) <= MAX_BYTES):
            continue
        kept = [each for each in attributes if _name_of(each) not in {"domain", "path", ""}]
        yield "; ".join([pair, f"Path={path}", *kept])


def _name_of(attribute: str) -> str:
    return attribute.partition("=")[0].strip().lower()
