from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar, cast

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Case, F, Q, Value, When, Window
from django.db.models.functions import Cast, Coalesce, Concat, RowNumber
from django.utils import timezone

from mediapipe.failures import AccountRefused, Erased, GivenUp, Unauthorized
from mediapipe.models.accounts import AccountHealth
from mediapipe.models.hourly_counts import HourlyCounts
from mediapipe.models.media.changes import ended
from mediapipe.models.media.row import MediaRow
from mediapipe.models.status import DELIVERY_TIMEOUT, UNFINISHED, Phase, Status, longest_fast_wait
from mediapipe.providers.base import NotFoundCause

Item = TypeVar("Item", bound=MediaRow)

# Causes of a 404 for which these credentials have seen no trace of the media.
UNSEEN = (NotFoundCause.DELETED, NotFoundCause.CREDENTIALS_SUSPECTED)
# These credentials have seen the bytes, or at least the metadata.
FOUND = Q(found_at__isnull=False) | Q(
    not_found_because__in=[cause for cause in NotFoundCause if cause not in UNSEEN]
)
# A 404 with one of these causes is no propagation delay, so neither a case for Twilio Support nor
# a reason to change the retry schedule.
EXPLAINED = Q(
    not_found_because__in=(*UNSEEN, NotFoundCause.ABSENT, NotFoundCause.EXTERNAL_STORAGE),
    found_at=None,
)
# The webhook was faster than the media. The delay is empty for reconciled media, which had no
# webhook; unlike `reconciled_at` it is in the index of the timing page.
EARLY_404 = Q(not_found_count__gt=0, delay_at_least_s__isnull=False)


