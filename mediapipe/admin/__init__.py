"""Django imports this package because of its name; the modules register lists and pages."""

from mediapipe.admin import (
    accounts,
    deliveries,
    events,
    failures,
    incidents,
    lists,
    media,
    outbox,
    retries,
    retry_lab,
    users,
)
from mediapipe.admin.timing import page

__all__ = [
    "accounts",
    "deliveries",
    "events",
    "failures",
    "incidents",
    "lists",
    "media",
    "outbox",
    "page",
    "retries",
    "retry_lab",
    "users",
]
