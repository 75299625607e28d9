"""Trouble with our storage is over once something was stored after it was last seen."""

from mediapipe.celery import app
from mediapipe.models import Cause, Incident, MediaItem


@app.task(ignore_result=True)
def close_incidents() -> None:
    """Resolve the storage incident when the storage works again."""
    for incident in Incident.objects.ongoing().filter(cause=Cause.STORAGE):
        if MediaItem.objects.stored().filter(retrieved_at__gt=incident.last_seen_at).exists():
            Incident.resolve_for(Cause.STORAGE)
