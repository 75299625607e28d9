import time

from django.conf import settings

from mediapipe.celery import app
from mediapipe.operations.routes.watch import read_accounts
from mediapipe.queueing.time_slice import until_deadline

# Together with the interval of the schedule, less than the promised quarter of an hour.
RUN_S = 240.0


@app.task(ignore_result=True)
def read_routes() -> int:
    """Compare the webhook URLs at Twilio with ours, for RUN_S; return how many accounts were read.

    Without PUBLIC_BASE_URL there is nothing to compare.
    """
    if not settings.PUBLIC_BASE_URL:
        return 0
    deadline_s = time.monotonic() + RUN_S
    return sum(1 for _ in until_deadline(read_accounts(deadline_s), deadline_s))
