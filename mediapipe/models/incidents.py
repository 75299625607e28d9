from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.utils import timezone

from mediapipe.models.causes import Cause
from mediapipe.models.incident_steps import NOTIFIABLE, IncidentMedia, StepKind
from mediapipe.models.notices import Notice


class IncidentState(models.TextChoices):
    """open -> acknowledged -> reported -> resolved; ignored instead of any of them."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    REPORTED = "reported"
    RESOLVED = "resolved"
    IGNORED = "ignored"


ACTIVE = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.REPORTED)
CLOSED = (IncidentState.RESOLVED, IncidentState.IGNORED)
# Notify again when the value has doubled since the last notification.
WORSE = 2.0


@dataclass(frozen=True, slots=True)
class Observation:
    """What detection measured: the value, its baseline, a sentence, and the affected media.

    `value` and `baseline` are in the unit of the cause: a number of media items, or seconds for a
    delay; None where a higher value would not be worse. `media` is a query: the incident adds the
    items that it does not have yet.
    """

    value: float | None
    baseline: float | None
    detail: str
    media: models.QuerySet[Any]


class IncidentQuerySet(models.QuerySet["Incident"]):
    def ongoing(self) -> IncidentQuerySet:
        """Not over yet, including ignored ones."""
        return self.filter(resolved_at=None)

    def open(self) -> IncidentQuerySet:
        """Ongoing and not ignored: they need attention."""
        return self.ongoing().exclude(state=IncidentState.IGNORED)

    def resolved_since(self, moment: datetime) -> IncidentQuerySet:
        return self.filter(resolved_at__gte=moment)

    def last_resolved_at(self, since: datetime) -> datetime | None:
        """Return when the last of them ended, or None if that was before `since`."""
        ends = self.resolved_since(since).order_by("-resolved_at")
        return ends.values_list("resolved_at", flat=True).first()


class Incident(models.Model):
    """A problem of one account, or of the whole service, from its first sign to its end.

    `account_sid` is empty if the whole service is affected. `resolved_at` is when it ended, either
    automatically or by a user. `media` are the affected items: they are added while the incident
    is ongoing and never removed. `steps` are its history.
    """

    cause = models.CharField(max_length=32, choices=Cause.choices)
    account_sid = models.CharField("account SID", max_length=34, blank=True)
    state = models.CharField(
        max_length=12,
        choices=IncidentState.choices,
        default=IncidentState.OPEN,
        db_default=IncidentState.OPEN.value,
    )
    ticket = models.CharField("ticket number", max_length=64, blank=True, default="", db_default="")
    first_seen_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    count = models.PositiveIntegerField("times seen", default=0)
    resolved_at = models.DateTimeField("resolved at", null=True, blank=True)
    detail = models.CharField(max_length=255, blank=True, default="", db_default="")
    measured = models.FloatField(null=True, blank=True)
    usual = models.FloatField(null=True, blank=True)
    affected = models.PositiveIntegerField("affected media", default=0, db_default=0)
    # The value at the last notification, so that "worse" is sent once per doubling.
    announced = models.FloatField(null=True, blank=True, editable=False)
    media = models.ManyToManyField(
        "mediapipe.MediaItem", through=IncidentMedia, related_name="incidents"
    )

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        permissions = [("manage_incident", "Can acknowledge, report and close incidents")]
        constraints = [
            models.UniqueConstraint(
                fields=["cause", "account_sid"],
                condition=Q(resolved_at=None),
                name="one_open_incident_a_cause",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_cause_display()} {self.account_sid}".strip()

    @classmethod
    def open_or_update(
        cls, cause: Cause, account_sid: str = "", observation: Observation | None = None
    ) -> Incident | None:
        """Open an incident, or update the ongoing one, and return it.

        An incident that ended within ESCALATION_WINDOW is reopened instead of opening another.
        Of several concurrent callers, one opens it, and each channel gets one notification. None if
        it was resolved in the meantime.
        """
        now = timezone.now()
        same = cls.objects.filter(cause=cause, account_sid=account_sid)
        incident = same.ongoing().first()
        if incident is None:
            window = timedelta(seconds=settings.ESCALATION_WINDOW_S)
            recent = same.resolved_since(now - window).order_by("-resolved_at")
            cls._open(cause, account_sid, now, unless=recent)
            if resolved := recent.first():
                resolved.reopen()
            # Ours, or that of another worker that was faster.
            incident = same.ongoing().first()
        if incident:
            incident._update(observation, now)
        return incident

    @classmethod
    def resolve_for(cls, cause: Cause, account_sid: str = "") -> None:
        """Resolve the ongoing incident of this cause, if there is one."""
        for incident in cls.objects.ongoing().filter(cause=cause, account_sid=account_sid):
            incident.resolve()

    @classmethod
    def _open(
        cls, cause: Cause, account_sid: str, now: datetime, *, unless: IncidentQuerySet
    ) -> None:
        # The unique constraint decides between workers that open the same incident at once. Only
        # after the insert is it certain that no other worker opens and resolves one meanwhile.
        with contextlib.suppress(IntegrityError), transaction.atomic():
            incident = cls.objects.create(
                cause=cause,
                account_sid=account_sid,
                first_seen_at=now,
                opened_at=now,
                last_seen_at=now,
            )
            if unless.exists():
                transaction.set_rollback(True)
            else:
                incident._record(StepKind.OPENED)

    def acknowledge(self, by: AbstractBaseUser) -> bool:
        """Mark it as being handled; return whether anything changed."""
        new = (IncidentState.OPEN,)
        return self._step(StepKind.ACKNOWLEDGED, new, by, state=IncidentState.ACKNOWLEDGED)

    def report(self, by: AbstractBaseUser, ticket: str) -> bool:
        """Record the number of the Twilio Support ticket, also after the incident has ended."""
        reported: dict[str, Any] = {"state": IncidentState.REPORTED, "ticket": ticket}
        if self._step(StepKind.REPORTED, ACTIVE, by, ticket, **reported):
            return True
        # Closed and ignored incidents keep their state and only get the ticket.
        return self._step(StepKind.REPORTED, CLOSED, by, ticket, ticket=ticket)

    def resolve(self, by: AbstractBaseUser | None = None) -> bool:
        """Close it, either by a user or automatically because the problem is over.

        Ignored incidents that end automatically stay ignored and send no notification.
        """
        now = timezone.now()
        resolved: dict[str, Any] = {"state": IncidentState.RESOLVED, "resolved_at": now}
        if by:
            return self._step(StepKind.RESOLVED, (*ACTIVE, IncidentState.IGNORED), by, **resolved)
        if self._step(StepKind.RECOVERED, ACTIVE, **resolved):
            return True
        return self._step(StepKind.RESOLVED, (IncidentState.IGNORED,), resolved_at=now)

    def ignore(self, by: AbstractBaseUser) -> bool:
        """Send no more notifications about it, and open no other, until it is over."""
        return self._step(StepKind.IGNORED, ACTIVE, by, state=IncidentState.IGNORED)

    def add_note(self, by: AbstractBaseUser, text: str) -> bool:
        """Add what a user found out to the history, in any state."""
        self._record(StepKind.NOTED, by, text)
        return True

    def reopen(self, by: AbstractBaseUser | None = None) -> bool:
        """Open it again, either by a user or automatically because the problem is back.

        Ignored incidents that come back automatically stay ignored.
        """
        again: dict[str, Any] = {
            "state": IncidentState.OPEN,
            "resolved_at": None,
            "announced": None,
        }
        try:
            with transaction.atomic():
                if by is None and self._change((IncidentState.IGNORED,), resolved_at=None):
                    return True
                return self._step(StepKind.REOPENED, CLOSED, by, **again)
        except IntegrityError:
            # Another incident about the same problem is already ongoing.
            return False

    def escalate_to(self, cause: Cause, observation: Observation) -> bool:
        """Change the cause to a more severe one, and send one notification that it got worse.

        Return False if it is over: another worker resolved it, or there is an ongoing incident of
        the more severe cause, which covers it.
        """
        row = Incident.objects.ongoing().filter(pk=self.pk, cause=self.cause)
        change = {"cause": cause, "usual": observation.baseline, "announced": observation.value}
        try:
            with transaction.atomic():
                if not row.update(**change):
                    return False
                self.refresh_from_db()
                if self.state in ACTIVE:
                    self._record(StepKind.WORSE, note=observation.detail)
        except IntegrityError:
            self.resolve()
            return False
        return True

    def add_media(self, media: models.QuerySet[Any]) -> None:
        """Add the affected media items that the incident does not have yet."""
        earliest = IncidentMedia.add(self.pk, media)
        if earliest is None:
            return
        row = Incident.objects.filter(pk=self.pk)
        row.update(affected=IncidentMedia.objects.filter(incident=self).count())
        row.filter(first_seen_at__gt=earliest).update(first_seen_at=earliest)

    def _update(self, observation: Observation | None, now: datetime) -> None:
        row = Incident.objects.filter(pk=self.pk)
        row.update(count=F("count") + 1, last_seen_at=now)
        if observation is None:
            return
        value, detail = observation.value, observation.detail[:255]
        row.update(measured=value, usual=observation.baseline, detail=detail)
        self.add_media(observation.media)
        if value is None:
            return
        row.filter(announced=None).update(announced=value)
        with transaction.atomic():
            # The worker that raises `announced` records the step; the others find it raised.
            worse = row.filter(announced__lte=value / WORSE, state__in=ACTIVE)
            if worse.update(announced=value):
                self._record(StepKind.WORSE, note=detail)

    def _step(
        self,
        kind: StepKind,
        before: Sequence[IncidentState],
        by: AbstractBaseUser | None = None,
        note: str = "",
        **changes: Any,
    ) -> bool:
        """Change the row if it is still in one of these states, and record the step."""
        with transaction.atomic():
            if not self._change(before, **changes):
                return False
            self._record(kind, by, note)
        return True

    def _record(self, kind: StepKind, by: AbstractBaseUser | None = None, note: str = "") -> None:
        # `by` may be any model with a login: a project may have its own user model.
        user: Any = by
        step = self.steps.create(kind=kind, at=timezone.now(), by=user, note=note[:255])
        if by is None and kind in NOTIFIABLE:
            Notice.enqueue(step)

    def _change(self, before: Sequence[IncidentState], **changes: Any) -> bool:
        row = Incident.objects.filter(pk=self.pk, state__in=before)
        if not row.update(**changes):
            return False
        vars(self).update(changes)
        return True
