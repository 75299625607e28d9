"""What retention no longer keeps is deleted, batch after batch."""

import logging
import time

from django.utils import timezone

from mediapipe import retention
from mediapipe.celery import app
from mediapipe.failures import StorageFailed

logger = logging.getLogger(__name__)

# Short enough for a worker that is told to stop; the next run begins within minutes.
RUN_S = 60.0


@app.task(ignore_result=True)
def purge() -> dict[str, int]:
    """Delete what is old enough, for RUN_S at most; return how much of what."""
    until = time.monotonic() + RUN_S
    counts = {kind.name: _purged(kind, until) for kind in retention.kinds()}
    if any(counts.values()):
        logger.info("deleted by retention: %s", counts, extra={"deleted": counts})
    return counts


def _purged(kind: retention.Kind, until: float) -> int:
    deleted = 0
    try:
        for count in kind.purge(timezone.now()):
            deleted += count
            if time.monotonic() > until:
                break
    except StorageFailed as failure:
        logger.error("the storage let no file be deleted: %s", failure.detail)
    return deleted
