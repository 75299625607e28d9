import time

from django.utils import timezone

from mediapipe.celery import app
from mediapipe.lifecycle import delete_at_provider
from mediapipe.models import Deletion
from mediapipe.queueing.time_slice import until_deadline

# Short enough for a worker that is shutting down; the next run starts within a minute.
RUN_S = 20.0
BATCH = 500


@app.task(ignore_result=True)
def delete_at_twilio() -> int:
    """Attempt the due deletions, for at most RUN_S seconds; return how many succeeded."""
    due = Deletion.objects.due(timezone.now()).order_by("next_attempt_at")
    ids = due.values_list("pk", flat=True)[:BATCH]
    deleted = 0
    for pk in until_deadline(ids, time.monotonic() + RUN_S):
        deletion = Deletion.claim(pk)
        deleted += bool(deletion and delete_at_provider.delete(deletion))
    return deleted
