"""The admin's log: who did what to how many."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.contenttypes.models import ContentType

from mediapipe.models import MediaItem

# Django's own column ends there.
MAX_NAME = 200


def log_item_actions(user: User | AnonymousUser, media_ids: Sequence[int], message: str) -> None:
    """Write an entry about each of these media items; the history of their pages shows it."""
    items = MediaItem.objects.filter(pk__in=media_ids).only("media_sid", "identity")
    LogEntry.objects.log_actions(str(user.pk), items, CHANGE, change_message=message)


def note(user: User | AnonymousUser, about: str, message: str) -> None:
    """Write one entry about many media items, as which `about` describes them."""
    LogEntry.objects.create(
        user_id=str(user.pk),
        content_type=ContentType.objects.get_for_model(MediaItem),
        object_repr=about[:MAX_NAME],
        action_flag=CHANGE,
        change_message=message,
    )
