"""What is stored and handed on is deleted at Twilio, where its account wishes so."""

import time

from django.utils import timezone

from mediapipe.celery import app
from mediapipe.lifecycle import delete_at_provider
from mediapipe.models import Deletion

# Short enough for a worker that is told to stop; the next run begins within a minute.
RUN_S = 20.0
BATCH = 500


@app.task(ignore_result=True)
def delete_at_twilio() -> int:
    """Try what is due, one after the other, for RUN_S at most; return how many are gone."""
    until = time.monotonic() + RUN_S
    gone = 0
    due = Deletion.objects.due(timezone.now()).order_by("next_attempt_at")
    for pk in list(due.values_list("pk", flat=True)[:BATCH]):
        if time.monotonic() > until:
            break
        owed = Deletion.claim(pk)
        gone += bool(owed and delete_at_provider.delete(owed))
    return gone
