from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F
from django.utils import timezone

from mediapipe.models.causes import Cause
from mediapipe.models.incidents import Incident

# A single 401 may be about one media item; this many in a row are about the credentials.
REFUSALS_TO_PAUSE = 3
# How often a paused account fetches one item to find out whether its credentials work again.
PROBE_EVERY = timedelta(seconds=60)
# A single 429 may be chance; from this many in a row on, each halves the account's limit.
LIMITS_TO_THROTTLE = 3
# A limit that has grown beyond this many parallel fetches is removed.
UNLIMITED = 16


class AccountHealthQuerySet(models.QuerySet["AccountHealth"]):
    def degraded(self) -> AccountHealthQuerySet:
        """Accounts that are refused, rate-limited or paused by a user now."""
        return self.exclude(refusals=0, paused_at=None, rate_limits=0, limit=None)

    def paused_by_users(self) -> AccountHealthQuerySet:
        return self.exclude(paused_by="")


class AccountHealth(models.Model):
    """An account that is paused, by its credentials or by a user, or rate-limited, or was once.

    The row stays when the account has recovered: deleted by one worker, it would be missing in the
    middle of another one's update.

    While `paused_at` is set only a probe is fetched now and then, so that wrong credentials do not
    use up the schedule of every item. If a user paused it, `paused_by` and `pause_reason` are set,
    nothing is fetched, and only a user resumes it: `probe_at` is empty. `limit` is how many items
    may be fetched in parallel: halved by repeated 429s, raised by one with each success.
    """

    account_sid = models.CharField("account SID", max_length=34, unique=True)
    refusals = models.PositiveIntegerField("refusals in a row", default=0)
    refused_since = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=150, blank=True, default="", db_default="")
    pause_reason = models.CharField(max_length=255, blank=True, default="", db_default="")
    probe_at = models.DateTimeField(null=True, blank=True)
    rate_limits = models.PositiveIntegerField("429s in a row", default=0)
    limit = models.PositiveIntegerField(null=True, blank=True)

    objects = AccountHealthQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "account health"
        permissions = [("pause_accounthealth", "Can pause and resume accounts")]

    def __str__(self) -> str:
        return self.account_sid

    @classmethod
    def get_or_create_for(cls, account_sid: str) -> AccountHealth:
        return cls.objects.get_or_create(account_sid=account_sid)[0]

    @classmethod
    def paused(cls) -> list[str]:
        """Return the SIDs of the accounts that are paused and have no probe that is due."""
        rows = cls.objects.filter(paused_at__isnull=False).exclude(probe_at__lte=timezone.now())
        return list(rows.values_list("account_sid", flat=True))

    @classmethod
    def is_refused(cls, account_sid: str) -> bool:
        """Return whether one more refusal is about the account, and not just about one item."""
        row = cls.objects.filter(account_sid=account_sid)
        return row.filter(refusals__gte=REFUSALS_TO_PAUSE - 1).exists()

    @property
    def why_paused(self) -> str:
        """Why the account is paused, as a clause; empty if it is not."""
        if self.paused_at is None:
            return ""
        if not self.paused_by:
            return "Twilio refuses the credentials of the account"
        at = timezone.localtime(self.paused_at)
        return f"{self.paused_by} paused the account on {at:%Y-%m-%d %H:%M}: {self.pause_reason}"

    def pause(self, by: str, reason: str) -> bool:
        """Pause it until `resume`; return False if a user has paused it already."""
        row = AccountHealth.objects.filter(pk=self.pk, paused_by="")
        now = timezone.now()
        # A probe would be a request to an account that is to get none.
        return bool(
            row.update(paused_at=now, paused_by=by, pause_reason=reason[:255], probe_at=None)
        )

    def resume(self) -> datetime | None:
        """End the pause by a user; return since when it was paused, None if it was not.

        Call it in a transaction. If Twilio refuses the credentials, the next refusal pauses it.
        """
        row = AccountHealth.objects.select_for_update().filter(pk=self.pk)
        paused = row.paused_by_users().first()
        row.paused_by_users().update(paused_at=None, paused_by="", pause_reason="")
        return paused.paused_at if paused else None

    def may_fetch(self, now: datetime) -> bool:
        """Return whether the account may fetch; a paused one may for one probe at a time."""
        if self.paused_at is None:
            return True
        due = AccountHealth.objects.filter(pk=self.pk, probe_at__lte=now)
        return bool(due.update(probe_at=now + PROBE_EVERY))

    def record_refusal(self, asked_at: datetime) -> bool:
        """Count a 401 or 403; return whether the account is refused, not just one item."""
        row = AccountHealth.objects.filter(pk=self.pk)
        row.update(refusals=F("refusals") + 1)
        row.filter(refused_since=None).update(refused_since=asked_at)
        self.refresh_from_db()
        if self.refusals < REFUSALS_TO_PAUSE:
            return False
        row.filter(paused_at=None).update(paused_at=asked_at, probe_at=asked_at + PROBE_EVERY)
        Incident.open_or_update(Cause.CREDENTIALS, self.account_sid)
        return True

    def record_rate_limit(self, in_flight: int) -> None:
        """Count a 429; if it is one of many, halve how many items may be in flight."""
        row = AccountHealth.objects.filter(pk=self.pk)
        row.update(rate_limits=F("rate_limits") + 1)
        self.refresh_from_db()
        if self.rate_limits >= LIMITS_TO_THROTTLE:
            row.update(limit=max(1, min(in_flight, self.limit or UNLIMITED) // 2))
            Incident.open_or_update(Cause.RATE_LIMIT, self.account_sid)

    def record_response(self) -> None:
        """Count a response that is neither a refusal nor a 429: the account recovers."""
        row = AccountHealth.objects.filter(pk=self.pk)
        Incident.resolve_for(Cause.CREDENTIALS, self.account_sid)
        row.update(refusals=0, refused_since=None, rate_limits=0)
        # An attempt that began before a user paused the account does not resume it.
        row.filter(paused_by="").update(paused_at=None, probe_at=None)
        row.filter(limit__isnull=False).update(limit=F("limit") + 1)
        if row.filter(limit__gt=UNLIMITED).update(limit=None):
            Incident.resolve_for(Cause.RATE_LIMIT, self.account_sid)
