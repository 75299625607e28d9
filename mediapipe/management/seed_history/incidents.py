from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from mediapipe.management.seed_history.incident_cases import CASES, MINUTE, Case
from mediapipe.management.seed_history.outbox import Fate, outbox_columns
from mediapipe.models import (
    Channel,
    Incident,
    IncidentMedia,
    IncidentState,
    IncidentStep,
    MediaItem,
    Notice,
    StepKind,
)
from mediapipe.models.incident_steps import NOTIFIABLE
from mediapipe.models.outbox import DeliveryStatus

MAX_MEDIA = 500
FATES = {
    Channel.EMAIL: (Fate(1, DeliveryStatus.DELIVERED, ("mail.example.com: accepted",)),),
    Channel.SLACK: (
        Fate(80, DeliveryStatus.DELIVERED, ("hooks.slack.com: 200 ok",)),
        Fate(10, DeliveryStatus.FAILED, ("hooks.slack.com: 404 no_service",)),
        Fate(10, DeliveryStatus.WAITING, ("hooks.slack.com: 503",)),
    ),
}


def save_incidents(accounts: list[str], by: Any, until: datetime, rng: Random) -> None:
    """Save open and resolved incidents with their media, steps and notices."""
    for case in CASES:
        account_sid = "" if case.account is None else accounts[case.account]
        media = MediaItem.objects.filter(case.media(until))
        if account_sid:
            media = media.filter(account_sid=account_sid)
        ids = list(media.order_by("-received_at").values_list("pk", flat=True)[:MAX_MEDIA])
        incident = _save(case, account_sid, len(ids), until)
        IncidentMedia.objects.bulk_create(
            IncidentMedia(incident=incident, media_id=pk, added_at=incident.opened_at) for pk in ids
        )
        steps = IncidentStep.objects.bulk_create(_steps(case, incident, by))
        Notice.objects.bulk_create(_notices(steps, until, rng))


def _save(case: Case, account_sid: str, affected: int, until: datetime) -> Incident:
    opened_at = until - case.opened
    resolved_at = None if case.resolved is None else until - case.resolved
    ignored = case.state == IncidentState.IGNORED
    return Incident.objects.create(
        cause=case.cause,
        account_sid=account_sid,
        state=case.state if resolved_at is None or ignored else IncidentState.RESOLVED,
        ticket=case.ticket,
        first_seen_at=opened_at,
        opened_at=opened_at,
        last_seen_at=resolved_at or until,
        count=1 + int(((resolved_at or until) - opened_at) / MINUTE),
        resolved_at=resolved_at,
        detail=case.detail,
        measured=case.measured,
        usual=case.usual,
        announced=case.measured,
        affected=affected,
    )


def _steps(case: Case, incident: Incident, by: Any) -> Iterator[IncidentStep]:
    steps = [(StepKind.OPENED, timedelta(), ""), *case.steps]
    if incident.resolved_at:
        ended = StepKind.RESOLVED if case.state == IncidentState.IGNORED else StepKind.RECOVERED
        steps.append((ended, incident.resolved_at - incident.opened_at, ""))
    for kind, after, note in steps:
        user = None if kind in NOTIFIABLE or kind == StepKind.RESOLVED else by
        at = incident.opened_at + after
        yield IncidentStep(incident=incident, kind=kind, at=at, by=user, note=note)


def _notices(steps: list[IncidentStep], until: datetime, rng: Random) -> Iterator[Notice]:
    for step in steps:
        if step.kind in NOTIFIABLE:
            for channel, fates in FATES.items():
                columns = outbox_columns(fates, step.at, until, rng)
                yield Notice(step=step, incident=step.incident, channel=channel, **columns)
