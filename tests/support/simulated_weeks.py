"""Weeks of a simulated service: traffic, Twilio's delays, our outages, and what detection found.

At each moment, the rows are what the service would have written by then. The service's own code
requests the metadata, from a Twilio that knows the truth.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import time_machine
from django.utils import timezone

from mediapipe.escalation import detection
from mediapipe.failures import TransientFailure, TransientMedia404
from mediapipe.fetching.not_found import diagnose, is_due, query_metadata
from mediapipe.models import IncidentStep, MediaItem, Status, StepKind, WebhookEvent
from mediapipe.models.delays import queue_lag_s, span, waited_s
from mediapipe.providers.base import MediaRequest, Response
from tests.support import make
from tests.support.tables import Table

MONDAY = datetime(2026, 3, 16, tzinfo=UTC)
BASELINE, LENGTH = timedelta(days=15), timedelta(days=7)
STEP = timedelta(minutes=30)
# The service runs detection each minute; the weeks do so only for 3 hours after `begins`.
MINUTE, EVERY_MINUTE_FOR = timedelta(minutes=1), timedelta(hours=3)
# The results of the weeks, printed at the end of the run.
TABLE = Table(
    "simulated weeks",
    (
        "week",
        "incidents",
        "false alarms",
        "detected after",
        "over after",
        "404s diagnosed correctly",
    ),
)
# The relative number of webhooks in each hour of a day.
HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 9, 8, 9, 10, 10, 9, 8, 7, 6, 5, 4, 3, 3)
# The times of the attempts, in seconds after the first one.
SCHEDULE_S = (0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 843, 2643, 6243, 17043, 38643, 81843, 168243)
LARGE, SMALL, STRANGE = (f"AC{number:032x}" for number in (1, 2, 3))
UNFINISHED = (Status.QUEUED, Status.RETRYING)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions at one moment: media per day, the share that is late, and its median delay.

    `down_until` is when our own worker is back, if it is down.
    """

    media_a_day: int
    late_share: float = 0.02
    median_s: float = 3.0
    deleted_share: float = 0.003
    has_wrong_credentials: bool = False
    down_until: datetime | None = None


ConditionsAt = Callable[[str, datetime], Conditions]


@dataclass(eq=False, slots=True)
class Truth:
    """The truth about one item: when it becomes available, and the real cause of its 404s."""

    item: MediaItem
    available_at: datetime | None
    first_attempt_at: datetime
    cause: str
    metadata: bool
    tried: int = 0


