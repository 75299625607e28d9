import time

from mediapipe.celery import app
from mediapipe.operations import counters

# The first count of an old database takes several runs.
RUN_S = 10.0


@app.task(ignore_result=True)
def count() -> None:
    """Bring the counters of /metrics up to date."""
    counters.roll_up(time.monotonic() + RUN_S)
