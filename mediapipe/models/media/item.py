from __future__ import annotations

import time
import uuid
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from mediapipe.failures import (
    Absence,
    AccountBusy,
    Failure,
    LeaseLost,
    TransientFailure,
)
from mediapipe.fetching.schedule import RetryDelay, next_delay
from mediapipe.models.accounts import AccountHealth
from mediapipe.models.attempts import INTERRUPTED, FetchAttempt
from mediapipe.models.deletions import Deletion, deletion_policy_for
from mediapipe.models.events import WebhookEvent
from mediapipe.models.hand_offs import Completion, HandOff, Receiver
from mediapipe.models.hot_sql import Statement, insert, run, run_both, update
from mediapipe.models.media import changes as media_changes
from mediapipe.models.media.claim import to_claim
from mediapipe.models.media.queryset import MediaQuerySet
from mediapipe.models.media.row import MediaRow
from mediapipe.models.status import DELIVERY_TIMEOUT, UNFINISHED, Phase, Status
from mediapipe.providers.base import AnnouncedMedia, PostStorePolicy
from mediapipe.redaction import host_of
from mediapipe.signals import media_failed, media_stored, send_after_commit

if TYPE_CHECKING:
    from mediapipe.providers.base import Body, Evidence

# A worker renews its lease while it downloads, so this bounds how long a dead one holds an item.
LEASE = timedelta(seconds=60)
# An item during which the worker died this often is left to a person.
MAX_INTERRUPTIONS = 3


