import time

from django.utils import timezone

from mediapipe.celery import app
from mediapipe.queueing.time_slice import until_deadline
from mediapipe.timing import hourly

# Short enough for a worker that is shutting down; the months of an old database take several runs.
RUN_S = 20.0


@app.task(ignore_result=True)
def count_hours() -> int:
    """Count hours for the timing page, for at most RUN_S seconds; return how many."""
    hours = until_deadline(hourly.count_hours(timezone.now()), time.monotonic() + RUN_S)
    return sum(1 for _ in hours)
