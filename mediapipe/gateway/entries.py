"""The apps of GATEWAY_FILE: which webhooks each one gets, and how."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache
from itertools import combinations
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.dispatch import receiver

from mediapipe import providers
from mediapipe.gateway import urls
from mediapipe.providers.twilio.accounts import ACCOUNT_SID, json_list
from mediapipe.settings.values import duration_s

logger = logging.getLogger(__name__)

C = TypeVar("C", bound=StrEnum)

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
# A number, a short code, or an address after its channel such as whatsapp:+15550000001.
ADDRESS = re.compile(r"[!-~]{1,255}")
PACE = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,3})?)/s")
MAX_HOLD_S = 3600.0
REMEDY = (
    "Webhooks are spooled and no message goes to an app until it is correct: `manage.py check`"
    " says when it is, and docs/gateway.md has an example."
)


class Answer(StrEnum):
    """Whether Twilio gets the answer of the app, or an empty one at once."""

    APP = "app"
    EMPTY = "empty"


class Media(StrEnum):
    """Whether a delivery waits until the media of its message is stored."""

    HOLD = "hold"
    LEAVE = "leave"


class Sign(StrEnum):
    """Whether the request is signed for the app's URL, or keeps Twilio's signature for ours."""

    URL = "url"
    KEEP = "keep"


class Retry(StrEnum):
    """Whether to send again only what the app certainly did not process, or all that failed."""

    SURE = "sure"
    ALL = "all"


class OnFailure(StrEnum):
    """What Twilio gets if an app with `answer: app` fails: an empty answer, or the failure."""

    LATER = "later"
    PASS = "pass"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Entry:
    """One app. Empty `accounts`, `to` and `sources` mean all of them.

    `connect` is the origin to connect to instead of that of `url`, or "". `hold_s` is the longest
    wait for media, in seconds; `pace` is how many late deliveries per second the app gets.
    """

    name: str
    # It may contain a password or a secret path.
    url: str = field(repr=False)
    connect: str = ""
    accounts: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    answer: Answer = Answer.APP
    media: Media = Media.HOLD
    hold_s: float = 60.0
    sign: Sign = Sign.URL
    retry: Retry = Retry.SURE
    on_failure: OnFailure = OnFailure.LATER
    pace: float = 2.0

    def fits(self, account_sid: str, to: str, source: str) -> bool:
        """Return whether the app gets a webhook of this account and source to this address."""
        wanted = ((self.accounts, account_sid), (self.to, to), (self.sources, source))
        return all(value in values for values, value in wanted if values)

    def overlaps(self, other: Entry) -> bool:
        """Return whether one webhook could fit both."""
        pairs = (
            (self.accounts, other.accounts),
            (self.to, other.to),
            (self.sources, other.sources),
        )
        return all(set(ours) & set(theirs) for ours, theirs in pairs if ours and theirs)


@cache
def entries() -> tuple[Entry, ...]:
    """Return the apps of GATEWAY_FILE in its order, () without a file.

    Raises ImproperlyConfigured, whose message names the file and the entry but never shows a URL.
    """
    if not settings.GATEWAY_FILE:
        return ()
    where = f"GATEWAY_FILE ({settings.GATEWAY_FILE})"
    objects = json_list(where, settings.GATEWAY_FILE)
    found = tuple(_entry(f"{where}, entry {n}", each) for n, each in enumerate(objects, start=1))
    for one, other in combinations(found, 2):
        if one.name == other.name:
            raise ImproperlyConfigured(f"{where}: two entries are named {one.name}.")
        if one.answer == other.answer == Answer.APP and one.overlaps(other):
            raise ImproperlyConfigured(
                f"{where}: {one.name} and {other.name} both have answer app, and one webhook could"
                " fit both: set answer empty for one of them, or give them different accounts, to"
                " or sources."
            )
    return found


def entries_for(account_sid: str, to: str, source: str) -> tuple[Entry, ...]:
    """Return the apps that get a webhook of this account and source to this address.

    At most one of them has the answer `app`. Raises ImproperlyConfigured for an invalid file.
    """
    return tuple(entry for entry in entries() if entry.fits(account_sid, to, source))


def entry_named(name: str) -> Entry | None:
    """Return the app of this name; None if it is no longer configured."""
    return next((entry for entry in entries() if entry.name == name), None)


def read_at_start() -> None:
    """Read GATEWAY_FILE once for this process, or log what is wrong with it.

    A process keeps what it has read. If the file was invalid, the process reads it again for each
    webhook, so no restart is needed once the file is correct.
    """
    try:
        if apps := entries():
            logger.info("apps in GATEWAY_FILE (%s): %d", settings.GATEWAY_FILE, len(apps))
    except ImproperlyConfigured as error:
        logger.critical("%s %s", error, REMEDY)


def entry_names() -> list[str]:
    """Return the names of the apps, sorted; none while GATEWAY_FILE is invalid.

    For pages and metrics, which must not fail over it; a system check says what is wrong.
    """
    try:
        return sorted(entry.name for entry in entries())
    except ImproperlyConfigured:
        return []


@receiver(setting_changed)
def _clear_cache(*, setting: str, **kwargs: Any) -> None:
    # Only tests change settings while the program runs.
    entries.cache_clear()


def _entry(where: str, given: object) -> Entry:
    names = [each.name for each in fields(Entry)]
    names[names.index("hold_s")] = "hold"
    if not isinstance(given, dict) or not given.keys() <= set(names):
        raise ImproperlyConfigured(
            f"{where} must be an object with no keys but {', '.join(names)}."
        )
    name = given.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise ImproperlyConfigured(
            f"{where}: name must be up to 40 lower-case letters, digits, hyphens and underscores."
        )
    where = f"{where} ({name})"
    return Entry(
        name=name,
        **_destination(where, given),
        accounts=_list(where, given, "accounts", _is_sid, "account SIDs of AC and 32 hex digits"),
        to=_list(where, given, "to", _is_address, "addresses such as +15550000001"),
        sources=_list(where, given, "sources", _is_source, " or ".join(_sources())),
        answer=_choice(where, given, "answer", Answer),
        media=_choice(where, given, "media", Media),
        hold_s=_hold_s(where, given.get("hold", "60s")),
        sign=_choice(where, given, "sign", Sign),
        retry=_choice(where, given, "retry", Retry),
        on_failure=_choice(where, given, "on_failure", OnFailure, "later"),
        pace=_pace(where, given.get("pace", "2/s")),
    )


def _destination(where: str, given: Mapping[str, Any]) -> dict[str, str]:
    url, connect = given.get("url"), given.get("connect") or ""
    if fault := urls.url_fault(url, has_connect=bool(connect)):
        raise ImproperlyConfigured(f"{where}: url {fault}.")
    if fault := urls.connect_fault(connect):
        raise ImproperlyConfigured(f"{where}: connect {fault}.")
    return {"url": str(url), "connect": str(connect).rstrip("/")}


def _list(
    where: str, given: Mapping[str, Any], key: str, is_valid: Callable[[str], bool], what: str
) -> tuple[str, ...]:
    values = given.get(key) or []
    texts = isinstance(values, list) and all(isinstance(value, str) for value in values)
    if not texts or not all(map(is_valid, values)):
        raise ImproperlyConfigured(f"{where}: {key} must be a list of {what}.")
    return tuple(values)


def _choice(where: str, given: Mapping[str, Any], key: str, kind: type[C], default: str = "") -> C:
    first = next(iter(kind))
    try:
        return kind(given.get(key) or default or first)
    except ValueError:
        raise ImproperlyConfigured(f"{where}: {key} must be {' or '.join(kind)}.") from None


def _hold_s(where: str, value: object) -> float:
    try:
        hold_s = duration_s(value if isinstance(value, str) else "")
    except ValueError:
        hold_s = 0.0
    if not 0 < hold_s <= MAX_HOLD_S:
        raise ImproperlyConfigured(f"{where}: hold must be a duration such as 60s, up to 1h.")
    return hold_s


def _pace(where: str, value: object) -> float:
    match = PACE.fullmatch(value) if isinstance(value, str) else None
    if match is None or float(match[1]) <= 0:
        raise ImproperlyConfigured(f"{where}: pace must be deliveries per second, such as 2/s.")
    return float(match[1])


def _is_sid(text: str) -> bool:
    return bool(ACCOUNT_SID.fullmatch(text))


def _is_address(text: str) -> bool:
    return bool(ADDRESS.fullmatch(text))


def _is_source(text: str) -> bool:
    return text in _sources()


def _sources() -> list[str]:
    return [source for provider in providers.PROVIDERS.values() for source in provider.sources]
