"""The figures of /metrics, computed from the rows, so that they are right for every process."""

from collections.abc import Iterator
from math import inf

from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Min, Sum
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mediapipe import spool
from mediapipe.models import Cause, Heartbeat, Incident, MediaItem, Rejection, WebhookEvent
from mediapipe.models.heartbeats import BEAT, SWEEP
from mediapipe.models.querysets import Status


class DatabaseCollector(Collector):
    """Prometheus asks it anew at each scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield every metric family; while the database is away, what is known without it."""
        yield GaugeMetricFamily(
            "mediapipe_spool", "Webhooks that wait for the database.", spool.depth()
        )
        try:
            families = [_webhooks(), _rejections(), _media(), _failures(), _oldest(), _incidents()]
            families += _alive()
        except (DatabaseError, InterfaceError):
            families = []
        yield GaugeMetricFamily(
            "mediapipe_database_up", "Whether the database answers.", bool(families)
        )
        yield from families


def _webhooks() -> Metric:
    family = CounterMetricFamily(
        "mediapipe_webhooks", "Webhooks taken in, repeats included.", labels=["kind"]
    )
    rows = WebhookEvent.objects.values_list("kind").annotate(Count("pk"), Sum("repeats"))
    for kind, events, repeats in rows.order_by("kind"):
        family.add_metric([kind], events + repeats)
    return family


def _rejections() -> Metric:
    family = CounterMetricFamily(
        "mediapipe_webhooks_refused", "Webhooks refused.", labels=["reason"]
    )
    for reason, count in Rejection.objects.values_list("reason").annotate(Sum("count")):
        family.add_metric([reason], count)
    return family


def _media() -> Metric:
    family = GaugeMetricFamily("mediapipe_media", "Media items by status.", labels=["status"])
    counts = dict(MediaItem.objects.values_list("status").annotate(Count("pk")))
    for status in Status.values:
        family.add_metric([status], counts.get(status, 0))
    return family


def _failures() -> Metric:
    family = GaugeMetricFamily(
        "mediapipe_media_failed", "Media items that failed, by reason.", labels=["reason"]
    )
    for reason, count in MediaItem.objects.failed().values_list("error").annotate(Count("pk")):
        family.add_metric([reason], count)
    return family


def _incidents() -> Metric:
    family = GaugeMetricFamily("mediapipe_incidents_open", "Open incidents.", labels=["cause"])
    counts = dict(Incident.objects.open().order_by().values_list("cause").annotate(Count("pk")))
    for cause in Cause.values:
        family.add_metric([cause], counts.get(cause, 0))
    return family


def _alive() -> list[Metric]:
    """Return how many workers live, and for how long nothing was heard of beat and the sweep."""
    now = timezone.now()
    workers = Heartbeat.objects.alive(now).workers().count()
    seen = dict(Heartbeat.objects.filter(part__in=[BEAT, SWEEP]).values_list("part", "seen_at"))
    silent = GaugeMetricFamily(
        "mediapipe_silent_seconds",
        "Time since beat, or a sweep, was last heard of; +Inf if never.",
        labels=["part"],
    )
    for part in (BEAT, SWEEP):
        silent.add_metric([part], (now - seen[part]).total_seconds() if part in seen else inf)
    return [GaugeMetricFamily("mediapipe_workers", "Workers that are alive.", workers), silent]


def _oldest() -> Metric:
    family = GaugeMetricFamily(
        "mediapipe_oldest_unfinished_seconds", "Age of the oldest media item that is still owed."
    )
    oldest = MediaItem.objects.unfinished().aggregate(at=Min("received_at"))["at"]
    family.add_metric([], (timezone.now() - oldest).total_seconds() if oldest else 0)
    return family
