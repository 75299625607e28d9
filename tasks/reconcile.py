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

# The webhook of anything newer may still be on its way.
SETTLE = timedelta(minutes=5)
# Well below the visibility timeout of Redis (an hour), after which the broker would deliver the
# task again. The next run resumes where this one ends.
RUN_S = 900.0


@app.task(ignore_result=True)
def reconcile() -> int:
    """Compare every account; return how many messages and recordings were missing.

    The periodic dispatcher publishes what was recorded, as fast as the queue has room.
    """
    Reconciliation.objects.expired(timezone.now()).delete()
    deadline_s = time.monotonic() + RUN_S
    window = timedelta(seconds=settings.RECONCILE_WINDOW_S)
    missing = 0
    for sid, account in accounts().items():
        if not account.credentials():
            continue
        run = Reconciliation.due(sid, window, timezone.now() - SETTLE)
        if run:
            missing += compare_until(run, deadline_s)
    return missing


def compare_until(run: Reconciliation, deadline_s: float) -> int:
    """Advance a run until its end or the deadline (monotonic); return how much was missing."""
    # Imported here, because Twilio's client would add a quarter of a second to every process.
    from mediapipe.webhooks.reconciliation.comparison import reconcile as compare

    missing = 0
    try:
        for result in until_deadline(compare(run), deadline_s):
            missing += len(result.missing)
    except Failure as failure:
        run.record_failure(failure.slug)
        logger.error("reconciliation of %s stopped: %s", run.account_sid, failure)
    if missing:
        logger.warning("webhooks of %s that never arrived: %d", run.account_sid, missing)
    return missing
