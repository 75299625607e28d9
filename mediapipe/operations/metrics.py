"""The metrics of /metrics. Only those of the spool and the database differ between hosts.

Totals that grow forever come from the counters, which a periodic task maintains. The others are
counted at each scrape, using partial indexes of the rows in question.
"""

from collections.abc import Iterator
from math import inf

from django.db import DatabaseError, InterfaceError
from django.db.models import Count, Min, Sum
from django.utils import timezone
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from mediapipe.models import (
    AccountHealth,
    Cause,
    Deletion,
    HandOff,
    Heartbeat,
    Incident,
    MediaItem,
    Notice,
    Receiver,
    Rejection,
)
from mediapipe.models.counters import Counter
from mediapipe.models.heartbeats import BEAT, SWEEP, WORKER
from mediapipe.models.outbox import UNDELIVERED, DeliveryStatus
from mediapipe.models.status import UNFINISHED, Status
from mediapipe.operations.counters import BUCKETS_S
from mediapipe.operations.gateway_metrics import delivery_metrics
from mediapipe.operations.ping import Ping
from mediapipe.providers.base import Kind
from mediapipe.settings.queues import QUEUES, serves
from mediapipe.webhooks import spool

Counters = dict[str, dict[str, float]]

# Name, documentation and label of each metric, by the counter that it shows.
COUNTERS = {
    "webhooks": ("mediapipe_webhooks", "Webhooks accepted, repeats included.", "kind"),
    "repeats": ("mediapipe_webhooks_repeated", "Webhooks about an event recorded before.", "kind"),
    "media": ("mediapipe_media_announced", "Media items announced.", "kind"),
    "reconciled": ("mediapipe_media_reconciled", "Media found without a webhook.", "kind"),
    "finished": ("mediapipe_media_finished", "Media items stored or failed.", "status"),
    "failed": ("mediapipe_failures", "Media items that failed, by reason.", "reason"),
    "early_404": ("mediapipe_early_404", "Finished media items that had an early 404.", "status"),
    "attempts": ("mediapipe_attempts", "Attempts that ended.", "outcome"),
    "stored_bytes": ("mediapipe_stored_bytes", "Bytes stored.", ""),
    "pings": ("mediapipe_pings", "Reports of health to PING_URL.", "result"),
}
HISTOGRAMS = {
    "queue_lag": ("mediapipe_queue_lag_seconds", "From webhook to first attempt: our delay."),
    "delay_at_least": (
        "mediapipe_propagation_delay_at_least_seconds",
        "From webhook to the last 404 of stored media: Twilio's delay, lower bound.",
    ),
    "delay_at_most": (
        "mediapipe_propagation_delay_at_most_seconds",
        "From webhook to the first response with stored media: Twilio's delay, upper bound.",
    ),
}
# Exported as 0 from the start: increase() does not see the first value of a new series.
KNOWN: dict[str, list[str]] = {
    "webhooks": [*Kind],
    "repeats": [*Kind],
    "media": [*Kind],
    "reconciled": [*Kind],
    "finished": [Status.STORED, Status.FAILED],
    "early_404": [Status.STORED, Status.FAILED],
    "stored_bytes": [""],
    "pings": [*Ping],
}


class DatabaseCollector(Collector):
    """Computes all metrics at each scrape."""

    def collect(self) -> Iterator[Metric]:
        """Yield every metric family; during a database outage only those that do not need it."""
        yield GaugeMetricFamily(
            "mediapipe_spool", "Webhooks that wait for the database.", spool.depth()
        )
        yield GaugeMetricFamily(
            "mediapipe_spool_refused",
            "Webhooks that could not be recorded and were set aside.",
            len(spool.refused()),
        )
        try:
            families = _families()
        except (DatabaseError, InterfaceError):
            families = []
        yield GaugeMetricFamily(
            "mediapipe_database_up", "Whether the database responds.", bool(families)
        )
        yield from families


def _families() -> list[Metric]:
    counters = Counter.by_name()
    return [
        *(_counter(name, counters) for name in COUNTERS),
        *(_histogram(name, counters) for name in HISTOGRAMS),
        _rejections(),
        _media(counters),
        _failures(),
        _waiting(),
        _oldest(),
        *_incidents(),
        _paused(),
        _notices(),
        *_hand_offs(),
        *delivery_metrics(),
        _deletions(),
        *_heartbeats(),
    ]


def _counter(name: str, counters: Counters) -> Metric:
    title, documentation, label = COUNTERS[name]
    family = CounterMetricFamily(title, documentation, labels=[label] if label else [])
    values = {str(value): 0.0 for value in KNOWN.get(name, [])} | counters.get(name, {})
    for value, count in sorted(values.items()):
        family.add_metric([value] if label else [], count)
    return family


def _histogram(name: str, counters: Counters) -> Metric:
    values = counters.get(name, {})
    buckets = [(le, values.get(le, 0)) for le in (*map(str, BUCKETS_S), "+Inf")]
    return HistogramMetricFamily(*HISTOGRAMS[name], buckets, values.get("sum", 0))


def _rejections() -> Metric:
    family = CounterMetricFamily(
        "mediapipe_webhooks_refused", "Webhooks rejected.", labels=["reason"]
    )
    for reason, count in Rejection.objects.values_list("reason").annotate(Sum("count")):
        family.add_metric([reason], count)
    return family


