"""What operators see. Django imports this package because it is called `admin`."""

from mediapipe.admin import (
    api_tokens,
    deletions,
    events,
    failures,
    hand_offs,
    incidents,
    media,
    notices,
    reasons,
    reconciliations,
    rejections,
    retries,
    retry_lab,
)
from mediapipe.admin.timing import page

__all__ = [
    "api_tokens",
    "deletions",
    "events",
    "failures",
    "hand_offs",
    "incidents",
    "media",
    "notices",
    "page",
    "reasons",
    "reconciliations",
    "rejections",
    "retries",
    "retry_lab",
]
