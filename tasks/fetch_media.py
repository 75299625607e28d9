"""One task a media item; how often and how fast it comes back is decided by the item's schedule."""

from typing import Any

from celery.contrib.django.task import DjangoTask

from mediapipe import fetch
from mediapipe.celery import app
from mediapipe.failures import Failure, LeaseLost, TransientFailure, TransientMedia404
from mediapipe.models import MediaItem
from mediapipe.queues import RETRIES


class FetchTask(DjangoTask):  # type: ignore[type-arg]  # takes no parameters at run time
    """Comes back after the countdown that the failure carries; the row knows it too.

    A subclass of DjangoTask, because celery.Task would take `delay_on_commit` away.
    """

    # The schedule says when it is enough; Celery's own limit is three retries.
    max_retries = None

    def retry(self, *args: Any, **options: Any) -> Any:
        """Wait as long as the schedule says; without a countdown the failure is the last word."""
        failure: TransientFailure = options["exc"]
        if failure.retry_in_s is None:
            raise failure
        again = {"countdown": failure.retry_in_s, "queue": RETRIES}
        return super().retry(*args, **options | again)


@app.task(
    bind=True,
    base=FetchTask,
    autoretry_for=(TransientMedia404, TransientFailure),
    throws=(Failure, LeaseLost),
)
def fetch_media(self: FetchTask, *, media_id: int) -> str:
    """Make one attempt at a media item; return its status, or `not due` for a duplicate."""
    request = self.request
    media = MediaItem.claim(media_id, task_id=request.id or "", worker=request.hostname or "")
    return fetch.attempt(media) if media else "not due"
