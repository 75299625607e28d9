from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import fmean

from django.core.files.storage import storages
from rich.table import Table

from mediapipe.management.demo.script import DemoStep, announced_media
from mediapipe.models import MediaItem, Rejection, Status
from mediapipe.models.delays import percentile, queue_lag_s, span
from mediapipe.simulator import Simulator
from mediapipe.simulator.script import MediaScript


class Baseline:
    """The state before a demo, so that a second run on the same data counts only its own rows."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)
        self.rejected = Rejection.total()


class DemoReport:
    """The rows since the baseline, compared with what the simulator knows."""

    def __init__(self, twilio: Simulator, planned: Sequence[DemoStep], baseline: Baseline) -> None:
        self.twilio = twilio
        self.scripts = announced_media(planned)
        self.forged = sum(step.signature != "right" for step in planned)
        self.rejected = Rejection.total() - baseline.rejected
        rows = MediaItem.objects.filter(received_at__gte=baseline.at).select_related("event")
        self.items = {item.identity: item for item in rows}
        self.stored = [item for item in self.items.values() if item.status == Status.STORED]

    @property
    def settled(self) -> int:
        """Number of announced media in a final state."""
        final = (Status.STORED, Status.FAILED, Status.ABSENT)
        return sum(
            script.sid in self.items and self.items[script.sid].status in final
            for script in self.scripts
        )

    def problems(self) -> list[str]:
        """Return a sentence per deviation from the expected result."""
        problems = [problem for script in self.scripts if (problem := self._problem(script))]
        if extra := len(self.stored) - len(self.scripts):
            problems.append(f"{extra:+d} stored media compared with those announced")
        if leaks := self.twilio.log.credentials_at_cdn():
            problems.append(f"{len(leaks)} requests leaked our credentials to the CDN")
        statuses = Counter(delivery.status for delivery in self.twilio.deliveries())
        if not statuses[403] == self.rejected == self.forged:
            counted = f"{statuses[403]} got a 403, {self.rejected} were counted as rejected"
            problems.append(f"{self.forged} forged webhooks were sent, {counted}")
        if others := statuses.total() - statuses[200] - statuses[403]:
            problems.append(f"{others} webhooks got neither 200 nor 403")
        log = self.twilio.log
        expected = sum(404 in log.statuses_of(script.sid) for script in self.scripts)
        if self._early_404s() != expected:
            problems.append("the early 404s differ from those in the simulator's log")
        return problems

    def _problem(self, script: MediaScript) -> str | None:
        item = self.items.get(script.sid)
        if item is None:
            return f"{script.sid} was announced but has no row"
        if item.status != Status.STORED:
            return f"{script.sid} is {item.status}: {item.error} {item.detail}"
        with storages["media"].open(item.storage_name) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if not digest == item.sha256 == script.sha256:
            return f"{script.sid} was stored with different bytes than the simulator served"
        return None

    def table(self) -> Table:
        table = Table("figure", "value", title="Result of the demo")
        for name, value in self._figures():
            table.add_row(name, value)
        return table

    def _figures(self) -> list[tuple[str, str]]:
        statuses = Counter(delivery.status for delivery in self.twilio.deliveries())
        spans = [known for item in self.stored if (known := span(item))]
        lags = [lag for item in self.stored if (lag := queue_lag_s(item)) is not None]
        attempts = [item.attempts for item in self.stored]
        waits = self._excess_waits_s()
        absent = sum(item.status == Status.ABSENT for item in self.items.values())
        return [
            ("webhooks sent", f"{statuses.total()} ({statuses[200]} accepted with 200)"),
            ("webhooks rejected", f"{self.rejected}"),
            ("media announced", f"{len(self.scripts)}"),
            ("media stored, bytes verified", f"{len(self.stored)}"),
            ("recordings that never existed", f"{absent}"),
            ("media with an early 404", f"{self._early_404s()}"),
            ("propagation delay, at least", format_seconds([known.at_least_s for known in spans])),
            ("propagation delay, at most", format_seconds([known.at_most_s for known in spans])),
            ("queue lag", format_seconds(lags)),
            ("excess wait", format_seconds(waits)),
            ("excess wait, mean", f"{fmean(waits or [0]):.2f} s"),
            (
                "attempts per media item",
                f"mean {fmean(attempts or [0]):.2f}, max {max(attempts or [0])}",
            ),
        ]

    def _early_404s(self) -> int:
        return sum(item.not_found_count > 0 for item in self.items.values())

    def _excess_waits_s(self) -> list[float]:
        """Return the seconds from availability, or a later webhook, to the stored file."""
        waits = []
        for script in self.scripts:
            item = self.items.get(script.sid)
            if item and item.retrieved_at and script.available_at:
                available = max(script.available_at, item.received_at)
                waits.append((item.retrieved_at - available).total_seconds())
        return waits


def format_seconds(values: Sequence[float]) -> str:
    """Return median, 95th percentile and maximum as text; "-" if there are no values."""
    if not values:
        return "-"
    median, high = percentile(values, 0.5), percentile(values, 0.95)
    return f"p50 {median:.2f} s, p95 {high:.2f} s, max {max(values):.2f} s"
