"""Django imports this package because of its name; the modules register lists and pages."""

from mediapipe.admin import (
    accounts,
    deliveries,
    events,
    failures,
    incidents,
    jobs,
    lists,
    media,
    outbox,
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
    "jobs",
    "lists",
    "media",
    "outbox",
    "page",
    "retry_lab",
    "users",
]
