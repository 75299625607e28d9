import logging
import time
from collections import Counter

from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from mediapipe.celery import app
from mediapipe.lifecycle import retention
from mediapipe.queueing.time_slice import until_deadline

logger = logging.getLogger(__name__)

# Short enough for a worker that is shutting down; the next run starts within minutes.
RUN_S = 60.0


@app.task(ignore_result=True)
def purge() -> dict[str, int]:
    """Delete what is past its retention, for at most RUN_S seconds; return the counts by kind."""
    counts: Counter[str] = Counter()
    for deleted in until_deadline(
        retention.purge_in_turns(timezone.now()), time.monotonic() + RUN_S
    ):
        counts.update(deleted)
    # Otherwise the rows of expired sessions stay in Django's own store.
    SessionStore.clear_expired()
    if counts.total():
        logger.info("deleted by retention: %s", dict(counts), extra={"deleted": dict(counts)})
    return dict(counts)
