"""Media with early 404s, and its attempts, at given times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from mediapipe.models import MediaItem
from mediapipe.providers.base import InboundMessage
from tests.support import make


def media(
    at: datetime,
    *,
    not_found_s: Sequence[float] = (),
    found_s: float | None = None,
    inbound: InboundMessage | None = None,
    region: str = "us1",
    redirect_host: str = "mms.twiliocdn.com",
    **changes: Any,
) -> MediaItem:
    """Return an item that got a 404 at each `not_found_s` and was stored at `found_s`.

    Both are seconds after the webhook. Without `found_s` the item is still retrying.
    """
    item = make.media(inbound, at)
    moments = [at + timedelta(seconds=seconds) for seconds in not_found_s]
    for number, moment in enumerate(moments, start=1):
        item.attempt_set.create(
            number=number,
            started_at=moment,
            outcome="not_ready",
            http_status=404,
            twilio_code=20404,
            twilio_request_id=f"RQ{item.pk:04}{number:04}",
            home_region=region,
            duration_s=0.2,
        )
    values: dict[str, Any] = {
        "first_attempt_at": moments[0] if moments else None,
        "last_not_found_at": moments[-1] if moments else None,
        "not_found_count": len(moments),
        "attempts": len(moments),
        "status": "retrying",
        "delay_at_least_s": not_found_s[-1] if not_found_s else 0.0,
    }
    if found_s is not None:
        values |= _found(item, at + timedelta(seconds=found_s), values, region, redirect_host)
        values["delay_at_most_s"] = found_s
    first = values["first_attempt_at"]
    values["queue_lag_s"] = (first - at).total_seconds() if first else None
    MediaItem.objects.filter(pk=item.pk).update(**values | changes)
    item.refresh_from_db()
    return item


def _found(
    item: MediaItem, moment: datetime, values: dict[str, Any], region: str, redirect_host: str
) -> dict[str, Any]:
    number = values["attempts"] + 1
    item.attempt_set.create(
        number=number,
        started_at=moment,
        outcome="stored",
        http_status=200,
        twilio_request_id=f"RQ{item.pk:04}{number:04}",
        home_region=region,
        redirect_host=redirect_host,
        duration_s=0.4,
    )
    return {
        "first_attempt_at": values["first_attempt_at"] or moment,
        "found_at": moment,
        "retrieved_at": moment + timedelta(seconds=0.3),
        "attempts": number,
        "status": "stored",
        "http_status": 200,
        "twilio_request_id": f"RQ{item.pk:04}{number:04}",
    }
