"""The figures of /metrics are brought up to date."""

import time

from mediapipe.celery import app
from mediapipe.operations import counters

# The first count of an old database is worked off in several runs.
RUN_S = 10.0


@app.task(ignore_result=True)
def count() -> None:
    """Add what happened since the last run to the tallies."""
    counters.count(time.monotonic() + RUN_S)
