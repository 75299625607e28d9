from __future__ import annotations

import logging
import threading
import time

from django.utils import timezone

from mediapipe import logs
from mediapipe.webhooks import spool

logger = logging.getLogger(__name__)

EVERY_S = 3600.0


def clean_up() -> None:
    """Delete half-written files and expired refused webhooks from this host's spool."""
    with logs.logged_errors(logger, "the spool could not be cleaned up"):
        spool.remove_half_written()
        if count := spool.remove_old_refused(timezone.now()):
            logger.info("deleted by retention: webhooks that were set aside: %d", count)


def start() -> None:
    """Clean up now and every hour, in a thread of web: the workers may run on other hosts."""

    def run() -> None:
        while True:
            clean_up()
            time.sleep(EVERY_S)

    threading.Thread(target=run, name="spool-cleanup", daemon=True).start()
