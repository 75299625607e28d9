from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

# A run that nobody has advanced for so long was interrupted.
INTERRUPTED_AFTER = timedelta(minutes=10)
FORGOTTEN_AFTER = timedelta(days=30)


class ReconciliationQuerySet(models.QuerySet["Reconciliation"]):
    """The questions that are asked of runs."""

    def unfinished(self) -> ReconciliationQuerySet:
        """Those that somebody works on, or that were interrupted."""
        return self.filter(finished_at=None)

    def forgotten(self, now: datetime) -> ReconciliationQuerySet:
        """Those that nobody asks for any more."""
        return self.filter(touched_at__lt=now - FORGOTTEN_AFTER)


class Reconciliation(models.Model):
    """One comparison of an account's lists at Twilio with what is recorded, and how far it is.

    What came to Twilio from `since` to `done_until` has been looked at. Times are whole seconds,
    as Twilio's lists have them.
    """

    account_sid = models.CharField("account SID", max_length=34)
    since = models.DateTimeField(help_text="From when on messages and recordings are compared.")
    until = models.DateTimeField()
    done_until = models.DateTimeField(help_text="How far it is.")
    scheduled = models.BooleanField(default=False, help_text="By RECONCILE_EVERY, not by hand.")
    started_at = models.DateTimeField()
    touched_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.PositiveIntegerField(default=0, help_text="Messages with media, recordings.")
    taken_in = models.PositiveIntegerField(default=0, help_text="Those that were missing.")
    error = models.CharField("reason", max_length=32, blank=True)

    objects = ReconciliationQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["account_sid", "-started_at"], name="reconciliation_runs")]

    def __str__(self) -> str:
        return f"{self.account_sid} from {self.since:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def of(
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
        """Return the run by hand over this period that did not come to its end, if there is one.

        Without `until` it is any that began with the same `since`.
        """
        runs = cls.objects.unfinished().filter(
            account_sid=account_sid, since=since.replace(microsecond=0), scheduled=False
        )
        if until:
            runs = runs.filter(until=cls.of(account_sid, since, until).until)
        return runs.order_by("-started_at").first()

    @classmethod
    def due(cls, account_sid: str, window: timedelta, until: datetime) -> Reconciliation | None:
        """Return the scheduled run that is to be worked on now; None while somebody does.

        An interrupted one goes on. A new one covers the window, and reaches further back when
        the last one ended before that: the outage may have been ours as a whole.
        """
        runs = cls.objects.filter(account_sid=account_sid, scheduled=True)
        open_run = runs.unfinished().order_by("-started_at").first()
        if open_run:
            idle = timezone.now() - open_run.touched_at
            return open_run if idle > INTERRUPTED_AFTER else None
        last = runs.order_by("-until").values_list("until", flat=True).first()
        since = min(until - window, last or until)
        run = cls.of(account_sid, since, until, scheduled=True)
        run.save()
        return run

    def advance(self, until: datetime, *, looked_at: int, taken_in: int) -> None:
        """Note that everything before `until` has been looked at, and what that came to."""
        now = timezone.now()
        self.done_until, self.touched_at, self.error = until, now, ""
        self.looked_at += looked_at
        self.taken_in += taken_in
        self.finished_at = now if until >= self.until else None
        self.save()

    def stopped(self, slug: str) -> None:
        """Note which failure ended the work on it for now."""
        self.error = slug
        self.save(update_fields=["error"])
