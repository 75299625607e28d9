from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from itertools import pairwise

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mediapipe.models import GatewayStatus, IncidentState, MediaItem, Status
from mediapipe.models.delays import span, waited_s
from mediapipe.models.outbox import DeliveryStatus
from mediapipe.providers import get

# Control characters, and those that reverse the text after them (gpj.exe looks like exe.jpg).
INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
# The word is for everyone; the sign makes a state easy to spot in a long list.
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
    GatewayStatus.SENDING: "↓",
    GatewayStatus.REFUSED: "✕",
    GatewayStatus.UNKNOWN: "?",
    GatewayStatus.GAVE_UP: "✕",
    GatewayStatus.DROPPED: "–",  # noqa: RUF001
}
UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def plain(text: object) -> str:
    """Return the text with invisible characters written as their codes."""
    return INVISIBLE.sub(lambda character: f"\\u{ord(character[0]):04x}", str(text))


def state_label(status: str, label: str = "") -> SafeString:
    """Return a state as sign and word; screen readers read the word only."""
    return format_html(
        '<span class="state state-{}"><span aria-hidden="true">{}</span> {}</span>',
        status,
        SIGNS[status],
        label or status.replace("_", " "),
    )


def local_time(at: datetime | None, timespec: str = "seconds") -> str:
    """Format a time in TIME_ZONE, which every page names once; timespec as in isoformat()."""
    if at is None:
        return "-"
    return timezone.localtime(at).replace(tzinfo=None).isoformat(" ", timespec)


def timestamp(at: datetime | None, timespec: str = "seconds") -> str:
    """Return the local time as HTML; its tooltip is in UTC."""
    if at is None:
        return "-"
    utc = at.astimezone(UTC).isoformat(" ", timespec).replace("+00:00", " UTC")
    shown = local_time(at, timespec)
    return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), utc, shown)


def duration(seconds: float | None) -> str:
    """Format a duration: 0.42 s, 4.8 s, 42 s, 3 min 20 s, 2 h 5 min, 1 d 3 h."""
    if seconds is None:
        return "-"
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 59.5:
        return f"{seconds:.{0 if seconds >= 9.95 else 1 if seconds >= 0.95 else 2}f} s"
    whole = round(seconds)
    for (length, name), (smaller, smaller_name) in pairwise(UNITS):
        if whole >= length:
            rest = int(whole % length // smaller)
            return f"{int(whole // length)} {name}" + (f" {rest} {smaller_name}" if rest else "")
    raise AssertionError(seconds)


def delay_range(at_least_s: float | None, at_most_s: float | None) -> str:
    """Format a delay that is only known as an interval; infinity means no upper bound."""
    if at_least_s is None or at_most_s is None:
        return "-"
    if math.isinf(at_most_s):
        return f"over {duration(at_least_s)}"
    if not at_least_s:
        return f"at most {duration(at_most_s)}"
    return f"{duration(at_least_s)} to {duration(at_most_s)}"


def propagation_delay(media: MediaItem) -> str:
    if found := span(media):
        return delay_range(found.at_least_s, found.at_most_s)
    return delay_range(waited_s(media) or None, math.inf)


def account_name(account_sid: str) -> str:
    """Return the name of the account, or its SID if it has none."""
    return plain(get("twilio").account_name(account_sid) or account_sid)


def account(account_sid: str) -> SafeString:
    """Return the name or the SID; its tooltip is the SID."""
    label = account_name(account_sid)
    return format_html('<span class="sid" title="{}">{}</span>', account_sid, label)


def size(count: int | None) -> str:
    """Format a number of bytes: 812 bytes, 1.4 MB."""
    if count is None:
        return "-"
    if count < 1000:
        return f"{count} bytes"
    power = min(int(math.log(count, 1000)), 3)
    value = count / 1000**power
    return f"{value:.{1 if value < 99.5 else 0}f} {('kB', 'MB', 'GB')[power - 1]}"


def times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th, 11th, 21st."""
    last = number % 10 if number // 10 % 10 != 1 else 0
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"


def counted(count: int, one: str, many: str = "") -> str:
    """Return `1 media item`, `2 media items`, `12,345 media items`."""
    return f"{grouped(count)} {one if count == 1 else many or one + 's'}"


def grouped(count: int) -> str:
    """Format a number with commas between thousands."""
    return f"{count:,}"