class MediaItem(MediaRow):
    """One media file that a webhook announced, from the announcement to the stored file.

    Here is when its row changes, and nowhere else; what it has is in MediaRow, and what an
    answer changes in media_changes.
    """

    objects = MediaQuerySet.as_manager()

    # Whether the account had trouble when the item was claimed.
    account_degraded: bool
    # The attempt that the holder of the lease has open, and when it began on the monotonic clock.
    attempt: FetchAttempt
    began: float

    class Meta(MediaRow.Meta):
        pass

    @classmethod
    def announced(
        cls,
        event: WebhookEvent,
        media: AnnouncedMedia,
        at: datetime,
        *,
        reconciled_at: datetime | None = None,
    ) -> MediaItem:
        """Return the unsaved row of a media item that a webhook announced at this time.

        Without a webhook `at` is when it came to Twilio, and the next sweep hands it out.
        """
        item = cls(
            event=event,
            identity=media.identity,
            kind=event.kind,
            account_sid=event.account_sid,
            media_sid=media.media_sid,
            media_url=media.url,
            declared_content_type=media.declared_content_type,
            declared_size=media.declared_size,
            host=host_of(media.url),
            received_at=at,
            reconciled_at=reconciled_at,
            next_attempt_at=reconciled_at or at,
            sweep_at=reconciled_at or at + DELIVERY_TIMEOUT,
        )
        if media.failure:
            for name, value in media_changes.ended(media.failure).items():
                setattr(item, name, value)
        return item

    @classmethod
    def claim(cls, pk: int, *, task_id: str = "", worker: str = "") -> MediaItem | None:
        """Take the item for one attempt and open its row, or return None if it is not to be had.

        A message that is delivered twice claims nothing the second time. Raise AccountBusy
        while a rate limit of the account leaves no room.
        """
        now = timezone.now()
        item = to_claim(cls, pk)
        if item is None or not item.may_be_claimed(now):
            return None
        if item.account_degraded and not item._admitted(now):
            return None
        return item if item._take(now, task_id, worker) else None

    def _admitted(self, now: datetime) -> bool:
        trouble = AccountHealth.of(self.account_sid)
        if not trouble.may_fetch(now):
            return False
        if trouble.limit and MediaItem.objects.in_flight(self.account_sid, now) >= trouble.limit:
            MediaItem.objects.filter(pk=self.pk, lease=self.lease).update(
                sweep_at=now + DELIVERY_TIMEOUT
            )
            raise AccountBusy
        return True

    def _take(self, now: datetime, task_id: str, worker: str) -> bool:
        seen = {name: getattr(self, name) for name in ("id", "status", "lease", "attempts")}
        interrupted = self.status == Status.FETCHING
        changes = {
            "status": Status.FETCHING,
            "lease": uuid.uuid4().hex,
            "leased_until": now + LEASE,
            "sweep_at": now + LEASE,
            "attempts": self.attempts + 1,
            **media_changes.first_tried(self, self.first_attempt_at or now),
            "budget_started_at": self.budget_started_at or now,
            "interruptions": self.interruptions + interrupted,
        }
        attempt = FetchAttempt.begun(self, now, task_id=task_id, worker=worker)
        # Whoever changes the row as it was seen has it; everybody else changes nothing.
        if not run_both(update(MediaItem, seen, changes), insert(attempt)):
            return False
        if interrupted:
            # Should we die before this, the next claim closes what we leave open, and ours.
            others = self.attempt_set.exclude(number=attempt.number)
            others.filter(outcome="").update(outcome=INTERRUPTED)
        vars(self).update(changes)
        self.attempt, self.began = attempt, time.monotonic()
        return True

    @property
    def is_poison_message(self) -> bool:
        """Whether workers died in the middle of this item too often to try again."""
        return self.interruptions >= MAX_INTERRUPTIONS

    def renew_lease(self) -> None:
        """Hold the item for another while; raise LeaseLost if somebody else has it."""
        until = timezone.now() + LEASE
        self._change(leased_until=until, sweep_at=until)

    def mark_stored(
        self,
        evidence: Evidence,
        body: Body,
        *,
        content_type: str,
        storage_name: str,
        codec: str = "",
    ) -> None:
        """Note that the file is in storage and verified; raise LeaseLost if that was too late."""
        self._finish(
            "stored",
            "",
            evidence,
            status=Status.STORED,
            error="",
            detail="",
            retrieved_at=timezone.now(),
            **media_changes.found(self, evidence),
            next_attempt_at=None,
            sweep_at=None,
            size=body.size,
            sha256=body.sha256,
            content_type=content_type,
            declared_content_type=self.declared_content_type or evidence.declared_content_type,
            storage_name=storage_name,
            codec=codec,
        )

    def schedule_retry(self, failure: TransientFailure, evidence: Evidence) -> RetryDelay | None:
        """Note the failure and when the next attempt is due; None means that it was the last.

        Raise LeaseLost if somebody else has the item meanwhile.
        """
        now = timezone.now()
        wait = next_delay(
            failure,
            fast_retries=self.fast_retries,
            slow_retries=self.slow_retries,
            elapsed_s=(now - (self.budget_started_at or now)).total_seconds(),
        )
        if wait is None:
            self.mark_failed(failure, evidence)
            return None
        due = now + timedelta(seconds=wait.delay_s)
        self._finish(
            failure.slug,
            failure.detail,
            evidence,
            status=Status.RETRYING,
            error=failure.slug,
            detail=failure.detail[:255],
            next_attempt_at=due,
            sweep_at=due if wait.phase == Phase.SLOW else due + DELIVERY_TIMEOUT,
            phase=wait.phase,
            fast_retries=self.fast_retries + (wait.consumes_retry and wait.phase == Phase.FAST),
            slow_retries=self.slow_retries + (wait.consumes_retry and wait.phase == Phase.SLOW),
            **media_changes.seen(self, failure, evidence),
        )
        return wait

    def defer_to_dispatcher(self) -> None:
        """Let the sweep bring the item back when it is due, and no message with a countdown."""
        waiting = MediaItem.objects.filter(pk=self.pk, status=Status.RETRYING, lease="")
        waiting.update(sweep_at=F("next_attempt_at"))

    def note_metadata(self, because: str | None) -> None:
        """Note what the metadata said of a 404; None if it said nothing.

        The same answer again adds to the evidence. Raise LeaseLost if somebody else has the item.
        """
        changes: dict[str, Any] = {"metadata_requests": self.metadata_requests + 1}
        if because is not None:
            again = because == self.not_found_because and self.because_since
            changes |= {
                "not_found_because": because,
                "because_since": self.because_since if again else timezone.now(),
                "because_count": self.because_count + 1 if again else 1,
            }
        self._change(**changes)
        vars(self).update(changes)

    def mark_failed(self, failure: Failure, evidence: Evidence) -> None:
        """Note that no further attempt will be made; raise LeaseLost if somebody else has it."""
        changes = media_changes.ended(failure) | media_changes.seen(self, failure, evidence)
        self._finish(failure.slug, failure.detail, evidence, **changes)

    def mark_interrupted(self, evidence: Evidence, detail: str) -> None:
        """Note that a fault of ours broke the attempt; a later one starts from the sweep."""
        now = timezone.now()
        closed = self._closed(INTERRUPTED, detail, evidence)
        self._change(closed, leased_until=now, sweep_at=now + DELIVERY_TIMEOUT)

    def mark_absent(self, absence: Absence) -> None:
        """Note that there never was a file, unless there is one after all."""
        told = self.status == Status.ABSENT
        changes = {"lease": "", "leased_until": None, **media_changes.ended(absence)}
        with transaction.atomic():
            rows = MediaItem.objects.filter(pk=self.pk).exclude(status=Status.STORED)
            if rows.update(**changes) and not told:
                vars(self).update(changes)
                self.hand_on()

    def hand_on(self) -> None:
        """Tell who waits for it how the item ended; part of the transaction that ends it."""
        stored = self.status == Status.STORED
        HandOff.owe(self)
        if stored:
            Deletion.owe(self)
        send_after_commit(media_stored if stored else media_failed, self)

    def _finish(self, outcome: str, note: str, evidence: Evidence, **changes: Any) -> None:
        changes |= {
            "leased_until": None,
            "http_status": evidence.http_status,
            "twilio_code": evidence.error_code,
            "twilio_request_id": evidence.request_id[:64],
            "host": evidence.redirect_host or host_of(self.media_url),
        }
        closed = self._closed(outcome, note, evidence)
        with transaction.atomic() if self._is_awaited() else nullcontext():
            self._change(closed, lease="", **changes)
            vars(self).update(changes)
            if self.status not in UNFINISHED:
                self.hand_on()

    def _is_awaited(self) -> bool:
        """Tell whether somebody may have to be told how it ends, which is a row of its own."""
        return (
            any(map(Receiver.waiting_for, Completion))
            or deletion_policy_for(self) != PostStorePolicy.KEEP
        )

    def _closed(self, outcome: str, note: str, evidence: Evidence) -> Statement:
        return self.attempt.closed(outcome, note, evidence, time.monotonic() - self.began)

    def _change(self, also: Statement | None = None, **changes: Any) -> None:
        """Write to the row only while the lease is ours: a worker that slept undoes nothing.

        What is `also` to be done is done with it, or not at all. Raise LeaseLost if it is not.
        """
        held = update(MediaItem, {"id": self.pk, "lease": self.lease}, changes)
        if not (run_both(held, also) if also else run(held)):
            raise LeaseLost
