from django.utils import timezone

from mediapipe.celery import app
from mediapipe.failures import ConfigMissing
from mediapipe.models import AccountHealth, Cause, Incident, MediaItem, Status
from mediapipe.models.causes import LOCAL_CAUSES


@app.task(ignore_result=True)
def close_incidents() -> None:
    """Resolve the incidents whose problem is over.

    Local causes: an item was stored after the last failure. Recordings that were too large: none of
    them is failed any more. An account: it is no longer paused or throttled, or none of its media
    waits for credentials. The response that shows this resolves the incident as well, but a worker
    that had counted an earlier response may open it again a moment later.
    """
    for incident in Incident.objects.ongoing().filter(cause__in=LOCAL_CAUSES):
        if MediaItem.objects.stored().filter(retrieved_at__gt=incident.last_seen_at).exists():
            incident.resolve()
    for incident in Incident.objects.ongoing().filter(cause=Cause.RECORDING_SIZE):
        if incident.media.exists() and not incident.media.filter(status=Status.FAILED).exists():
            incident.resolve()
    for cause, ongoing in (
        (Cause.CREDENTIALS, AccountHealth.objects.filter(paused_at__isnull=False)),
        (Cause.RATE_LIMIT, AccountHealth.objects.throttled(timezone.now())),
        (Cause.NOT_CONFIGURED, MediaItem.objects.unfinished().filter(error=ConfigMissing.slug)),
    ):
        over = Incident.objects.ongoing().filter(cause=cause)
        for incident in over.exclude(account_sid__in=ongoing.values("account_sid")):
            incident.resolve()