@dataclass
class Week:
    """The accounts, two by default, in a quiet baseline of 15 days and the week under test."""

    conditions_at: ConditionsAt
    accounts: tuple[str, ...] = (LARGE, SMALL)
    seed: int = 1
    waiting: list[Truth] = field(default_factory=list)
    truths: dict[str, Truth] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)

    def run(self, begins: datetime | None = None) -> None:
        """Simulate both periods; run detection after each step of the week, unless we are down."""
        with time_machine.travel(MONDAY - BASELINE, tick=False) as clock:
            self.clock = clock
            self._receive(MONDAY - BASELINE, MONDAY)
            self._make_due_attempts(MONDAY)
            now = MONDAY
            while now < MONDAY + LENGTH:
                every_minute = begins and begins <= now < begins + EVERY_MINUTE_FOR
                step = MINUTE if every_minute else STEP
                self._receive(now, now + step)
                now += step
                self._make_due_attempts(now)
                clock.move_to(now)
                # While the worker is down, detection does not run either.
                if not self._down(now):
                    detection.run_detectors(now)

    def announced(self) -> list[tuple[str, str, str]]:
        """Return kind, cause and account of each incident step that is notified, in order."""
        steps = IncidentStep.objects.notifiable().select_related("incident")
        return [(s.kind, s.incident.cause, s.incident.account_sid) for s in steps]

    def wrong_diagnoses(self) -> Counter[tuple[str, str]]:
        """Count the wrong diagnoses, by (truth, diagnosis)."""
        rows = MediaItem.objects.exclude(not_found_because="")
        diagnoses = rows.values_list("identity", "not_found_because")
        pairs = ((self.truths[identity].cause, word) for identity, word in diagnoses)
        return Counter(pair for pair in pairs if pair[0] != pair[1])

    def report(
        self, name: str, expected: int, begins: datetime | None = None, end: datetime | None = None
    ) -> None:
        """Add this week to the table, with the notifications' delays after `begins` and `end`."""
        opened = [s for s in IncidentStep.objects.notifiable() if s.kind == StepKind.OPENED]
        over = [s for s in IncidentStep.objects.notifiable() if s.kind == StepKind.RECOVERED]
        judged = MediaItem.objects.exclude(not_found_because="").count()
        right = judged - self.wrong_diagnoses().total()
        TABLE.add(
            name,
            str(len(opened)),
            str(len(opened) - expected),
            _after(begins, opened),
            _after(end, over),
            f"{right} of {judged}",
        )

    def send_request(self, request: MediaRequest) -> Response:
        """Return the response of Twilio's API to a request for an item's metadata."""
        identity = request.url.rpartition("/")[2].removesuffix(".json")
        if self.truths[identity].metadata:
            return Response(200, {}, b'{"sid": "ME"}', redirected=False)
        return Response(404, {}, b"", redirected=False)

    def _down(self, now: datetime) -> bool:
        back = self.conditions_at(self.accounts[0], now).down_until
        return back is not None and now < back

    def _receive(self, since: datetime, until: datetime) -> None:
        """Receive the webhooks of this period."""
        truths = [truth for at, sid in self._arrivals(since, until) for truth in self._one(at, sid)]
        for truth in truths:
            self._attempts(truth, until, metadata=False)
        WebhookEvent.objects.bulk_create([truth.item.event for truth in truths])
        MediaItem.objects.bulk_create([truth.item for truth in truths])
        self.truths |= {truth.item.identity: truth for truth in truths}
        self.waiting += [truth for truth in truths if truth.item.status in UNFINISHED]

    def _arrivals(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, str]]:
        for account_sid in self.accounts:
            at = since
            while True:
                hourly = (
                    self.conditions_at(account_sid, at).media_a_day * HOURS[at.hour] / sum(HOURS)
                )
                at += timedelta(hours=self.rng.expovariate(max(hourly, 0.01)))
                if at >= until:
                    break
                yield at, account_sid

    def _one(self, at: datetime, account_sid: str) -> Iterator[Truth]:
        conditions = self.conditions_at(account_sid, at)
        if not conditions.media_a_day:
            return
        message = make.message(account_sid=account_sid, home_region="us1")
        event = WebhookEvent.from_message(message, provider="twilio", at=at)
        (announced,) = message.media
        item = MediaItem.from_announcement(event, announced, at)
        item.media_url = item.media_url.replace(make.ACCOUNT, account_sid)
        first = max(at, conditions.down_until or at) + timedelta(seconds=self.rng.uniform(0.1, 0.5))
        yield Truth(item, *self._draw_truth(conditions, at, first))

    def _draw_truth(
        self, conditions: Conditions, at: datetime, first: datetime
    ) -> tuple[datetime | None, datetime, str, bool]:
        if conditions.has_wrong_credentials:
            return None, first, "credentials_suspected", False
        draw = self.rng.random()
        if draw < conditions.deleted_share:
            return None, first, "deleted", False
        late_s = 0.0
        if draw < conditions.deleted_share + conditions.late_share:
            late_s = self.rng.lognormvariate(math.log(conditions.median_s), 1.0)
        # The metadata may be available before the bytes, or only with them.
        metadata = self.rng.random() < 0.5
        return at + timedelta(seconds=late_s), first, "propagating", metadata

    def _make_due_attempts(self, now: datetime) -> None:
        """Make every attempt that is due by now."""
        for truth in self.waiting:
            before = truth.tried
            self._attempts(truth, now)
            if truth.tried > before:
                truth.item.save()
        self.waiting = [truth for truth in self.waiting if truth.item.status in UNFINISHED]

    def _attempts(self, truth: Truth, now: datetime, *, metadata: bool = True) -> None:
        """Make the item's due attempts; without `metadata` only the first 3, which need none."""
        item = truth.item
        while item.status in UNFINISHED and truth.tried < (len(SCHEDULE_S) if metadata else 3):
            at = truth.first_attempt_at + timedelta(seconds=SCHEDULE_S[truth.tried])
            if at > now:
                return
            truth.tried = item.attempts = truth.tried + 1
            item.first_attempt_at = item.first_attempt_at or at
            item.queue_lag_s = queue_lag_s(item)
            if truth.available_at and truth.available_at <= at:
                item.status, item.found_at, item.retrieved_at = Status.STORED, at, at
            else:
                self._not_found(truth, at)
            item.delay_at_least_s = waited_s(item)
            item.delay_at_most_s = delay.at_most_s if (delay := span(item)) else None

    def _not_found(self, truth: Truth, at: datetime) -> None:
        item = truth.item
        if truth.tried > 3:
            self.clock.move_to(at)
        item.account_degraded, item.last_not_found_at = False, at
        report = query_metadata(item) if is_due(item) else None
        diagnosis = diagnose(item, TransientMedia404(), report, timezone.now())
        failure = diagnosis.failure
        for name, value in diagnosis.changes.items():
            setattr(item, name, value)
        item.not_found_count += 1
        item.status, item.error = Status.RETRYING, failure.slug
        if not isinstance(failure, TransientFailure) or truth.tried == len(SCHEDULE_S):
            item.status, item.failed_at = Status.FAILED, at
            if failure.slug == "deleted":
                item.not_found_because = "deleted"


def _after(moment: datetime | None, steps: list[IncidentStep]) -> str:
    if moment is None or not steps:
        return "-"
    minutes = round((steps[0].at - moment).total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"
