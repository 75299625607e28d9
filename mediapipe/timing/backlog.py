from __future__ import annotations

from dataclasses import dataclass

from mediapipe.models import MediaItem

# Beyond this an exact count would only cost time: it reads every waiting row.
CAP = 10_000


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many media items are unfinished, at most CAP, and the one received first."""

    count: int
    oldest: MediaItem | None

    @property
    def capped(self) -> bool:
        return self.count >= CAP


def backlog() -> Backlog:
    unfinished = MediaItem.objects.unfinished()
    return Backlog(unfinished.order_by()[:CAP].count(), unfinished.order_by("received_at").first())
