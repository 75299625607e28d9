from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from mediapipe.models.events import WebhookEvent
from mediapipe.models.status import CLOCK_TOLERANCE, UNFINISHED, Phase, Status, longest_fast_wait
from mediapipe.providers.base import Kind, NotFoundCause
from mediapipe.redaction import mask_addresses

WAITS_IN_SLOW_PHASE = Q(status=Status.RETRYING, phase=Phase.SLOW)


class MediaRow(models.Model):
    """The columns of a media item and the indexes of the queries over them.

    `found_at`: the first response other than 404. The media became available between
    `last_not_found_at` and `found_at`; the exact moment cannot be observed.
    `purged_at`: retention released the file; its name stays until the file is removed.
    `sweep_at`: when the dispatcher publishes the item, unless a message has started it by then.
    `budget_started_at`: when the retry windows began, on the account's clock (`_account_time`).
    """

    event = models.ForeignKey(WebhookEvent, models.CASCADE, related_name="media")
    identity = models.CharField(max_length=64, help_text="Unique within the event.")
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.title()) for kind in Kind])
    account_sid = models.CharField("account SID", max_length=34)
    media_sid = models.CharField("media SID", max_length=34, blank=True)
    media_url = models.TextField("media URL", blank=True)

    status = models.CharField(max_length=8, choices=Status.choices, default=Status.QUEUED)
    error = models.CharField("reason", max_length=32, blank=True)
    detail = models.CharField(max_length=255, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)

    # What the metadata said about a late 404, since when, and how many times in a row.
    not_found_because = models.CharField(
        "cause of 404s",
        max_length=24,
        choices=[(why.value, why.title().replace("_", " ")) for why in NotFoundCause],
        blank=True,
        default="",
        db_default="",
    )
    because_since = models.DateTimeField(null=True, editable=False)
    because_count = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    metadata_requests = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)

    received_at = models.DateTimeField(
        help_text="When its webhook was received; without one, when it arrived at Twilio."
    )
    reconciled_at = models.DateTimeField(
        null=True, blank=True, help_text="When reconciliation found it, if no webhook did."
    )
    first_attempt_at = models.DateTimeField(null=True, blank=True)
    last_not_found_at = models.DateTimeField(null=True, blank=True)
    found_at = models.DateTimeField(null=True, blank=True)
    retrieved_at = models.DateTimeField(null=True, blank=True)

    # Stored as well as the times they are computed from, so that the database can sort by them.
    queue_lag_s = models.FloatField("queue lag (s)", null=True, editable=False)
    delay_at_least_s = models.FloatField("delay at least (s)", null=True, editable=False)
    delay_at_most_s = models.FloatField("delay at most (s)", null=True, editable=False)

    next_attempt_at = models.DateTimeField(null=True, blank=True)
    sweep_at = models.DateTimeField(null=True, blank=True, editable=False)
    lease = models.CharField(max_length=32, blank=True, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)

    attempts = models.PositiveIntegerField(default=0)
    not_found_count = models.PositiveIntegerField("404s", default=0)
    interruptions = models.PositiveSmallIntegerField(default=0)
    phase = models.CharField(max_length=8, default=Phase.FAST.value, editable=False)
    # By the cause of the failure: a 502 after ten 404s is retried as quickly as a first 404.
    fast_retries = models.JSONField(default=dict, editable=False)
    slow_retries = models.PositiveSmallIntegerField(default=0, editable=False)
    budget_started_at = models.DateTimeField(null=True, blank=True, editable=False)

    http_status = models.PositiveSmallIntegerField("HTTP status", null=True, blank=True)
    twilio_code = models.PositiveIntegerField("Twilio error code", null=True, blank=True)
    twilio_request_id = models.CharField("Twilio request ID", max_length=64, blank=True)
    declared_content_type = models.CharField(max_length=255, blank=True)
    declared_size = models.BigIntegerField("declared size (bytes)", null=True, blank=True)
    content_type = models.CharField(max_length=255, blank=True)
    size = models.BigIntegerField("size (bytes)", null=True, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, blank=True)
    storage_name = models.CharField(max_length=255, blank=True)
    purged_at = models.DateTimeField("file deleted at", null=True, blank=True)
    codec = models.CharField(
        max_length=4, blank=True, default="", db_default="", help_text="The codec of a video."
    )
    host = models.CharField(
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text="The last host of the last attempt.",
    )

    # Set by `read_for_claim`: whether the account is refused, rate-limited or paused, and for how
    # long users had paused it in total.
    account_degraded: bool
    account_paused_s: float

    class Meta:
        abstract = True
        verbose_name_plural = "media items"
        permissions = [
            ("retry_mediaitem", "Can retry failed media items"),
            ("give_up_mediaitem", "Can give up on media items"),
            ("export_mediaitem", "Can export media items"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["event", "identity"], name="one_row_a_media_item")
        ]
        indexes = [
            models.Index(
                fields=["sweep_at"], name="media_sweep", condition=Q(sweep_at__isnull=False)
            ),
            # The last of these times shows whether the clock was set back.
            models.Index(
                fields=["sweep_at"],
                name="media_sweep_not_slow",
                condition=Q(sweep_at__isnull=False) & ~WAITS_IN_SLOW_PHASE,
            ),
            models.Index(fields=["-received_at"], name="media_received"),
            models.Index(fields=["status", "-received_at"], name="media_status"),
            models.Index(fields=["media_sid"], name="media_media_sid"),
            models.Index(
                fields=["received_at"], name="media_unfinished", condition=Q(status__in=UNFINISHED)
            ),
            # All columns that the timing page needs, so that it never reads the rows.
            models.Index(
                fields=[
                    "received_at",
                    "status",
                    "not_found_count",
                    "attempts",
                    "queue_lag_s",
                    "delay_at_least_s",
                    "delay_at_most_s",
                    "kind",
                    "account_sid",
                    "content_type",
                ],
                name="media_timing",
            ),
            models.Index(fields=["content_type", "-received_at"], name="media_content_type"),
            models.Index(
                fields=["-received_at", "account_sid"],
                name="media_early_404",
                condition=Q(not_found_count__gt=0),
            ),
            models.Index(
                fields=["not_found_because", "-received_at"],
                name="media_not_found_because",
                condition=~Q(not_found_because=""),
            ),
            models.Index(
                fields=["purged_at", "retrieved_at"],
                name="media_file",
                condition=~Q(storage_name=""),
            ),
            # For the filters of the admin's list, none of which may read the whole table.
            models.Index(
                fields=["error", "-received_at"], name="media_error", condition=~Q(error="")
            ),
            # All columns that the failures page needs, so that it never reads the rows.
            models.Index(
                fields=["status", "received_at", "error", "account_sid", "host", "id"],
                name="media_failures",
                condition=~Q(error=""),
            ),
            models.Index(fields=["account_sid", "-received_at"], name="media_account"),
            models.Index(
                Coalesce("delay_at_most_s", "delay_at_least_s").desc(), name="media_slowest"
            ),
            models.Index(
                fields=["-failed_at"], name="media_failed_at", condition=Q(failed_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.media_sid or self.identity

    @property
    def masked_url(self) -> str:
        """The URL for pages and exports; a refused one is the sender's text, so it is masked."""
        return self.media_url if self.media_sid else mask_addresses(self.media_url)

    @property
    def masked_declared_type(self) -> str:
        """The declared content type, which is also the sender's text."""
        return mask_addresses(self.declared_content_type)

    def is_claimable(self, now: datetime) -> bool:
        """Return whether a worker may take it: it is due, or its holder's lease has expired.

        Decided on the row that was read: Django would take longer to build a query than the
        database to run it.
        """
        if self.status == Status.RETRYING:
            slow = self.phase == Phase.SLOW
            return _has_come(self.next_attempt_at, now + CLOCK_TOLERANCE, bounded=not slow)
        if self.status == Status.FETCHING:
            return _has_come(self.leased_until, now)
        return self.status == Status.QUEUED

    def budget_start(self, now: datetime) -> datetime:
        """Return when the budget started, later by any wait for a rate limit or pause."""
        if self.budget_started_at is None:
            return self._account_time(now)
        waited = timedelta()
        if self.account_degraded and self.status == Status.RETRYING and self.next_attempt_at:
            waited = max(now - self.next_attempt_at, waited)
        return min(self.budget_started_at + waited, self._account_time(now))

    def budget_elapsed_s(self) -> float:
        """Return the seconds since the first attempt of this budget, without pauses by users."""
        if self.budget_started_at is None:
            return 0.0
        return (self._account_time(timezone.now()) - self.budget_started_at).total_seconds()

    def _account_time(self, now: datetime) -> datetime:
        """Return the time on the account's clock, which a pause by a user stops."""
        return now - timedelta(seconds=self.account_paused_s)


def _has_come(at: datetime | None, now: datetime, *, bounded: bool = True) -> bool:
    """Return whether this time has come.

    A `bounded` time that is further ahead than any wait was written before the clock was set back;
    without this the item would wait longer by as much as the clock was wrong.
    """
    return at is not None and (at <= now or (bounded and at > now + longest_fast_wait()))
