"""Stored items whose copy at Twilio is deleted, and what became of the request."""

from __future__ import annotations

from mediapipe.models import Deletion, MediaItem
from mediapipe.simulator import Simulator
from tests.support.fetching import attempt


def stored(item: MediaItem) -> MediaItem:
    """Fetch the item, and return it."""
    assert attempt(item) == "stored"
    return item


def delete_requests(twilio: Simulator, item: MediaItem) -> int:
    """Return how many requests to delete this item have reached Twilio."""
    return sum(entry.method == "DELETE" for entry in twilio.log.of(item.identity))


def reason() -> str:
    """Return the result of the last attempt to delete the only item."""
    return Deletion.objects.get().delivery_log[-1].result
