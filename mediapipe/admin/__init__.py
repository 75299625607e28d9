"""What operators see. Django imports this package because it is called `admin`."""

from mediapipe.admin import (
    api_tokens,
    deletions,
    events,
    failures,
    hand_offs,
    incidents,
    lab,
    media,
    notices,
    reasons,
    reconciliations,
    rejections,
    retries,
)
from mediapipe.admin.timing import page

__all__ = [
    "api_tokens",
    "deletions",
    "events",
    "failures",
    "hand_offs",
    "incidents",
    "lab",
    "media",
    "notices",
    "page",
    "reasons",
    "reconciliations",
    "rejections",
    "retries",
]
