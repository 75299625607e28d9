"""Django imports this package because of its name; its modules register the lists and pages."""

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
    webhook_setup,
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
    "webhook_setup",
]
