from __future__ import annotations

from itertools import product

from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric

from mediapipe.gateway.entries import entry_names
from mediapipe.models import GatewayDelivery
from mediapipe.models.gateway_status import OPEN, UNDELIVERED


def delivery_metrics() -> list[Metric]:
    """Return the number of messages that the apps behind the gateway lack, and the oldest's age."""
    family = GaugeMetricFamily(
        "mediapipe_gateway_deliveries",
        "Messages that an app behind the gateway does not have, or may not have, by state.",
        labels=["app", "status"],
    )
    statuses = (*OPEN, *UNDELIVERED)
    rows = GatewayDelivery.objects.filter(status__in=statuses).order_by()
    found = rows.values_list("entry", "status").annotate(Count("pk"))
    counts = {(name, status): count for name, status, count in found}
    names = {name for name, _ in counts}.union(entry_names())
    for name, status in product(sorted(names), statuses):
        family.add_metric([name, status], counts.get((name, status), 0))
    oldest = GaugeMetricFamily(
        "mediapipe_oldest_gateway_delivery_seconds",
        "Time since the receipt of the message that an app has waited for longest.",
        GatewayDelivery.objects.oldest_pending_age_s(timezone.now()),
    )
    return [family, oldest]
