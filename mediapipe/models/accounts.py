from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.db import models
from django.db.models import DateTimeField, ExpressionWrapper, F
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from mediapipe.models.causes import Cause
from mediapipe.models.incidents import Incident

# A single 401 may be about one media item; this many in a row are about the credentials.
REFUSALS_TO_PAUSE = 3
# How often a paused account fetches one item to find out whether its credentials work again.
PROBE_EVERY = timedelta(seconds=60)
# A few 429s among many requests are retried like any failure. This many within RATE_WINDOW that
# are also this share of the requests are a rate limit: requests are then spaced.
LIMITS_TO_THROTTLE = 5
SHARE_TO_THROTTLE = 0.25
# From this share on, 429s lower the rate of an account that is already throttled.
SHARE_TO_HOLD = 0.1
RATE_WINDOW = timedelta(seconds=1)
# The rate grows by this factor per second, to discover when Twilio allows more. After
# THROTTLE_LASTS without such 429s the limit ends.
RATE_GROWTH = 1.05
THROTTLE_LASTS = timedelta(seconds=10)
# Requests per second even if all of them get a 429.
LOWEST_RATE = 0.5
# How early a request may be sent at the current rate: messages do not arrive exactly on time.
CATCH_UP = timedelta(seconds=0.5)


class AccountHealthQuerySet(models.QuerySet["AccountHealth"]):
    def degraded(self) -> AccountHealthQuerySet:
        """Accounts that are currently refused, rate-limited or paused by a user."""
        return self.exclude(refusals=0, paused_at=None, rate=None)

    def throttled(self, now: datetime) -> AccountHealthQuerySet:
        """Accounts whose requests are spaced, because too many got a 429."""
        return self.filter(rate__isnull=False, limited_at__gt=now - THROTTLE_LASTS)

    def paused_by_users(self) -> AccountHealthQuerySet:
        return self.exclude(paused_by="")


