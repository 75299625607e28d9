"""What follows the end of an item: deliveries to apps, hand-offs, and the deletion at Twilio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.urls import reverse

from mediapipe.lifecycle.delete_at_provider import undelivered_hand_offs, undelivered_to_apps
from mediapipe.models import Deletion, GatewayDelivery, HandOff, MediaItem
from mediapipe.models.outbox import DeliveryStatus


@dataclass(frozen=True, slots=True)
class Link:
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Follower:
    """One line of the list; `at` is when it ended or, if `due`, when its next attempt starts."""

    name: str
    url: str
    status: str
    at: datetime | None
    note: str
    due: bool = False
    waits_for: tuple[Link, ...] = ()


def afterwards(media: MediaItem) -> Iterator[Follower]:
    """Yield what followed or will follow the end of this item, in the usual order."""
    for delivery in media.event.gateway_deliveries.order_by("pk"):
        yield _delivery(delivery)
    for hand_off in media.hand_offs.order_by("pk"):
        yield _message(hand_off, f"Hand-off to the {hand_off.get_receiver_display().lower()}")
    for deletion in Deletion.objects.filter(media=media):
        waits = deletion.status == DeliveryStatus.WAITING
        yield _message(deletion, "Deletion at Twilio", waits_for(media) if waits else ())


def _delivery(delivery: GatewayDelivery) -> Follower:
    then = f"its media then: {delivery.media_then}" if delivery.media_then else ""
    note = "; ".join(filter(None, (delivery.detail.rstrip("."), then)))
    name, at = f"Delivery to the app {delivery.entry}", delivery.ended_at
    due = at is None
    at = at or delivery.next_attempt_at
    return Follower(name, _page(delivery), delivery.status, at, note, due)


def _message(message: Any, name: str, waits_for: tuple[Link, ...] = ()) -> Follower:
    log = message.delivery_log
    waiting = message.status == DeliveryStatus.WAITING
    # The row has no time of a failure: take that of the last attempt.
    last = log[-1].at if log else None
    at = message.next_attempt_at if waiting else message.delivered_at or last
    note = log[-1].result.rstrip(".") if log and not waits_for else ""
    return Follower(name, _page(message), message.status, at, note, waiting, waits_for)


def waits_for(media: MediaItem) -> tuple[Link, ...]:
    """Return the deliveries and hand-offs that hold up the deletion of this item at Twilio."""
    deliveries = (
        Link(f"delivery {delivery.pk} ({delivery.status})", _page(delivery))
        for delivery in undelivered_to_apps(media)
    )
    hand_offs = (
        Link(f"hand-off {hand_off.pk} ({_state(hand_off)})", _page(hand_off))
        for hand_off in undelivered_hand_offs(media)
    )
    return (*deliveries, *hand_offs)


def _state(hand_off: HandOff) -> str:
    log = hand_off.delivery_log
    return f"{hand_off.status}: {log[-1].result}" if log else hand_off.status


def _page(row: Model) -> str:
    return reverse(f"admin:mediapipe_{row._meta.model_name}_change", args=[row.pk])
