from __future__ import annotations

from collections.abc import Sequence

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.contenttypes.models import ContentType

from mediapipe.models import MediaItem

# The length of LogEntry.object_repr.
MAX_REPR = 200


def log_item_actions(user: User | AnonymousUser, media_ids: Sequence[int], message: str) -> None:
    """Write an entry about each of these media items; their history pages show it."""
    items = MediaItem.objects.filter(pk__in=media_ids).only("media_sid", "identity")
    LogEntry.objects.log_actions(str(user.pk), items, CHANGE, change_message=message)


def log_action(user: User | AnonymousUser, subject: str, message: str) -> None:
    """Write one entry about many media items, which `subject` describes."""
    LogEntry.objects.create(
        user_id=str(user.pk),
        content_type=ContentType.objects.get_for_model(MediaItem),
        object_repr=subject[:MAX_REPR],
        action_flag=CHANGE,
        change_message=message,
    )
