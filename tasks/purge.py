"""What retention no longer keeps is deleted, batch after batch."""

import logging
import time
from collections import Counter
from collections.abc import Iterator

from django.utils import timezone

from mediapipe.celery import app
from mediapipe.failures import StorageFailed
from mediapipe.lifecycle import retention

logger = logging.getLogger(__name__)

# Short enough for a worker that is told to stop; the next run begins within minutes.
RUN_S = 60.0


@app.task(ignore_result=True)
def purge() -> dict[str, int]:
    """Delete what is old enough, for RUN_S at most; return how much of what."""
    until = time.monotonic() + RUN_S
    now = timezone.now()
    batches = {kind.name: kind.purge(now) for kind in retention.kinds()}
    counts = Counter(dict.fromkeys(batches, 0))
    # They take turns: a month of payloads that is to go holds up no files.
    while batches:
        for name, kind in list(batches.items()):
            deleted = _next_batch(kind)
            counts[name] += deleted or 0
            if deleted is None or time.monotonic() > until:
                del batches[name]
    if counts.total():
        logger.info("deleted by retention: %s", dict(counts), extra={"deleted": dict(counts)})
    return dict(counts)


def _next_batch(batches: Iterator[int]) -> int | None:
    """Delete one batch; return how much it had, or None if there is no more to be done now."""
    try:
        return next(batches, None)
    except StorageFailed as failure:
        logger.error("the storage let no file be deleted: %s", failure.detail)
        return None
