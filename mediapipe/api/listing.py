"""Which media items are asked for, and the page of them that a cursor names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from django.db.models import Q
from django.http import QueryDict

from mediapipe.api.responses import Refused
from mediapipe.models import MediaItem, Status
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.period import InvalidPeriod, parse_time

PARAMETERS = ("sid", "status", "since", "until", "limit", "cursor")
SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
CURSOR = re.compile(r"([0-9]{1,16})-([0-9]{1,18})")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DEFAULT_LIMIT, MOST = 50, 200
# Every other SID is that of a message or of a recording.
COLUMNS = {"ME": "media_sid", "CA": "event__call_sid", "AC": "account_sid"}


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last item of a page: the next page begins after it, whatever came in meanwhile."""

    received_at: datetime
    pk: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the cursor that `str` has written; raise Refused."""
        parts = CURSOR.fullmatch(text)
        if parts is None:
            raise Refused("The cursor is not one of ours; begin without one.")
        return cls(EPOCH + timedelta(microseconds=int(parts[1])), int(parts[2]))

    def __str__(self) -> str:
        return f"{(self.received_at - EPOCH) // timedelta(microseconds=1)}-{self.pk}"

    def after(self) -> Q:
        """Match what comes after it, the newest first."""
        same = Q(received_at=self.received_at, pk__lt=self.pk)
        return Q(received_at__lt=self.received_at) | same


@dataclass(frozen=True, slots=True)
class Page:
    """Some media items, the newest first, and the cursor of the page after it, if there is one."""

    media: list[MediaItem]
    next: Cursor | None

    @classmethod
    def read(cls, parameters: QueryDict, media: MediaQuerySet) -> Self:
        """Return the page of this media that the parameters of a query ask for; raise Refused."""
        asked = _asked(parameters)
        limit = _limit(asked.get("limit", str(DEFAULT_LIMIT)))
        rows = _chosen(media, asked).select_related("event").defer("event__parameters")
        if "cursor" in asked:
            rows = rows.filter(Cursor.read(asked["cursor"]).after())
        found = list(rows.order_by("-received_at", "-pk")[: limit + 1])
        last = found[limit - 1] if len(found) > limit else None
        return cls(found[:limit], Cursor(last.received_at, last.pk) if last else None)


def _asked(parameters: QueryDict) -> dict[str, str]:
    for name, values in parameters.lists():
        if name not in PARAMETERS:
            # A name that is mistyped would otherwise list everything.
            raise Refused(f"There is no such parameter; there are {', '.join(PARAMETERS)}.")
        if len(values) != 1:
            raise Refused(f"{name} is given more than once.")
    return {name: values[0] for name, values in parameters.lists()}


def _limit(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= MOST:
        raise Refused(f"limit is a whole number from 1 to {MOST}.")
    return int(text)


def _chosen(media: MediaQuerySet, asked: dict[str, str]) -> MediaQuerySet:
    if "sid" in asked:
        media = media.filter(**_of_sid(asked["sid"]))
    if "status" in asked:
        media = media.filter(status=_status(asked["status"]))
    if "since" in asked:
        media = media.filter(received_at__gte=_moment("since", asked["since"]))
    if "until" in asked:
        media = media.filter(received_at__lt=_moment("until", asked["until"]))
    return media


def _of_sid(sid: str) -> dict[str, str]:
    if not SID.fullmatch(sid):
        raise Refused("sid is two capital letters and 32 hex digits, as Twilio writes them.")
    return {COLUMNS.get(sid[:2], "event__subject_sid"): sid}


def _status(status: str) -> str:
    if status not in Status.values:
        raise Refused(f"status is one of {', '.join(Status.values)}.")
    return status


def _moment(name: str, text: str) -> datetime:
    try:
        return parse_time(text)
    except InvalidPeriod:
        raise Refused(
            f"{name} is no ISO 8601 time; write for example 2026-01-31T12:00:00Z."
        ) from None
