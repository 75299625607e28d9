from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from django.conf import settings
from django.db.models import Q
from django.http import QueryDict

from mediapipe.api.responses import ApiError
from mediapipe.models import MediaItem, Status
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.period import InvalidPeriod, parse_time

PARAMETERS = ("sid", "status", "since", "until", "limit", "cursor")
SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
CURSOR = re.compile(r"([0-9]{1,16})-([0-9]{1,18})")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DEFAULT_LIMIT, MAX_LIMIT = 50, 200
# All other SIDs belong to messages and recordings.
COLUMNS = {"ME": "media_sid", "CA": "event__call_sid", "AC": "account_sid"}


@dataclass(frozen=True, slots=True)
class PageCursor:
    """The position after a page; it stays valid while new items arrive."""

    received_at: datetime
    pk: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the output of str(); raise ApiError if it is invalid."""
        parts = CURSOR.fullmatch(text)
        if parts is None:
            raise ApiError("The cursor is not valid; begin without one.")
        return cls(EPOCH + timedelta(microseconds=int(parts[1])), int(parts[2]))

    def __str__(self) -> str:
        return f"{(self.received_at - EPOCH) // timedelta(microseconds=1)}-{self.pk}"

    def after(self) -> Q:
        """Match the items after this position, in descending order."""
        same = Q(received_at=self.received_at, pk__lt=self.pk)
        return Q(received_at__lt=self.received_at) | same


@dataclass(frozen=True, slots=True)
class MediaPage:
    """Some media items, the newest first, and the cursor of the next page, if there is one."""

    media: list[MediaItem]
    next: PageCursor | None

    @classmethod
    def from_query(cls, parameters: QueryDict, media: MediaQuerySet) -> Self:
        """Return the requested page of these media items; raise ApiError for invalid parameters."""
        requested = _single_values(parameters)
        limit = _limit(requested.get("limit", str(DEFAULT_LIMIT)))
        rows = with_events(_filtered(media, requested))
        if "cursor" in requested:
            rows = rows.filter(PageCursor.parse(requested["cursor"]).after())
        found = list(rows.order_by("-received_at", "-pk")[: limit + 1])
        last = found[limit - 1] if len(found) > limit else None
        return cls(found[:limit], PageCursor(last.received_at, last.pk) if last else None)


def with_events(media: MediaQuerySet) -> MediaQuerySet:
    """Load the events with the items, but their parameters only if responses contain texts."""
    media = media.select_related("event")
    return media if settings.SHARE_SENDER_AND_TEXT else media.defer("event__parameters")


def _single_values(parameters: QueryDict) -> dict[str, str]:
    for name, values in parameters.lists():
        if name not in PARAMETERS:
            # Otherwise a mistyped filter would return everything.
            raise ApiError(f"Unknown parameter; the parameters are {', '.join(PARAMETERS)}.")
        if len(values) != 1:
            raise ApiError(f"{name} is given more than once.")
    return {name: values[0] for name, values in parameters.lists()}


def _limit(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= MAX_LIMIT:
        raise ApiError(f"limit must be a whole number from 1 to {MAX_LIMIT}.")
    return int(text)


def _filtered(media: MediaQuerySet, requested: dict[str, str]) -> MediaQuerySet:
    sid, status = requested.get("sid"), requested.get("status")
    if sid is not None:
        if not SID.fullmatch(sid):
            raise ApiError("sid must be two capital letters and 32 lower-case hex digits.")
        media = media.filter(**{COLUMNS.get(sid[:2], "event__subject_sid"): sid})
    if status is not None:
        if status not in Status.values:
            raise ApiError(f"status must be one of {', '.join(Status.values)}.")
        media = media.filter(status=status)
    if "since" in requested:
        media = media.filter(received_at__gte=_time("since", requested["since"]))
    if "until" in requested:
        media = media.filter(received_at__lt=_time("until", requested["until"]))
    return media


def _time(name: str, text: str) -> datetime:
    try:
        return parse_time(text)
    except InvalidPeriod:
        raise ApiError(
            f"{name} is not an ISO 8601 time; use the form 2026-01-31T12:00:00Z."
        ) from None
