"""Each notice of an incident is sent until somebody takes it, or until that is hopeless."""

from mediapipe.celery import app
from mediapipe.escalation.notifications import channels
from mediapipe.failures import Undelivered
from mediapipe.models import Notice
from mediapipe.queueing.countdown import CountdownTask

# Incidents are rare; whatever makes more of them in one sweep can wait for the next one.
ENOUGH = 100


@app.task(bind=True, base=CountdownTask, autoretry_for=(Undelivered,), throws=(Undelivered,))
def notify(self: CountdownTask, *, notice_id: int) -> str:
    """Make one attempt at a notice; return the answer, or `not due` for a duplicate."""
    notice = Notice.claim(notice_id)
    return channels.deliver(notice, self.retry_after) if notice else "not due"


@app.task(ignore_result=True)
def sweep_notices() -> int:
    """Publish a task for each notice that no message brings back; return how many those are."""
    ids = Notice.objects.claim_due(ENOUGH)
    for notice_id in ids:
        notify.delay(notice_id=notice_id)
    return len(ids)
