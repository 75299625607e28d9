from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

# A run that has not advanced for this long was interrupted.
INTERRUPTED_AFTER = timedelta(minutes=10)
KEPT_FOR = timedelta(days=30)


class ReconciliationQuerySet(models.QuerySet["Reconciliation"]):
    def unfinished(self) -> ReconciliationQuerySet:
        """Runs in progress or interrupted."""
        return self.filter(finished_at=None)

    def expired(self, now: datetime) -> ReconciliationQuerySet:
        return self.filter(touched_at__lt=now - KEPT_FOR)


class Reconciliation(models.Model):
    """One comparison of an account's lists at Twilio with what is recorded, and its progress.

    What Twilio received from `since` to `done_until` has been compared. Times are whole seconds,
    as in Twilio's lists.
    """

    account_sid = models.CharField("account SID", max_length=34)
    since = models.DateTimeField(help_text="Start of the period that is compared.")
    until = models.DateTimeField()
    done_until = models.DateTimeField(help_text="Everything before this time has been compared.")
    scheduled = models.BooleanField(
        default=False, help_text="Started by RECONCILE_EVERY, not by hand."
    )
    started_at = models.DateTimeField()
    touched_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.PositiveIntegerField(
        default=0, help_text="Messages with media, and recordings."
    )
    taken_in = models.PositiveIntegerField(
        default=0, help_text="Those that were missing and have been recorded."
    )
    error = models.CharField("reason", max_length=32, blank=True)

    objects = ReconciliationQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["account_sid", "-started_at"], name="reconciliation_runs")]

    def __str__(self) -> str:
        return f"{self.account_sid} from {self.since:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def build(
        cls, account_sid: str, since: datetime, until: datetime, *, scheduled: bool = False
    ) -> Reconciliation:
        """Return the unsaved row of a new run; the times are widened to whole seconds."""
        now = timezone.now()
        since = since.replace(microsecond=0)
        if until.microsecond:
            until = until.replace(microsecond=0) + timedelta(seconds=1)
        return cls(
            account_sid=account_sid,
            since=since,
            until=max(since, until),
            done_until=since,
            scheduled=scheduled,
            started_at=now,
            touched_at=now,
        )

    @classmethod
    def interrupted(
        cls, account_sid: str, since: datetime, until: datetime | None
    ) -> Reconciliation | None:
        """Return the unfinished manual run over this period, if there is one.

        Without `until`, any with the same `since`.
        """
        runs = cls.objects.unfinished().filter(
            account_sid=account_sid, since=since.replace(microsecond=0), scheduled=False
        )
        if until:
            runs = runs.filter(until=cls.build(account_sid, since, until).until)
        return runs.order_by("-started_at").first()

    @classmethod
    def due(cls, account_sid: str, window: timedelta, until: datetime) -> Reconciliation | None:
        """Return the scheduled run to work on now; None while another worker has one in progress.

        An interrupted run is resumed. A new one covers the window, or everything since the end of
        the last run if that is longer ago: the whole service may have been down.
        """
        runs = cls.objects.filter(account_sid=account_sid, scheduled=True)
        open_run = runs.unfinished().order_by("-started_at").first()
        if open_run:
            idle = timezone.now() - open_run.touched_at
            return open_run if idle > INTERRUPTED_AFTER else None
        last = runs.order_by("-until").values_list("until", flat=True).first()
        since = min(until - window, last or until)
        run = cls.build(account_sid, since, until, scheduled=True)
        run.save()
        return run

    def advance(self, until: datetime, *, looked_at: int, taken_in: int) -> None:
        """Record that everything before `until` has been compared, and the counts."""
        now = timezone.now()
        self.done_until, self.touched_at, self.error = until, now, ""
        self.looked_at += looked_at
        self.taken_in += taken_in
        self.finished_at = now if until >= self.until else None
        self.save()

    def record_failure(self, slug: str) -> None:
        """Record the failure that interrupted the run."""
        self.error = slug
        self.save(update_fields=["error"])
