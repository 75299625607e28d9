from mediapipe.celery import app
from mediapipe.models import Cause, Incident, MediaItem


@app.task(ignore_result=True)
def close_incidents() -> None:
    """Resolve the storage incident once an item was stored after its last failure."""
    for incident in Incident.objects.ongoing().filter(cause=Cause.STORAGE):
        if MediaItem.objects.stored().filter(retrieved_at__gt=incident.last_seen_at).exists():
            incident.resolve()
