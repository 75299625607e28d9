"""How times, delays, sizes, states and strangers' words are written on every page."""

from __future__ import annotations

import math
import re
from datetime import datetime
from itertools import pairwise

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mediapipe.models import IncidentState, MediaItem, Status
from mediapipe.models.delays import Span, span, waited_s
from mediapipe.models.outbox import DeliveryStatus

# They turn around what follows them (gpj.exe is read as exe.jpg), or move a terminal's cursor.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
# A word tells the state, and a sign beside it lets an eye find it in a long list.
SIGNS: dict[str, str] = {
    Status.QUEUED: "○",
    Status.FETCHING: "↓",
    Status.RETRYING: "↻",
    Status.STORED: "✓",
    Status.FAILED: "✕",
    Status.ABSENT: "–",  # noqa: RUF001  (a dash: there is nothing)
    IncidentState.OPEN: "!",
    IncidentState.ACKNOWLEDGED: "◐",
    IncidentState.REPORTED: "→",
    IncidentState.RESOLVED: "✓",
    IncidentState.IGNORED: "–",  # noqa: RUF001
    DeliveryStatus.WAITING: "○",
    DeliveryStatus.DELIVERED: "✓",
}
UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def plain(text: object) -> str:
    """Return the text with the signs that nobody sees written as their codes."""
    return UNSEEN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", str(text))


def state(status: str) -> SafeString:
    """Return a state as sign and word; a screen reader reads the word alone."""
    return format_html(
        '<span class="state state-{}"><span aria-hidden="true">{}</span> {}</span>',
        status,
        SIGNS[status],
        status,
    )


def moment(at: datetime | None) -> str:
    """Return a time in TIME_ZONE with its offset, to the second."""
    if at is None:
        return "-"
    local = timezone.localtime(at)
    offset = f"{local:%z}"
    return f"{local:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:5]}"


def seconds(duration_s: float | None) -> str:
    """Return a duration as people say it: 0.42 s, 4.8 s, 42 s, 3 min 20 s, 2 h 5 min, 1 d 3 h."""
    if duration_s is None:
        return "-"
    if duration_s < 0:
        return f"-{seconds(-duration_s)}"
    if duration_s < 59.5:
        return f"{duration_s:.{0 if duration_s >= 9.95 else 1 if duration_s >= 0.95 else 2}f} s"
    whole = round(duration_s)
    names = [*UNITS, (1.0, "s")]
    for (length, name), (smaller, smaller_name) in pairwise(names):
        if whole >= length:
            rest = int(whole % length // smaller)
            return f"{int(whole // length)} {name}" + (f" {rest} {smaller_name}" if rest else "")
    raise AssertionError(duration_s)


def delay(media: MediaItem) -> str:
    """Return how long the media took to be there, as the interval that is all that is known."""
    found = span(media)
    if found:
        return _interval(found)
    waited = waited_s(media)
    return f"over {seconds(waited)}" if waited else "-"


def _interval(delay: Span) -> str:
    if not delay.at_least_s:
        return f"at most {seconds(delay.at_most_s)}"
    return f"{seconds(delay.at_least_s)} to {seconds(delay.at_most_s)}"


def size(count: int | None) -> str:
    """Return a number of bytes as people say it: 812 bytes, 1.4 MB."""
    if count is None:
        return "-"
    if count < 1000:
        return f"{count} bytes"
    power = min(int(math.log(count, 1000)), 3)
    value = count / 1000**power
    return f"{value:.{1 if value < 99.5 else 0}f} {('kB', 'MB', 'GB')[power - 1]}"


def times(count: int) -> str:
    """Return how often, in words where there is one."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th, 11th, 21st."""
    last = number % 10 if number // 10 % 10 != 1 else 0
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def counted(count: int, one: str, many: str = "") -> str:
    """Return `1 media item`, `2 media items`, `12 345 media items`."""
    return f"{number(count)} {one if count == 1 else many or one + 's'}"


def number(count: int) -> str:
    """Return a number with a narrow space after its thousands."""
    return f"{count:,}".replace(",", "\u202f")