def _media(counters: Counters) -> Metric:
    family = GaugeMetricFamily("mediapipe_media", "Media items by status.", labels=["status"])
    others = [status for status in Status if status != Status.STORED]
    rows = MediaItem.objects.filter(status__in=others).order_by().values_list("status")
    counts: dict[str, float] = dict(rows.annotate(Count("pk")))
    # Nearly all items are stored, and remain so: the counter has their number.
    counts[Status.STORED] = counters.get("finished", {}).get(Status.STORED, 0)
    for status in Status.values:
        family.add_metric([status], counts.get(status, 0))
    return family


def _failures() -> Metric:
    family = GaugeMetricFamily(
        "mediapipe_media_failed",
        "Media items that are failed at present, by reason.",
        labels=["reason"],
    )
    rows = MediaItem.objects.failed().exclude(error="").order_by().values_list("error")
    for reason, count in rows.annotate(Count("pk")):
        family.add_metric([reason], count)
    return family


def _waiting() -> Metric:
    family = GaugeMetricFamily(
        "mediapipe_media_waiting",
        "Unfinished media items, by the failure of their last attempt.",
        labels=["reason"],
    )
    rows = MediaItem.objects.filter(status__in=UNFINISHED).order_by().values_list("error")
    for reason, count in rows.annotate(Count("pk")):
        family.add_metric([reason or "none"], count)
    return family


def _oldest() -> Metric:
    family = GaugeMetricFamily(
        "mediapipe_oldest_unfinished_seconds", "Age of the oldest unfinished media item."
    )
    oldest = MediaItem.objects.unfinished().aggregate(at=Min("received_at"))["at"]
    family.add_metric([], (timezone.now() - oldest).total_seconds() if oldest else 0)
    return family


def _incidents() -> list[Metric]:
    now_open = GaugeMetricFamily("mediapipe_incidents_open", "Open incidents.", labels=["cause"])
    ever = CounterMetricFamily("mediapipe_incidents", "Incidents so far.", labels=["cause"])
    incidents = Incident.objects.order_by().values_list("cause")
    opened = dict(Incident.objects.open().order_by().values_list("cause").annotate(Count("pk")))
    counts = dict(incidents.annotate(Count("pk")))
    for cause in Cause.values:
        now_open.add_metric([cause], opened.get(cause, 0))
        ever.add_metric([cause], counts.get(cause, 0))
    return [now_open, ever]


def _paused() -> Metric:
    family = GaugeMetricFamily(
        "mediapipe_account_paused_seconds",
        "How long a user has paused an account, the longest one; 0 if none is paused.",
    )
    oldest = AccountHealth.objects.paused_by_users().aggregate(at=Min("paused_at"))["at"]
    family.add_metric([], (timezone.now() - oldest).total_seconds() if oldest else 0)
    return family


def _notices() -> Metric:
    family = GaugeMetricFamily(
        "mediapipe_notices", "Notifications of incidents, by delivery status.", labels=["status"]
    )
    counts = dict(Notice.objects.order_by().values_list("status").annotate(Count("pk")))
    for status in DeliveryStatus.values:
        family.add_metric([status], counts.get(status, 0))
    return family


def _hand_offs() -> list[Metric]:
    family = GaugeMetricFamily(
        "mediapipe_hand_offs",
        "Undelivered hand-offs, by receiver and by whether they are still retried.",
        labels=["receiver", "status"],
    )
    rows = HandOff.objects.undelivered().order_by().values_list("receiver", "status")
    counts = {(receiver, status): count for receiver, status, count in rows.annotate(Count("pk"))}
    for receiver in Receiver.values:
        for status in UNDELIVERED:
            family.add_metric([receiver, status], counts.get((receiver, status), 0))
    oldest = GaugeMetricFamily(
        "mediapipe_oldest_hand_off_seconds",
        "Time since the end of the media item whose hand-off has waited longest.",
        HandOff.objects.oldest_pending_age_s(timezone.now()),
    )
    return [family, oldest]


def _deletions() -> Metric:
    family = GaugeMetricFamily(
        "mediapipe_deletions",
        "Media items to be deleted at Twilio, by whether the deletion is still retried.",
        labels=["status"],
    )
    rows = Deletion.objects.undelivered().order_by().values_list("status")
    counts: dict[str, int] = dict(rows.annotate(Count("pk")))
    for status in UNDELIVERED:
        family.add_metric([status], counts.get(status, 0))
    return family


def _heartbeats() -> list[Metric]:
    now = timezone.now()
    alive = Heartbeat.objects.alive(now).workers().values_list("part", flat=True)
    names = [part.removeprefix(WORKER) for part in alive]
    by_queue = GaugeMetricFamily(
        "mediapipe_queue_workers", "Workers that are alive, by queue.", labels=["queue"]
    )
    for queue in QUEUES:
        by_queue.add_metric([queue], sum(serves(name, queue) for name in names))
    seen = dict(Heartbeat.objects.filter(part__in=[BEAT, SWEEP]).values_list("part", "seen_at"))
    silent = GaugeMetricFamily(
        "mediapipe_silent_seconds",
        "Time since the last heartbeat of beat or the dispatcher (sweep); +Inf if there was none.",
        labels=["part"],
    )
    for part in (BEAT, SWEEP):
        silent.add_metric([part], (now - seen[part]).total_seconds() if part in seen else inf)
    workers = GaugeMetricFamily("mediapipe_workers", "Workers that are alive.", len(names))
    return [workers, by_queue, silent]
