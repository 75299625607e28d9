"""What a worker that died left of a download is removed."""

from datetime import timedelta

from django.conf import settings

from mediapipe import storage
from mediapipe.celery import app


@app.task(ignore_result=True)
def sweep_files() -> int:
    """Remove unfinished downloads that are too old to belong to a running one."""
    longest = timedelta(seconds=settings.MEDIA_TOTAL_TIMEOUT_S)
    return storage.remove_leftovers(older_than=2 * longest)
