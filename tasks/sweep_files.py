from datetime import timedelta

from django.utils import timezone

from mediapipe.celery import app
from mediapipe.fetching import storage
from mediapipe.fetching.limits import largest_bytes, time_limit_s
from mediapipe.models import Heartbeat


@app.task(ignore_result=True)
def sweep_files() -> int:
    """Delete what dead workers left behind: old partial downloads, and their heartbeats."""
    Heartbeat.objects.expired(timezone.now()).delete()
    longest = timedelta(seconds=time_limit_s(largest_bytes()))
    return storage.remove_leftovers(older_than=2 * longest)