class AccountHealth(models.Model):
    """An account that is or was paused, by a user or because of its credentials, or rate-limited.

    The row stays after the account has recovered: if one worker deleted it, another one's update
    could find no row.

    While `paused_at` is set, only one probe per PROBE_EVERY is fetched, so that wrong credentials
    do not use up the schedule of every item. If a user paused it, `paused_by` and `pause_reason`
    are set, nothing is fetched, and only a user resumes it: `probe_at` is empty. `paused_s` is how
    long earlier pauses by users lasted in total. `rate` is how many requests per second Twilio
    allowed at `limited_at`, when too many got a 429; `next_request_at` is when the next one is due
    at that rate.
    """

    account_sid = models.CharField("account SID", max_length=34, unique=True)
    refusals = models.PositiveIntegerField("rejected requests in a row", default=0)
    refused_since = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=150, blank=True, default="", db_default="")
    pause_reason = models.CharField(max_length=255, blank=True, default="", db_default="")
    paused_s = models.FloatField(default=0.0, db_default=0.0, editable=False)
    probe_at = models.DateTimeField(null=True, blank=True)
    rate = models.FloatField("requests per second", null=True, blank=True)
    limited_at = models.DateTimeField("last rate limit", null=True, blank=True)
    next_request_at = models.DateTimeField(null=True, editable=False)

    objects = AccountHealthQuerySet.as_manager()

    class Meta:
        verbose_name = "account"
        permissions = [("pause_accounthealth", "Can pause and resume accounts")]

    def __str__(self) -> str:
        return self.account_sid

    @classmethod
    def get_or_create_for(cls, account_sid: str) -> AccountHealth:
        return cls.objects.get_or_create(account_sid=account_sid)[0]

    @classmethod
    def paused(cls) -> list[str]:
        """Return the SIDs of the paused accounts without a due probe."""
        rows = cls.objects.filter(paused_at__isnull=False).exclude(probe_at__lte=timezone.now())
        return list(rows.values_list("account_sid", flat=True))

    @classmethod
    def is_refused(cls, account_sid: str) -> bool:
        """Return whether one more refusal would be about the account, not just about one item."""
        row = cls.objects.filter(account_sid=account_sid)
        return row.filter(refusals__gte=REFUSALS_TO_PAUSE - 1).exists()

    @property
    def why_paused(self) -> str:
        """Why the account is paused, as a clause; empty if it is not."""
        if self.paused_at is None:
            return ""
        if not self.paused_by:
            return "Twilio rejects the credentials of the account"
        at = timezone.localtime(self.paused_at)
        return f"{self.paused_by} paused the account on {at:%Y-%m-%d %H:%M}: {self.pause_reason}"

    def pause(self, by: str, reason: str) -> bool:
        """Pause it until `resume`; return False if a user has already paused it."""
        row = AccountHealth.objects.filter(pk=self.pk, paused_by="")
        now = timezone.now()
        # No probe either: it would be a request.
        return bool(
            row.update(paused_at=now, paused_by=by, pause_reason=reason[:255], probe_at=None)
        )

    def resume(self) -> bool:
        """End the pause by a user; return False if there is none.

        If Twilio still refuses the credentials, the next refusal pauses it again.
        """
        if self.paused_at is None:
            return False
        # Only this row, however many items wait: their retry windows are on the account's clock.
        row = AccountHealth.objects.paused_by_users().filter(pk=self.pk, paused_at=self.paused_at)
        lasted_s = (timezone.now() - self.paused_at).total_seconds()
        ended = {"paused_at": None, "paused_by": "", "pause_reason": ""}
        return bool(row.update(**ended, paused_s=F("paused_s") + lasted_s))

    def may_fetch(self, now: datetime) -> bool:
        """Return whether the account may fetch now; a paused one may if its probe is due."""
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

    @classmethod
    def is_throttled(cls, account_sid: str) -> bool:
        """Return whether a 429 is about the account, not just about one item."""
        return cls.objects.throttled(timezone.now()).filter(account_sid=account_sid).exists()

    @classmethod
    def rates(cls, now: datetime) -> dict[str, float]:
        """Return the requests per second of each throttled account, by its SID."""
        return {row.account_sid: row.rate_at(now) for row in cls.objects.throttled(now)}

    def rate_at(self, at: datetime) -> float:
        """Return the allowed requests per second at this time; infinite without a limit."""
        if self.rate is None or self.limited_at is None or at - self.limited_at > THROTTLE_LASTS:
            return math.inf
        return self.rate * math.pow(RATE_GROWTH, (at - self.limited_at).total_seconds())

    def may_request(self, now: datetime) -> bool:
        """Return whether the rate allows a request now; if it does, postpone the next one."""
        rate = self.rate_at(now)
        if rate == math.inf:
            return True
        row = AccountHealth.objects.filter(pk=self.pk)
        free = row.exclude(next_request_at__gt=now + CATCH_UP)
        begins = Greatest(Coalesce("next_request_at", now), now, output_field=DateTimeField())
        gap = timedelta(seconds=1 / rate)
        return bool(free.update(next_request_at=ExpressionWrapper(begins + gap, DateTimeField())))

    @classmethod
    def record_rate_limit(cls, account_sid: str, requests: int, limited: int) -> None:
        """Throttle the account if `limited` of its requests within RATE_WINDOW got a 429."""
        now = timezone.now()
        throttled = cls.objects.throttled(now).filter(account_sid=account_sid).first()
        share = limited / requests
        if throttled:
            # Once per window, or several workers would act on the same 429s.
            if share < SHARE_TO_HOLD or now - RATE_WINDOW < (throttled.limited_at or now):
                return
        elif limited < LIMITS_TO_THROTTLE or share < SHARE_TO_THROTTLE:
            return
        allowed = (requests - limited) / RATE_WINDOW.total_seconds()
        rate = min(allowed, throttled.rate_at(now)) if throttled else allowed
        row = cls.objects.filter(pk=cls.get_or_create_for(account_sid).pk)
        row.update(rate=max(LOWEST_RATE, rate), limited_at=now)
        Incident.open_or_update(Cause.RATE_LIMIT, account_sid)

    def record_response(self) -> None:
        """Count a response that is neither a refusal nor a 429: the account recovers."""
        row = AccountHealth.objects.filter(pk=self.pk)
        # Decided on the row as read: while requests are spaced, most responses change nothing.
        if self.refusals or self.paused_at:
            Incident.resolve_for(Cause.CREDENTIALS, self.account_sid)
            row.update(refusals=0, refused_since=None)
            # An attempt that began before a user paused the account does not resume it.
            row.filter(paused_by="").update(paused_at=None, probe_at=None)
        over = row.filter(rate__isnull=False, limited_at__lte=timezone.now() - THROTTLE_LASTS)
        if over.update(rate=None):
            Incident.resolve_for(Cause.RATE_LIMIT, self.account_sid)