class MediaRowQuerySet(models.QuerySet[Item]):
    """Queries over media items, and the writes that change many of them at once."""

    def unfinished(self) -> MediaRowQuerySet[Item]:
        return self.filter(status__in=UNFINISHED)

    def finished(self) -> MediaRowQuerySet[Item]:
        return self.exclude(status__in=UNFINISHED)

    def queued(self) -> MediaRowQuerySet[Item]:
        return self.filter(status=Status.QUEUED)

    def untried(self) -> MediaRowQuerySet[Item]:
        return self.filter(attempts=0)

    def tried(self) -> MediaRowQuerySet[Item]:
        return self.filter(attempts__gt=0)

    def stored(self) -> MediaRowQuerySet[Item]:
        return self.filter(status=Status.STORED)

    def failed(self) -> MediaRowQuerySet[Item]:
        return self.filter(status=Status.FAILED)

    def in_flight(self, now: datetime) -> MediaRowQuerySet[Item]:
        """Items that a worker holds by a lease."""
        return self.filter(status=Status.FETCHING, leased_until__gt=now)

    def with_file_before(self, moment: datetime) -> MediaRowQuerySet[Item]:
        """Items stored before this moment whose file may still exist, the oldest first.

        Includes those whose purge was interrupted before the file was removed.
        """
        old = Q(purged_at=None, retrieved_at__lt=moment) | Q(purged_at__isnull=False)
        # In the order of the index `media_file`.
        return self.exclude(storage_name="").filter(old).order_by("purged_at", "retrieved_at")

    def early_404(self) -> MediaRowQuerySet[Item]:
        """Items whose webhook was faster than the media at least once."""
        return self.filter(EARLY_404)

    def found(self) -> MediaRowQuerySet[Item]:
        """Items of which the account's credentials have seen the bytes or the metadata."""
        return self.filter(FOUND)

    def explained(self) -> MediaRowQuerySet[Item]:
        """Items whose 404s have another cause than propagation."""
        return self.filter(EXPLAINED)

    def unexplained(self) -> MediaRowQuerySet[Item]:
        """Items whose 404s, if any, are a propagation delay as far as is known."""
        return self.exclude(EXPLAINED)

    def slower_than(self, delay_s: float) -> MediaRowQuerySet[Item]:
        """Items whose propagation delay exceeds `delay_s`, or is already known to."""
        slowness = Coalesce("delay_at_most_s", "delay_at_least_s")
        rows = self.alias(slowness=slowness).filter(slowness__gt=delay_s)
        # For mypy, the alias changes the type of the rows.
        return cast(MediaRowQuerySet[Item], rows)

    def waiting_longer_than(self, wait_s: float) -> MediaRowQuerySet[Item]:
        """Unfinished items whose webhook came more than `wait_s` ago."""
        return self.unfinished().filter(received_at__lt=timezone.now() - timedelta(seconds=wait_s))

    def overdue(self, now: datetime) -> MediaRowQuerySet[Item]:
        """Items that no message starts in time: lost, interrupted, or in the slow phase."""
        return self.filter(sweep_at__lte=now)

    def due_soon(self, now: datetime) -> MediaRowQuerySet[Item]:
        """Items that are not overdue, but due within any wait outside the slow phase.

        This limits the rows that are read: many more may wait in the slow phase.
        """
        return self.filter(sweep_at__gt=now, sweep_at__lte=now + longest_fast_wait())

    def in_queue(self, account_sid: str) -> int:
        """Return how many untried items of this account have a message in the queue."""
        published = self.due_soon(timezone.now()).queued().untried()
        return published.filter(account_sid=account_sid).count()

    def in_countdown(self, limit: int) -> int:
        """Return how many items have a message with a countdown, counted up to `limit`."""
        waiting = self.due_soon(timezone.now()).filter(status=Status.RETRYING, phase=Phase.FAST)
        # The others wait for the dispatcher: their sweep_at is the time of the attempt itself.
        return waiting.filter(sweep_at__gt=F("next_attempt_at"))[:limit].count()

    def claim_due(self, limit: int, ahead: timedelta = timedelta()) -> dict[int, datetime]:
        """Return the ids of items that are overdue, or will be within `ahead`, with their due time.

        Each goes to one caller only. The accounts take turns, each with its oldest item first, so
        that none waits for the thousands of another one. Items of a paused account are left out:
        they could not be fetched, and would be published again and again. Those of a throttled one
        are spaced at its rate, and limited to as many as fit before the next run.
        """
        now = timezone.now()
        rows = self.overdue(now + ahead).exclude(account_sid__in=AccountHealth.paused())
        rates = AccountHealth.rates(now)
        spaced = self._at_their_rate(rows, rates, now)
        turn = Window(RowNumber(), partition_by="account_sid", order_by="sweep_at")
        at_once = rows.exclude(account_sid__in=rates)
        in_turn = at_once.annotate(turn=turn).order_by("turn", "sweep_at")
        chosen = [*spaced, *in_turn.values_list("pk", flat=True)[:limit]][:limit]
        with transaction.atomic():
            # Rows with a window function cannot be locked, so another caller may have taken some.
            mine = self.overdue(now + ahead).filter(pk__in=chosen)
            if connection.features.has_select_for_update_skip_locked:
                mine = mine.select_for_update(skip_locked=True)
            due = {pk: at or now for pk, at in mine.values_list("pk", "sweep_at")}
            early = [pk for pk, at in due.items() if now < at <= now + ahead]
            self.filter(pk__in=due.keys() - early).update(sweep_at=now + DELIVERY_TIMEOUT)
            self.filter(pk__in=early).update(sweep_at=F("sweep_at") + DELIVERY_TIMEOUT)
            due |= {pk: max(at, due[pk]) for pk, at in spaced.items() if pk in due}
            whens = [When(pk=pk, then=due[pk] + DELIVERY_TIMEOUT) for pk in spaced if pk in due]
            if whens:
                self.filter(pk__in=spaced.keys() & due).update(sweep_at=Case(*whens))
        return {pk: max(due[pk], now) for pk in chosen if pk in due}

    @staticmethod
    def _at_their_rate(
        rows: MediaRowQuerySet[Item], rates: dict[str, float], now: datetime
    ) -> dict[int, datetime]:
        """Return when the oldest items of the throttled accounts may be fetched, by item id."""
        spaced = {}
        for account_sid, rate in rates.items():
            waiting = rows.filter(account_sid=account_sid).order_by("sweep_at")
            room = math.ceil(rate * settings.REDISPATCH_INTERVAL_S)
            for place, pk in enumerate(waiting.values_list("pk", flat=True)[:room]):
                spaced[pk] = now + timedelta(seconds=place / rate)
        return spaced

    def mark_undispatched(self, ids: Sequence[int]) -> None:
        """Leave these to the next run of the dispatcher: the broker has no message for them."""
        waiting = self.filter(pk__in=ids, status__in=[Status.QUEUED, Status.RETRYING])
        waiting.update(sweep_at=timezone.now())

    def mark_erased(self) -> None:
        """Stop fetching them, and keep no trace of their contents.

        A worker that is fetching one loses its lease. Stored items stay stored, for the statistics.
        """
        rows = self.model._default_manager.filter(pk__in=list(self.values_list("pk", flat=True)))
        with transaction.atomic():
            rows.exclude(status__in=[Status.STORED, Status.ABSENT]).update(
                status=Status.FAILED,
                error=Erased.slug,
                failed_at=Coalesce("failed_at", timezone.now()),
                next_attempt_at=None,
                sweep_at=None,
                lease="",
                leased_until=None,
            )
            rows.update(sha256="", detail="", declared_content_type="")

    def clear_refused(self) -> None:
        """Delete the refused URLs, which the sender wrote, and everything derived from them."""
        refused = self.filter(media_sid="").exclude(media_url="")
        refused.update(
            media_url="",
            host="",
            detail="",
            declared_content_type="",
            # A hash of the URL reveals a number in it.
            identity=Concat(Value("purged-"), Cast("pk", models.CharField())),
        )

    def retryable(self) -> MediaRowQuerySet[Item]:
        """Failed items that have a URL and were not erased."""
        return self.failed().exclude(media_url="").exclude(error=Erased.slug)

    def retry(self) -> list[int]:
        """Queue the retryable items with a new schedule; return their ids.

        Their attempts stay on record, and unfinished items stay as they are.
        """
        now = timezone.now()
        with transaction.atomic():
            rows = self.retryable().select_for_update().order_by("pk")
            received = dict(rows.values_list("pk", "received_at"))
            ids = list(received)
            HourlyCounts.invalidate(received.values())
            self.model._default_manager.filter(pk__in=ids).update(
                status=Status.QUEUED,
                error="",
                detail="",
                failed_at=None,
                not_found_because="",
                because_since=None,
                because_count=0,
                metadata_requests=0,
                next_attempt_at=now,
                sweep_at=now + DELIVERY_TIMEOUT,
                phase=Phase.FAST,
                fast_retries={},
                slow_retries=0,
                interruptions=0,
                budget_started_at=None,
            )
        return ids

    def retry_now(self) -> list[int]:
        """Make items that wait for their next attempt due at once; return their ids."""
        now = timezone.now()
        with transaction.atomic():
            rows = self.filter(status=Status.RETRYING, next_attempt_at__gt=now)
            ids = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
            self.model._default_manager.filter(pk__in=ids).update(
                next_attempt_at=now, sweep_at=now + DELIVERY_TIMEOUT
            )
        return ids

    def give_up(self, why: GivenUp) -> list[int]:
        """End the unfinished items as failed; return their ids.

        A worker that is fetching one loses its lease, so its result is discarded.
        """
        with transaction.atomic():
            rows = self.unfinished().select_for_update().order_by("pk")
            ids = list(rows.values_list("pk", flat=True))
            self.model._default_manager.filter(pk__in=ids).update(
                **ended(why), lease="", leased_until=None
            )
        return ids

    def resume_unauthorized(self, account_sid: str, since: datetime) -> None:
        """Retry items that failed before it was clear that the whole account is refused."""
        now = timezone.now()
        refused = self.failed().filter(account_sid=account_sid, error=Unauthorized.slug)
        tried = refused.filter(attempt_set__started_at__gte=since)
        received = dict(tried.values_list("pk", "received_at"))
        with transaction.atomic():
            self.failed().filter(pk__in=received.keys()).update(
                status=Status.RETRYING,
                error=AccountRefused.slug,
                failed_at=None,
                next_attempt_at=now,
                sweep_at=now,
            )
            HourlyCounts.invalidate(received.values())
