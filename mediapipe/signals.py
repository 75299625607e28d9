"""Signals for your own Django apps: a media item is stored, or has failed for good.

Receivers get `media`, the committed MediaItem. They run in the process that ended the item, which
waits for them; their exceptions are logged and do not affect the item.
"""

from functools import partial

from django.db import models, transaction
from django.dispatch import Signal

media_stored = Signal()
# Failed or absent: no attempt follows automatically, but a user may still retry the item.
media_failed = Signal()


def send_after_commit(signal: Signal, media: models.Model) -> None:
    """Send the signal when the current transaction commits, and not at all if it is rolled back."""
    send = partial(signal.send_robust, sender=type(media), media=media)
    transaction.on_commit(send, robust=True)
