from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from mediapipe.celery import app
from mediapipe.fetching import storage
from mediapipe.models import Heartbeat


@app.task(ignore_result=True)
def sweep_files() -> int:
    """Delete what dead workers left behind: old partial downloads, and their heartbeats."""
    Heartbeat.objects.expired(timezone.now()).delete()
    longest = timedelta(seconds=settings.MEDIA_TOTAL_TIMEOUT_S)
    return storage.remove_leftovers(older_than=2 * longest)
