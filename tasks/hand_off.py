import time

from mediapipe.celery import app
from mediapipe.lifecycle.hand_off import hand_off_due
from mediapipe.models import HandOff, Receiver

# Short enough for a worker that is shutting down; the next run starts within seconds. A receiver
# that hangs blocks one thread per run, and never more than a few threads of a worker.
RUN_S = 4.0


@app.task(ignore_result=True)
def hand_off() -> int:
    """Attempt the due hand-offs, for at most RUN_S seconds; return how many."""
    deadline_s = time.monotonic() + RUN_S
    return sum(hand_off_due(receiver, deadline_s) for receiver in Receiver)


@app.task(ignore_result=True)
def confirm(*, message_id: str) -> bool:
    """Record that ON_STORED_TASK succeeded; linked to that task, so its worker publishes this."""
    return HandOff.objects.confirm(message_id)
