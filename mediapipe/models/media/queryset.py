from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar, cast

from django.db import connection, models, transaction
from django.db.models import F, Q, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils import timezone

from mediapipe.failures import AccountRefused, Erased, Unauthorized
from mediapipe.models.accounts import AccountHealth
from mediapipe.models.media.row import MediaRow
from mediapipe.models.status import DELIVERY_TIMEOUT, UNFINISHED, Phase, Status, longest_fast_wait
from mediapipe.providers.base import NotFoundCause

Item = TypeVar("Item", bound=MediaRow)

# What is said of media of which these credentials have seen no trace.
UNSEEN = (NotFoundCause.DELETED, NotFoundCause.CREDENTIALS_SUSPECTED)
# What these credentials have seen: the bytes, or at least the metadata.
FOUND = Q(found_at__isnull=False) | Q(
    not_found_because__in=[because for because in NotFoundCause if because not in UNSEEN]
)
# A 404 for one of these reasons is no matter of time: no case for Twilio, nor for a schedule.
EXPLAINED = Q(
    not_found_because__in=(*UNSEEN, NotFoundCause.ABSENT, NotFoundCause.EXTERNAL_STORAGE),
    found_at=None,
)
# The webhook was faster than the media. The delay is empty where reconciliation found the media,
# because there was no webhook; unlike `reconciled_at` it is in the index of the timing view.
EARLY_404 = Q(not_found_count__gt=0, delay_at_least_s__isnull=False)


