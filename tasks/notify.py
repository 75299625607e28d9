from mediapipe.celery import DATABASE_AWAY, app
from mediapipe.escalation.notifications.channels import deliver_notice
from mediapipe.failures import Undelivered
from mediapipe.models import Notice
from mediapipe.queueing.countdown import CountdownTask

# Incidents are rare; notices beyond this number wait for the next run.
MAX_NOTICES = 100


@app.task(
    bind=True,
    base=CountdownTask,
    autoretry_for=(Undelivered,),
    throws=(Undelivered, *DATABASE_AWAY),
)
def notify(self: CountdownTask, *, notice_id: int) -> str:
    """Make one attempt at a notice; return the response, or `not due` for a duplicate."""
    notice = Notice.claim(notice_id)
    return deliver_notice(notice, self.retry_after) if notice else "not due"


@app.task(ignore_result=True)
def sweep_notices() -> int:
    """Publish a task for each due notice that has none in the broker; return how many."""
    ids = Notice.objects.claim_due(MAX_NOTICES)
    for notice_id in ids:
        notify.delay(notice_id=notice_id)
    return len(ids)
