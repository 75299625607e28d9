"""What operators see. Django imports this package because it is called `admin`."""

from mediapipe.admin import (
    api_tokens,
    events,
    failures,
    incidents,
    lab,
    media,
    reasons,
    rejections,
    retries,
)
from mediapipe.admin.timing import page

__all__ = [
    "api_tokens",
    "events",
    "failures",
    "incidents",
    "lab",
    "media",
    "page",
    "reasons",
    "rejections",
    "retries",
]
