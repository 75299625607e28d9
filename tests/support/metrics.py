"""What Prometheus reads from /metrics."""

from __future__ import annotations

from django.test import Client
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families


def families(client: Client) -> dict[str, Metric]:
    """Return the metrics that Prometheus reads, by name."""
    text = client.get("/metrics").content.decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def values(family: Metric) -> dict[str, float]:
    """Return the values of a metric that has at most one label, by the label's value."""
    return {"".join(sample.labels.values()): sample.value for sample in family.samples}
