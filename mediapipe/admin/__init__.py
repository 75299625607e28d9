"""Django imports this package because of its name; the modules register lists and pages."""

from mediapipe.admin import (
    accounts,
    bulk_changes,
    deliveries,
    events,
    failures,
    incidents,
    lists,
    media,
    outbox,
    retry_lab,
    users,
)
from mediapipe.admin.timing import page

__all__ = [
    "accounts",
    "bulk_changes",
    "deliveries",
    "events",
    "failures",
    "incidents",
    "lists",
    "media",
    "outbox",
    "page",
    "retry_lab",
    "users",
]