class MediaRowQuerySet(models.QuerySet[Item]):
    """The queries over media items."""

    def unfinished(self) -> MediaRowQuerySet[Item]:
        """Those that are still owed."""
        return self.filter(status__in=UNFINISHED)

    def queued(self) -> MediaRowQuerySet[Item]:
        """Those that wait for a worker: new, or put back to work."""
        return self.filter(status=Status.QUEUED)

    def untried(self) -> MediaRowQuerySet[Item]:
        """Those that nobody has tried yet."""
        return self.filter(attempts=0)

    def tried(self) -> MediaRowQuerySet[Item]:
        """Those that were tried at least once."""
        return self.filter(attempts__gt=0)

    def stored(self) -> MediaRowQuerySet[Item]:
        """Those whose file is kept and verified."""
        return self.filter(status=Status.STORED)

    def failed(self) -> MediaRowQuerySet[Item]:
        """Those that only a person can put back to work."""
        return self.filter(status=Status.FAILED)

    def with_file_before(self, moment: datetime) -> MediaRowQuerySet[Item]:
        """Those stored before this moment whose file may still be there, the oldest first.

        Also those whose file was given up by a purge that did not get to its removal.
        """
        old = Q(purged_at=None, retrieved_at__lt=moment) | Q(purged_at__isnull=False)
        # In the order of the index `media_file`.
        return self.exclude(storage_name="").filter(old).order_by("purged_at", "retrieved_at")

    def early_404(self) -> MediaRowQuerySet[Item]:
        """Those whose webhook was faster than the media at least once."""
        return self.filter(EARLY_404)

    def found(self) -> MediaRowQuerySet[Item]:
        """Those that the account's credentials have found: the bytes, or at least metadata."""
        return self.filter(FOUND)

    def explained(self) -> MediaRowQuerySet[Item]:
        """Those whose 404s have another reason than that the media was not there yet."""
        return self.filter(EXPLAINED)

    def unexplained(self) -> MediaRowQuerySet[Item]:
        """Those whose 404s, if any, are a matter of time."""
        return self.exclude(EXPLAINED)

    def overdue(self, now: datetime) -> MediaRowQuerySet[Item]:
        """Those that no message brings back in time: lost, interrupted, or in the slow phase."""
        return self.filter(Q(sweep_at__lte=now) | _clock_was_set_back("sweep_at", now))

    def in_queue(self, account_sid: str) -> int:
        """Return for how many untried items of this account a message is under way."""
        published = self.queued().untried().filter(sweep_at__gt=timezone.now())
        return published.filter(account_sid=account_sid).count()

    def in_countdown(self, limit: int) -> int:
        """Return how many wait for a message with a countdown; those beyond the limit not counted.

        What waits for the sweep has the same time for the sweep as for its attempt.
        """
        waiting = self.filter(status=Status.RETRYING, phase=Phase.FAST)
        return waiting.filter(sweep_at__gt=F("next_attempt_at"))[:limit].count()

    def claim_due(self, limit: int, ahead: timedelta = timedelta()) -> dict[int, datetime]:
        """Return the ids of items that are overdue, or will be so far ahead, and when.

        Each goes to one caller only. The accounts take turns, each with its oldest item first,
        so that none has to wait until another one's thousands are done. Items of a paused account
        stay where they are, so that they do not run in circles.
        """
        now = timezone.now()
        rows = self.overdue(now + ahead).exclude(account_sid__in=AccountHealth.paused())
        turn = Window(RowNumber(), partition_by="account_sid", order_by="sweep_at")
        in_turn = rows.annotate(turn=turn).order_by("turn", "sweep_at")
        chosen = list(in_turn.values_list("pk", flat=True)[:limit])
        with transaction.atomic():
            # A database cannot lock what it numbers, so somebody else may have taken some since.
            mine = self.overdue(now + ahead).filter(pk__in=chosen)
            if connection.features.has_select_for_update_skip_locked:
                mine = mine.select_for_update(skip_locked=True)
            due = {pk: at or now for pk, at in mine.values_list("pk", "sweep_at")}
            early = [pk for pk, at in due.items() if now < at <= now + ahead]
            self.filter(pk__in=due.keys() - early).update(sweep_at=now + DELIVERY_TIMEOUT)
            self.filter(pk__in=early).update(sweep_at=F("sweep_at") + DELIVERY_TIMEOUT)
        return {pk: due[pk] for pk in chosen if pk in due}

    def in_flight(self, now: datetime) -> MediaRowQuerySet[Item]:
        """Those that a worker holds by a lease at this moment."""
        return self.filter(status=Status.FETCHING, leased_until__gt=now)

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
            rows.update(sha256="", detail="")

    def retryable(self) -> MediaRowQuerySet[Item]:
        """Those that failed and have a URL to try again."""
        return self.failed().exclude(media_url="").exclude(error=Erased.slug)

    def retry(self) -> list[int]:
        """Put the retryable ones back to work with a fresh schedule; return their ids.

        Every attempt made so far stays on record, and an item that is at work stays as it is.
        """
        now = timezone.now()
        with transaction.atomic():
            rows = self.retryable().select_for_update().order_by("pk")
            ids = list(rows.values_list("pk", flat=True))
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
                fast_retries=0,
                slow_retries=0,
                interruptions=0,
                budget_started_at=None,
            )
        return ids

    def retry_now(self) -> list[int]:
        """Let those that wait for their next attempt be tried at once; return their ids."""
        now = timezone.now()
        with transaction.atomic():
            rows = self.filter(status=Status.RETRYING, next_attempt_at__gt=now)
            ids = list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))
            self.model._default_manager.filter(pk__in=ids).update(
                next_attempt_at=now, sweep_at=now + DELIVERY_TIMEOUT
            )
        return ids

    def slower_than(self, delay_s: float) -> MediaRowQuerySet[Item]:
        """Those that came later than this after the webhook, or are known to be that late."""
        slowness = Coalesce("delay_at_most_s", "delay_at_least_s")
        rows = self.alias(slowness=slowness).filter(slowness__gt=delay_s)
        # An alias makes the rows another type for mypy.
        return cast(MediaRowQuerySet[Item], rows)

    def waiting_longer_than(self, wait_s: float) -> MediaRowQuerySet[Item]:
        """Those that are still owed so long after their webhook."""
        return self.unfinished().filter(received_at__lt=timezone.now() - timedelta(seconds=wait_s))

    def resume_unauthorized(self, account_sid: str, since: datetime) -> None:
        """Let those wait that failed before it was clear that the whole account is refused."""
        now = timezone.now()
        refused = self.failed().filter(account_sid=account_sid, error=Unauthorized.slug)
        tried = refused.filter(attempt_set__started_at__gte=since)
        self.filter(pk__in=list(tried.values_list("pk", flat=True))).update(
            status=Status.RETRYING,
            error=AccountRefused.slug,
            failed_at=None,
            next_attempt_at=now,
            sweep_at=now,
        )

    def mark_undispatched(self, ids: Sequence[int]) -> None:
        """Leave these to the very next sweep, because the broker did not take their messages."""
        waiting = self.filter(pk__in=ids, status__in=[Status.QUEUED, Status.RETRYING])
        waiting.update(sweep_at=timezone.now())


def _clock_was_set_back(field: str, now: datetime) -> Q:
    """Match a time that lies further ahead than any wait outside the slow phase can have put it.

    Otherwise an item would wait as long again as the clock was set back.
    """
    too_far = Q(**{f"{field}__gt": now + longest_fast_wait()})
    return too_far & ~Q(status=Status.RETRYING, phase=Phase.SLOW)
