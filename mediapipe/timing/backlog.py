"""What waits at this moment, whenever its webhook came in."""

from __future__ import annotations

from dataclasses import dataclass

from mediapipe.models import MediaItem

# Who has more than this waiting needs no exact number.
CAP = 10_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many items are owed, CAP at most, and the one of them that was announced first."""

    count: int
    oldest: MediaItem | None

    @property
    def capped(self) -> bool:
        """Whether there are more than were counted."""
        return self.count >= CAP


def waiting() -> Waiting:
    """Return what waits; reads an index of nothing but that."""
    owed = MediaItem.objects.unfinished()
    return Waiting(owed.order_by()[:CAP].count(), owed.order_by("received_at").first())
