"""What was written down elsewhere: webhooks in the spool, and what people looked for by number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import Model, QuerySet

from mediapipe.lifecycle.erasure.subject import Subject
from mediapipe.models import RetryJob, WebhookEvent
from mediapipe.webhooks import spool

# Which texts of which rows have what somebody searched for, such as a number.
WORDS: tuple[tuple[str, type[Model], tuple[str, ...]], ...] = (
    ("log_entries", LogEntry, ("object_repr", "change_message")),
    ("retry_jobs", RetryJob, ("chosen",)),
)
ERASED = "(erased)"


def survey(subject: Subject, events: Iterable[WebhookEvent]) -> dict[str, int]:
    """Return how much there is of each kind."""
    spooled = spool.erase(_told_by(subject, events), dry_run=True)
    found = {name: len(list(_rows(subject, model, texts))) for name, model, texts in WORDS}
    return {"spooled_webhooks": spooled, **found}


def erase(subject: Subject, events: Iterable[WebhookEvent]) -> None:
    """Remove the webhooks from the spool, and the number from the words of rows."""
    spool.erase(_told_by(subject, events), dry_run=False)
    for _, model, texts in WORDS:
        for row in _rows(subject, model, texts):
            for text in texts:
                setattr(row, text, subject.pattern.sub(ERASED, getattr(row, text)))
            row.save(update_fields=texts)


def _told_by(subject: Subject, events: Iterable[WebhookEvent]) -> spool.Matches:
    sids = {event.subject_sid for event in events}
    return lambda text: subject.occurs_in(text) or any(sid in text for sid in sids)


def _rows(subject: Subject, model: type[Model], texts: tuple[str, ...]) -> Iterator[Any]:
    # SIDs stay on the rows of events and media too: they say nothing of a person.
    if subject.name != "number":
        return
    rows: QuerySet[Any] = model._default_manager.order_by("pk")
    for row in rows.iterator():
        if any(subject.occurs_in(getattr(row, text)) for text in texts):
            yield row
