from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random

from mediapipe.providers.base import AnnouncedMedia, InboundMessage, Kind

API = "https://api.twilio.com/2010-04-01/Accounts"
ACCOUNT_SHARES = (70, 20, 10)
MEDIA_COUNTS = ((1, 78), (2, 9), (3, 5), (4, 2), (6, 2), (10, 1), (0, 3))
MESSAGE_TYPES = (
    ("image/jpeg", 62),
    ("image/png", 12),
    ("image/gif", 4),
    ("video/mp4", 9),
    ("audio/ogg", 8),
    ("application/pdf", 4),
    ("text/vcard", 1),
)
RECORDING_TYPE = "audio/wav"
RECORDING_SHARE = 0.15
WHATSAPP_SHARE = 0.3
REPEATED_SHARE = 0.02
TEXTS = ("", "Here is my receipt.", "Is this the right part?", "The damage, from both sides.")
# The relative number of media items in each hour of the day, in UTC.
HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 9, 8, 9, 10, 10, 9, 8, 7, 6, 5, 4, 3, 3)
# The number of items drawn at once, to limit memory.
DRAWN = 1000
# Counted back from the end: when Twilio was slow, and when our workers could not keep up.
OUTBREAK = timedelta(hours=8), timedelta(hours=20)
BACKLOG = timedelta(days=4), timedelta(days=4, hours=2)
# For this long before the end Twilio has refused the credentials of the smallest account.
REFUSED_FOR = timedelta(minutes=90)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One webhook: when it arrived, how often it was repeated, and what was wrong then."""

    message: InboundMessage
    at: datetime
    repeats: int
    outbreak: bool
    backlog: bool
    refused: bool = False


def arrivals(media: int, *, days: int, until: datetime, rng: Random) -> Iterator[Arrival]:
    """Yield webhooks, oldest first, that announce `media` items in total.

    Only one hour of them is in memory at a time.
    """
    accounts = account_sids(rng)
    hours = [until - timedelta(hours=number) for number in range(days * 24, 0, -1)]
    for hour, number in zip(hours, _media_per_hour(media, hours, rng), strict=True):
        counts = list(_media_counts(number, rng))
        seconds = sorted(3600 * rng.random() for _ in counts)
        for count, second in zip(counts, seconds, strict=True):
            yield _arrival(hour + timedelta(seconds=second), count, until, accounts, rng)


def _arrival(
    at: datetime, count: int, until: datetime, accounts: list[str], rng: Random
) -> Arrival:
    account = rng.choices(accounts, ACCOUNT_SHARES)[0]
    recording = count == 1 and rng.random() < RECORDING_SHARE
    return Arrival(
        _recording(account, rng) if recording else _message(account, count, rng),
        at,
        repeats=int(rng.random() < REPEATED_SHARE),
        outbreak=OUTBREAK[0] <= until - at < OUTBREAK[1],
        backlog=BACKLOG[0] <= until - at < BACKLOG[1],
        refused=account == accounts[-1] and until - at < REFUSED_FOR,
    )


def account_sids(rng: Random) -> list[str]:
    """Return the accounts of the history, the busiest first; draw nothing from `rng` before."""
    return [sid("AC", rng) for _ in ACCOUNT_SHARES]


def sid(prefix: str, rng: Random) -> str:
    return f"{prefix}{rng.getrandbits(128):032x}"


def _media_counts(media: int, rng: Random) -> Iterator[int]:
    numbers, shares = zip(*MEDIA_COUNTS, strict=True)
    while media > 0:
        count = min(media, rng.choices(numbers, shares)[0])
        media -= count
        yield count


def _media_per_hour(media: int, hours: list[datetime], rng: Random) -> list[int]:
    weights = list(accumulate(HOURS[hour.astimezone(UTC).hour] for hour in hours))
    numbers = [0] * len(hours)
    places = range(len(hours))
    for drawn in range(0, media, DRAWN):
        for place in rng.choices(places, cum_weights=weights, k=min(DRAWN, media - drawn)):
            numbers[place] += 1
    return numbers


def _message(account: str, count: int, rng: Random) -> InboundMessage:
    subject = sid("MM" if count else "SM", rng)
    types, shares = zip(*MESSAGE_TYPES, strict=True)
    media = [
        _media(f"{API}/{account}/Messages/{subject}/Media", sid("ME", rng), content_type)
        for content_type in rng.choices(types, shares, k=count)
    ]
    channel = "whatsapp:" if rng.random() < WHATSAPP_SHARE else ""
    # 555-01xx numbers are reserved for fiction.
    number = f"+1{rng.randrange(200, 990)}55501{rng.randrange(100):02d}"
    numbers = {"From": f"{channel}{number}", "To": f"{channel}+15550000001"}
    parameters = [("MessageSid", subject), ("AccountSid", account), ("Body", rng.choice(TEXTS))]
    parameters += [*numbers.items(), ("NumMedia", str(count))]
    for index, item in enumerate(media):
        parameters.append((f"MediaContentType{index}", item.declared_content_type))
        parameters.append((f"MediaUrl{index}", item.url))
    return InboundMessage(
        kind=Kind.MESSAGE,
        source="messaging",
        account_sid=account,
        subject_sid=subject,
        parameters=tuple(parameters),
        sender=numbers["From"],
        recipient=numbers["To"],
        media=tuple(media),
    )


def _recording(account: str, rng: Random) -> InboundMessage:
    subject, call = sid("RE", rng), sid("CA", rng)
    item = _media(f"{API}/{account}/Recordings", subject, "")
    parameters = {
        "AccountSid": account,
        "CallSid": call,
        "RecordingSid": subject,
        "RecordingUrl": item.url,
        "RecordingStatus": "completed",
        "RecordingDuration": str(rng.randrange(3, 600)),
    }
    return InboundMessage(
        kind=Kind.RECORDING,
        source="recording",
        account_sid=account,
        subject_sid=subject,
        parameters=tuple(parameters.items()),
        call_sid=call,
        media=(item,),
    )


def _media(folder: str, media_sid: str, content_type: str) -> AnnouncedMedia:
    return AnnouncedMedia(
        identity=media_sid,
        url=f"{folder}/{media_sid}",
        media_sid=media_sid,
        declared_content_type=content_type,
    )
