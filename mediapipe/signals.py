"""What other Django apps may listen to: a media item is stored, or it will not be.

Receivers get `media`, the MediaItem as it stands in the database. They run after the commit, in
the process that ended the item, which waits for them; what they raise is logged and harms nobody.
"""

from functools import partial

from django.db import models, transaction
from django.dispatch import Signal

media_stored = Signal()
# Failed, or absent: nothing more is tried by itself. A person may still put the item back to work.
media_failed = Signal()


def send_after_commit(signal: Signal, media: models.Model) -> None:
    """Send the signal once the transaction around us is in the database, and never otherwise."""
    send = partial(signal.send_robust, sender=type(media), media=media)
    transaction.on_commit(send, robust=True)
