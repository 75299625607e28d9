from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from urllib.parse import urlencode

from mediapipe.gateway.original import OriginalRequest
from mediapipe.models import AnswerUse, GatewayApp, GatewayDelivery, GatewayStatus, WebhookEvent
from mediapipe.models.gateway_status import OPEN, UNDELIVERED
from mediapipe.models.outbox import LEASE

APP = "support-inbox"
URL = "https://hooks.example.com/twilio/messages"
HOLD = timedelta(seconds=60)
HEADERS = (("content-type", "application/x-www-form-urlencoded"), ("x-twilio-signature", "none"))
# Only deliveries of webhooks received this long before the end may still be open.
OPEN_FOR = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Fate:
    """The status of a delivery, its share of 100, and the app's response."""

    share: int
    status: GatewayStatus
    http_status: int | None
    detail: str = ""
    answer: str = ""


ENDED = (
    Fate(85, GatewayStatus.DELIVERED, 200, "HTTP 200", AnswerUse.USED),
    Fate(4, GatewayStatus.DELIVERED, 204, "HTTP 204", AnswerUse.NOT_NEEDED),
    Fate(2, GatewayStatus.DELIVERED, 200, "The answer came late.", AnswerUse.LOST),
    Fate(4, GatewayStatus.REFUSED, 404, "The app responded with 404."),
    Fate(2, GatewayStatus.UNKNOWN, None, "too_slow: no answer within 14 s"),
    Fate(2, GatewayStatus.GAVE_UP, 503, "The app responded with 503."),
    Fate(1, GatewayStatus.DROPPED, None, "The app was removed from GATEWAY_FILE."),
)
# The time limit for an app's response.
BUDGET_S = 14.0
UNFINISHED = (
    Fate(70, GatewayStatus.WAITING, 503, "The app responded with 503."),
    Fate(30, GatewayStatus.SENDING, None),
)


def app() -> GatewayApp:
    """Return the app that the deliveries are for; it can be reached."""
    return GatewayApp(name=APP)


def deliveries(
    events: list[WebhookEvent], until: datetime, rng: Random
) -> Iterator[GatewayDelivery]:
    """Yield the delivery of each of these messages to the app."""
    for event in events:
        is_open = until - event.received_at < OPEN_FOR and rng.random() < 0.3
        fates = UNFINISHED if is_open else ENDED
        fate = rng.choices(fates, [each.share for each in fates])[0]
        yield _delivery(event, fate, until, rng)


def _delivery(event: WebhookEvent, fate: Fate, until: datetime, rng: Random) -> GatewayDelivery:
    drawn_s = round(rng.uniform(0.04, 0.6), 3)
    total_s = BUDGET_S if fate.status == GatewayStatus.UNKNOWN else drawn_s
    ended_at = event.received_at + timedelta(seconds=total_s)
    is_open = fate.status in OPEN
    statuses = sorted(item.status for item in event.media.all())
    delivery = GatewayDelivery(
        event=event,
        entry=APP,
        status=fate.status,
        holds_for_media=True,
        hold_until=event.received_at + HOLD,
        late=fate.status == GatewayStatus.WAITING,
        received_at=event.received_at,
        attempts=1,
        next_attempt_at=until + LEASE if is_open else None,
        sweep_at=until + LEASE,
        ended_at=None if is_open else ended_at,
        http_status=fate.http_status,
        content_type="text/xml" if fate.http_status == 200 else "",
        answer_bytes=59 if fate.http_status == 200 else 0,
        answer=fate.answer,
        connect_s=0.004 if fate.http_status else None,
        total_s=total_s if fate.detail else None,
        detail=fate.detail,
        media_then=", ".join(f"{statuses.count(each)} {each}" for each in dict.fromkeys(statuses)),
        log=_log(event, fate, total_s),
    )
    if is_open or fate.status in UNDELIVERED:
        body = urlencode([(name, value) for name, value in event.parameters]).encode()
        delivery.seal(OriginalRequest("POST", URL, HEADERS, body).to_json())
    return delivery


def _log(event: WebhookEvent, fate: Fate, total_s: float) -> list[dict[str, object]]:
    if not fate.detail:
        return []
    return [{"at": event.received_at.isoformat(), "took_s": total_s, "result": fate.detail}]
