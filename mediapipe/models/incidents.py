from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, models, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from mediapipe.models.causes import Cause
from mediapipe.models.incident_steps import IncidentMedia, Step

if TYPE_CHECKING:
    from mediapipe.models.media.queryset import MediaQuerySet


class State(models.TextChoices):
    """open -> acknowledged -> reported -> resolved; ignored instead of any of them."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    REPORTED = "reported"
    RESOLVED = "resolved"
    IGNORED = "ignored"


NEW = (State.OPEN,)
UNSETTLED = (State.OPEN, State.ACKNOWLEDGED, State.REPORTED)
SETTLED = (State.RESOLVED, State.IGNORED)
# Twice as bad as when it was last announced is worth another word.
WORSE = 2.0


@dataclass(frozen=True, slots=True)
class Observation:
    """What detection saw of a trouble: how bad, what is usual, since when, and which media.

    `measured` and `usual` are in the unit of the cause: media items, or seconds for a delay;
    None where more of it would not be worse. `media` is a query, of which the incident takes
    in what it does not have yet.
    """

    measured: float | None
    usual: float | None
    detail: str
    media: MediaQuerySet


class IncidentQuerySet(models.QuerySet["Incident"]):
    """The questions that are asked of incidents."""

    def ongoing(self) -> IncidentQuerySet:
        """Those whose trouble is not over, ignored ones included."""
        return self.filter(resolved_at=None)

    def open(self) -> IncidentQuerySet:
        """Those that are not over and that somebody has to look at."""
        return self.ongoing().exclude(state=State.IGNORED)

    def over_since(self, moment: datetime) -> IncidentQuerySet:
        """Those that ended at this moment or later."""
        return self.filter(resolved_at__gte=moment)

    def last_end(self, since: datetime) -> datetime | None:
        """Return when the last of them ended, if that was not before `since`."""
        ends = self.over_since(since).order_by("-resolved_at")
        return ends.values_list("resolved_at", flat=True).first()


class Incident(models.Model):
    """One trouble of an account, or of the whole service, from its first sign to its end.

    `account_sid` is empty for trouble of the whole service. `resolved_at` is when the trouble
    was over, by itself or because a person said so. `media` are the items that it affected:
    once in, an item stays in, and the selection grows until the trouble is over. `steps` say
    what happened to the incident, when, and by whom.
    """

    cause = models.CharField(max_length=32, choices=Cause.choices)
    account_sid = models.CharField("account SID", max_length=34, blank=True)
    state = models.CharField(
        max_length=12, choices=State.choices, default=State.OPEN, db_default=State.OPEN.value
    )
    ticket = models.CharField("ticket number", max_length=64, blank=True, default="", db_default="")
    first_seen_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    count = models.PositiveIntegerField("times seen", default=0)
    resolved_at = models.DateTimeField("over since", null=True, blank=True)
    detail = models.CharField(max_length=255, blank=True, default="", db_default="")
    measured = models.FloatField(null=True, blank=True)
    usual = models.FloatField(null=True, blank=True)
    affected = models.PositiveIntegerField("affected media", default=0, db_default=0)
    # How bad it was when it was last announced, so that "worse" is said once for each doubling.
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
    def see(
        cls, cause: Cause, account_sid: str = "", sighting: Observation | None = None
    ) -> Incident | None:
        """Open an incident, or note that the one that is open goes on; return it.

        One that ended within the dedupe window is opened again. Of several that see the same
        at once, one opens it, and the step that is announced is written once.
        """
        now = timezone.now()
        incident = cls._ongoing_or_new(cause, account_sid, now)
        if incident:
            incident._seen(sighting, now)
        return incident

    @classmethod
    def over(cls, cause: Cause, account_sid: str = "") -> None:
        """Note that the trouble is over."""
        for incident in cls.objects.ongoing().filter(cause=cause, account_sid=account_sid):
            incident.resolve()

    @classmethod
    def _ongoing_or_new(cls, cause: Cause, account_sid: str, now: datetime) -> Incident | None:
        same = cls.objects.filter(cause=cause, account_sid=account_sid)
        if ongoing := same.ongoing().first():
            return ongoing
        window = timedelta(seconds=settings.ESCALATION_WINDOW_S)
        recent = same.over_since(now - window).order_by("-resolved_at").first()
        if recent:
            recent.reopen()
            return same.ongoing().first()
        return cls._opened(cause, account_sid, now) or same.ongoing().first()

    @classmethod
    def _opened(cls, cause: Cause, account_sid: str, now: datetime) -> Incident | None:
        try:
            with transaction.atomic():
                incident = cls.objects.create(
                    cause=cause,
                    account_sid=account_sid,
                    first_seen_at=now,
                    opened_at=now,
                    last_seen_at=now,
                )
                incident.steps.create(kind=Step.OPENED, at=now)
                return incident
        except IntegrityError:
            # Somebody else saw the same trouble at the same moment.
            return None

    def acknowledge(self, by: AbstractBaseUser) -> bool:
        """Note that somebody looks after it; tell whether that was news."""
        return self._step(Step.ACKNOWLEDGED, NEW, by, state=State.ACKNOWLEDGED)

    def report(self, by: AbstractBaseUser, ticket: str) -> bool:
        """Note the number of the ticket at Twilio Support, also of trouble that is over."""
        if self._step(Step.REPORTED, UNSETTLED, by, ticket, state=State.REPORTED, ticket=ticket):
            return True
        # What is over, or ignored, stays so: only its ticket is new.
        return self._step(Step.REPORTED, SETTLED, by, ticket, ticket=ticket)

    def resolve(self, by: AbstractBaseUser | None = None) -> bool:
        """Close it: a person says so, or nobody, because the trouble is over by itself.

        The end of trouble that is ignored is not announced, and it stays ignored.
        """
        now = timezone.now()
        closed: dict[str, Any] = {"state": State.RESOLVED, "resolved_at": now}
        if by:
            return self._step(Step.RESOLVED, (*UNSETTLED, State.IGNORED), by, **closed)
        if self._step(Step.RECOVERED, UNSETTLED, **closed):
            return True
        return self._step(Step.RESOLVED, (State.IGNORED,), resolved_at=now)

    def ignore(self, by: AbstractBaseUser) -> bool:
        """Hear no more of it, and open no other one, until the trouble is over."""
        return self._step(Step.IGNORED, UNSETTLED, by, state=State.IGNORED)

    def reopen(self, by: AbstractBaseUser | None = None) -> bool:
        """Open it again: the trouble came back, or a person says that it is not over.

        Trouble that was ignored and comes back by itself stays ignored.
        """
        again: dict[str, Any] = {"state": State.OPEN, "resolved_at": None, "announced": None}
        try:
            with transaction.atomic():
                if by is None and self._change((State.IGNORED,), resolved_at=None):
                    return True
                return self._step(Step.REOPENED, SETTLED, by, **again)
        except IntegrityError:
            # There is another one about the same trouble already.
            return False

    def turn_into(self, cause: Cause, sighting: Observation) -> None:
        """Go on as one of a graver cause, and tell that once as a turn for the worse."""
        row = Incident.objects.ongoing().filter(pk=self.pk, cause=self.cause)
        with transaction.atomic():
            if not row.update(cause=cause, usual=sighting.usual, announced=sighting.measured):
                return
            self.refresh_from_db()
            if self.state in UNSETTLED:
                self.steps.create(kind=Step.WORSE, at=timezone.now(), note=sighting.detail[:255])

    def grow(self, media: MediaQuerySet) -> None:
        """Add media items to those that are affected; what is in already stays as it is."""
        in_already = IncidentMedia.objects.filter(incident=self, media=OuterRef("pk"))
        added = media.exclude(Exists(in_already)).order_by().values_list("pk", "received_at")
        news = list(added)
        if not news:
            return
        rows = [IncidentMedia(incident=self, media_id=pk) for pk, _ in news]
        IncidentMedia.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
        earliest = min(received_at for _, received_at in news)
        row = Incident.objects.filter(pk=self.pk)
        row.update(affected=IncidentMedia.objects.filter(incident=self).count())
        row.filter(first_seen_at__gt=earliest).update(first_seen_at=earliest)

    def _seen(self, sighting: Observation | None, now: datetime) -> None:
        row = Incident.objects.filter(pk=self.pk)
        row.update(count=F("count") + 1, last_seen_at=now)
        if sighting is None:
            return
        row.update(measured=sighting.measured, usual=sighting.usual, detail=sighting.detail[:255])
        self.grow(sighting.media)
        self._announce_if_worse(sighting)

    def _announce_if_worse(self, sighting: Observation) -> None:
        if sighting.measured is None:
            return
        row = Incident.objects.filter(pk=self.pk)
        row.filter(announced=None).update(announced=sighting.measured)
        with transaction.atomic():
            # Whoever raises the mark announces it; everybody else finds it raised.
            worse = row.filter(announced__lte=sighting.measured / WORSE, state__in=UNSETTLED)
            if worse.update(announced=sighting.measured):
                self.steps.create(kind=Step.WORSE, at=timezone.now(), note=sighting.detail[:255])

    def _step(
        self,
        kind: Step,
        before: Sequence[State],
        by: AbstractBaseUser | None = None,
        note: str = "",
        **changes: Any,
    ) -> bool:
        """Change the row if it is still in one of these states, and write down who did it."""
        with transaction.atomic():
            if not self._change(before, **changes):
                return False
            # Typed as any model with a login, because projects may have a user of their own.
            person: Any = by
            self.steps.create(kind=kind, at=timezone.now(), by=person, note=note)
        return True

    def _change(self, before: Sequence[State], **changes: Any) -> bool:
        row = Incident.objects.filter(pk=self.pk, state__in=before)
        if not row.update(**changes):
            return False
        vars(self).update(changes)
        return True
