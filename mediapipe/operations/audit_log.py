"""The audit trail: who did what, as rows that no page changes or deletes, and as log lines.

The lines are outside the database, so that whoever can write to it cannot hide what they did.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.db.models.signals import post_save
from django.dispatch import receiver

from mediapipe.models import MediaItem
from mediapipe.redaction import redact

logger = logging.getLogger(__name__)

# The length of LogEntry.object_repr.
MAX_REPR = 200

Person = AbstractBaseUser | AnonymousUser


def log_changes(user: Person, rows: Iterable[Model], message: str) -> None:
    """Write an entry about each of these rows; their history pages show it."""
    entries = [
        LogEntry(
            user_id=str(user.pk),
            content_type=ContentType.objects.get_for_model(row),
            object_id=str(row.pk),
            object_repr=str(row)[:MAX_REPR],
            action_flag=CHANGE,
            change_message=message,
        )
        for row in rows
    ]
    # bulk_create sends no signal.
    for entry in LogEntry.objects.bulk_create(entries, batch_size=500):
        _write_line(entry, user)


def log_action(user: Person, subject: str, message: str, *, about: type[Model] = MediaItem) -> None:
    """Write one entry about many rows, media items by default, which `subject` describes."""
    LogEntry.objects.create(
        user_id=str(user.pk),
        content_type=ContentType.objects.get_for_model(about),
        object_repr=subject[:MAX_REPR],
        action_flag=CHANGE,
        change_message=message,
    )


def log_opened(media: MediaItem, reader: str) -> None:
    """Write a line, but no entry, about a file that was opened.

    A page that plays a video opens it several times.
    """
    logger.info("%s: opened the file of media item %d, %s", reader, media.pk, redact(str(media)))


@receiver(post_save, sender=LogEntry)
def _log_entry(instance: LogEntry, created: bool, **kwargs: Any) -> None:
    # Includes Django's own entries, such as for a new user or a changed password.
    if created:
        _write_line(instance, instance.user)


def _write_line(entry: LogEntry, user: Person) -> None:
    logger.info(
        "%s: %s %s %s: %s",
        user.get_username(),
        entry.get_action_flag_display().lower(),
        entry.content_type.name if entry.content_type else "",
        redact(entry.object_repr),
        redact(entry.get_change_message()),
    )
