from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q

from mediapipe.failures import AccountRefused
from mediapipe.management.seed_history.arrivals import BACKLOG, OUTBREAK, REFUSED_FOR
from mediapipe.models import Cause, IncidentState, StepKind
from mediapipe.models.media.queryset import EARLY_404

NONE, MINUTE, HOUR, DAY = timedelta(), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Case:
    """One incident of the history; `opened`, `resolved` and `window` count back from its end.

    `account` is an index into the accounts, None for the whole service. `steps` are those between
    the first and the last: the kind, the time since the first, and a note. The affected media was
    received in `window` (its end, then its start) and matches `only`; without a window, none is.
    """

    cause: Cause
    opened: timedelta
    resolved: timedelta | None = None
    detail: str = ""
    account: int | None = None
    measured: float | None = None
    usual: float | None = None
    state: IncidentState = IncidentState.OPEN
    ticket: str = ""
    steps: tuple[tuple[StepKind, timedelta, str], ...] = ()
    window: tuple[timedelta, timedelta] | None = None
    only: Q = field(default_factory=Q)

    def media(self, until: datetime) -> Q:
        """Return the condition that selects the affected media."""
        if self.window is None:
            return Q(pk__in=())
        newest, oldest = self.window
        return self.only & Q(received_at__gte=until - oldest, received_at__lt=until - newest)


CASES = (
    Case(
        Cause.STORAGE,
        20 * DAY,
        20 * DAY - HOUR,
        "No space left on device.",
        window=(20 * DAY - HOUR, 20 * DAY),
    ),
    Case(Cause.COMPONENT, 15 * DAY, 15 * DAY - 4 * MINUTE, "Beat not seen for 5 min."),
    Case(
        Cause.SLOW_PROPAGATION,
        11 * DAY,
        11 * DAY - 3 * HOUR,
        "5% of 412 media propagated in 41.0 s or more; the baseline for these hours is 9.5 s.",
        account=1,
        measured=41.0,
        usual=9.5,
        state=IncidentState.IGNORED,
        steps=((StepKind.IGNORED, 20 * MINUTE, ""),),
        window=(11 * DAY - 3 * HOUR, 11 * DAY),
        only=EARLY_404,
    ),
    Case(
        Cause.QUEUE,
        BACKLOG[1] - 5 * MINUTE,
        BACKLOG[0],
        "Media waited 10 s or longer for the first attempt.",
        measured=60.0,
        window=BACKLOG,
    ),
    Case(
        Cause.RATE_LIMIT,
        2 * DAY,
        2 * DAY - HOUR,
        account=1,
        window=(2 * DAY - HOUR, 2 * DAY),
    ),
    Case(
        Cause.EARLY_404S,
        OUTBREAK[1] - 15 * MINUTE,
        OUTBREAK[0] - 10 * MINUTE,
        "96 of 128 media had an early 404; the baseline for these hours is 38.",
        account=0,
        measured=96.0,
        usual=38.0,
        state=IncidentState.RESOLVED,
        ticket="12345678",
        steps=(
            (StepKind.WORSE, 40 * MINUTE, "192 media had an early 404."),
            (StepKind.ACKNOWLEDGED, 50 * MINUTE, ""),
            (StepKind.NOTED, 70 * MINUTE, "Only MMS from one carrier; recordings are fine."),
            (StepKind.REPORTED, 90 * MINUTE, "12345678"),
        ),
        window=OUTBREAK,
        only=EARLY_404,
    ),
    Case(
        Cause.FAILURES,
        2 * DAY,
        detail="Most of them failed with not_ready.",
        account=0,
        measured=12.0,
        usual=2.0,
        state=IncidentState.ACKNOWLEDGED,
        steps=(
            (StepKind.ACKNOWLEDGED, 5 * MINUTE, ""),
            (StepKind.NOTED, 9 * MINUTE, "The customers were asked to send them again."),
        ),
        window=(NONE, 3 * DAY),
        only=Q(failed_at__isnull=False),
    ),
    Case(
        Cause.CREDENTIALS,
        REFUSED_FOR,
        account=2,
        window=(NONE, REFUSED_FOR),
        only=Q(error=AccountRefused.slug),
    ),
    Case(
        Cause.HAND_OFFS,
        50 * MINUTE,
        detail="Failing hand-offs: 6. Last result: crm.example.com: 500",
        measured=6.0,
    ),
    Case(Cause.APP_REFUSES, 20 * MINUTE, detail="Webhooks rejected, by app: support-inbox 4."),
)
