"""Now and then Twilio's lists are compared with what is recorded, for webhooks that never came."""

import logging
import time
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from mediapipe.celery import app
from mediapipe.failures import Failure
from mediapipe.models import Reconciliation
from mediapipe.providers.twilio.accounts import accounts
from mediapipe.queueing.time_slice import until_deadline

logger = logging.getLogger(__name__)

# The webhook of what is younger than this may still be on its way.
LEAVE_ALONE = timedelta(minutes=5)
# A broker delivers a message again that takes an hour; the next run goes on where this one ends.
RUN_S = 900.0


@app.task(ignore_result=True)
def reconcile() -> int:
    """Compare every account; return how many messages and recordings were missing.

    The sweep hands out what was taken in, as fast as the queue has room for it.
    """
    Reconciliation.objects.forgotten(timezone.now()).delete()
    deadline_s = time.monotonic() + RUN_S
    window = timedelta(seconds=settings.RECONCILE_WINDOW_S)
    missing = 0
    for sid, account in accounts().items():
        if not account.credentials():
            continue
        run = Reconciliation.due(sid, window, timezone.now() - LEAVE_ALONE)
        if run:
            missing += work_on(run, deadline_s)
    return missing


def work_on(run: Reconciliation, deadline_s: float) -> int:
    """Go on with a run until its end or the deadline (monotonic); return how much was missing."""
    # The client of Twilio's takes a quarter of a second to import, which only this run needs.
    from mediapipe.webhooks.reconciliation.comparison import reconcile as compare

    missing = 0
    try:
        for found in until_deadline(compare(run), deadline_s):
            missing += len(found.missing)
    except Failure as failure:
        run.stopped(failure.slug)
        logger.error("reconciliation of %s stopped: %s", run.account_sid, failure)
    if missing:
        logger.warning("%d webhooks of %s had not come", missing, run.account_sid)
    return missing
