from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from django.db import models, transaction
from django.utils import timezone

from mediapipe.failures import Absence, Failure, LeaseHeld, LeaseLost
from mediapipe.models import hot_sql
from mediapipe.models.attempts import INTERRUPTED, FetchAttempt
from mediapipe.models.events import WebhookEvent
from mediapipe.models.hourly_counts import HourlyCounts
from mediapipe.models.media import changes as media_changes
from mediapipe.models.media.admission import is_admitted
from mediapipe.models.media.claim import read_for_claim
from mediapipe.models.media.queryset import MediaRowQuerySet
from mediapipe.models.media.row import MediaRow
from mediapipe.models.status import DELIVERY_TIMEOUT, Phase, Status
from mediapipe.providers.base import AnnouncedMedia, Body, Evidence
from mediapipe.redaction import host_of

# A worker renews its lease while it downloads, so this bounds how long a dead one blocks an item.
LEASE = timedelta(seconds=60)
# A redelivered message takes over an item whose holder has not renewed its lease for this long.
TAKEOVER_AFTER = timedelta(seconds=4)
# An item that killed its worker this often fails instead of being tried again.
MAX_INTERRUPTIONS = 3

# Outbox rows to insert in the transaction that ends an item.
Outbox = Sequence[models.Model]


class MediaItem(MediaRow):
    """One media file that a webhook announced, from the announcement to the stored file.

    Only these methods and those of the queryset change the status.
    """

    objects = MediaRowQuerySet["MediaItem"].as_manager()

    # Set by `claim`: the open attempt.
    attempt: FetchAttempt

    class Meta(MediaRow.Meta):
        pass

    @classmethod
    def from_announcement(
        cls,
        event: WebhookEvent,
        media: AnnouncedMedia,
        received_at: datetime,
        *,
        reconciled_at: datetime | None = None,
    ) -> MediaItem:
        """Return the unsaved row of a media item that a webhook announced.

        With `reconciled_at` there was no webhook: `received_at` is when Twilio got the message,
        and the next run of the dispatcher publishes the item.
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
            received_at=received_at,
            reconciled_at=reconciled_at,
            next_attempt_at=reconciled_at or received_at,
            sweep_at=reconciled_at or received_at + DELIVERY_TIMEOUT,
        )
        if media.failure:
            item._set(media_changes.ended(media.failure))
        return item

    @classmethod
    def claim(
        cls, pk: int, *, task_id: str = "", worker: str = "", redelivered: bool = False
    ) -> MediaItem | None:
        """Lease the item for one attempt and open the attempt's row; None if it is not claimable.

        A message that is delivered twice claims nothing the second time, unless the broker has
        `redelivered` it because the worker that holds the item lost its connection. Raises
        LeaseHeld if the lease of that worker ends soon, and AccountBusy while the account's rate
        limit leaves no room.
        """
        now = timezone.now()
        item = read_for_claim(cls, pk)
        if item is None:
            return None
        if redelivered:
            item._shorten_lease(now, task_id)
        if not item.is_claimable(now):
            return None
        if item.account_degraded and not is_admitted(item, now):
            return None
        return item if item._take(now, task_id, worker) else None

    def _shorten_lease(self, now: datetime, task_id: str) -> None:
        """Make the lease that this task holds end soon, unless its holder is alive and renews it.

        Raises LeaseHeld until then; a renewal extends the lease again.
        """
        if self.status != Status.FETCHING or not self.leased_until:
            return
        ends = max(now, self.leased_until - LEASE + TAKEOVER_AFTER)
        held = MediaItem.objects.filter(pk=self.pk, lease=self.lease, leased_until__gt=ends)
        # A renewal in the meantime shows that the holder is alive.
        held = held.filter(leased_until=self.leased_until)
        held = held.filter(attempt_set__number=self.attempts, attempt_set__task_id=task_id)
        if held.update(leased_until=ends, sweep_at=ends):
            self.leased_until = ends
            if ends > now:
                raise LeaseHeld((ends - now).total_seconds())

    def _take(self, now: datetime, task_id: str, worker: str) -> bool:
        """Write lease and attempt, unless another worker has changed the row since it was read."""
        interrupted = self.status == Status.FETCHING
        attempt = FetchAttempt(
            media=self,
            number=self.attempts + 1,
            phase=self.phase,
            started_at=now,
            task_id=task_id,
            worker=worker,
        )
        changes = {
            "status": Status.FETCHING,
            "lease": uuid.uuid4().hex,
            "leased_until": now + LEASE,
            "sweep_at": now + LEASE,
            "attempts": attempt.number,
            **media_changes.first_attempt(self, self.first_attempt_at or now),
            "budget_started_at": self.budget_start(now),
            "interruptions": self.interruptions + interrupted,
        }
        expected = {name: getattr(self, name) for name in ("id", "status", "lease", "attempts")}
        if not hot_sql.claim(self, expected, changes, attempt):
            return False
        if interrupted:
            # If we die before this, the next claim closes both open attempts.
            others = self.attempt_set.exclude(number=attempt.number)
            others.filter(outcome="").update(outcome=INTERRUPTED)
        self._set(changes)
        self.attempt = attempt
        return True

    @property
    def is_poison_message(self) -> bool:
        """Return whether workers died during too many attempts at this item to retry it."""
        return self.interruptions >= MAX_INTERRUPTIONS

    def renew_lease(self) -> None:
        """Extend the lease by LEASE; raise LeaseLost if another worker has the item."""
        until = timezone.now() + LEASE
        held = MediaItem.objects.filter(pk=self.pk, lease=self.lease)
        if not held.update(leased_until=until, sweep_at=until):
            raise LeaseLost

    def mark_stored(
        self,
        evidence: Evidence,
        body: Body,
        *,
        content_type: str,
        storage_name: str,
        codec: str = "",
        outbox: Outbox = (),
    ) -> None:
        """Record that the file is stored and verified; raise LeaseLost if the lease was lost."""
        changes = {
            "status": Status.STORED,
            "error": "",
            "detail": "",
            "retrieved_at": timezone.now(),
            "next_attempt_at": None,
            "sweep_at": None,
            "size": body.size,
            "sha256": body.sha256,
            "content_type": content_type,
            "declared_content_type": self.declared_content_type or evidence.declared_content_type,
            "storage_name": storage_name,
            "codec": codec,
        }
        self._end_attempt(None, evidence, changes, outbox)

    def schedule_retry(
        self,
        failure: Failure,
        evidence: Evidence,
        *,
        phase: Phase,
        delay_s: float,
        consumes_retry: bool,
        by_dispatcher: bool,
        **diagnosis: Any,
    ) -> None:
        """Record a failed attempt and that the next one is due in `delay_s` seconds.

        `by_dispatcher`: no message retries the item, so the dispatcher publishes it when it is due;
        otherwise only if the message is lost. `diagnosis` are columns that the cause of a 404
        changes. Raises LeaseLost if another worker has the item.
        """
        due = timezone.now() + timedelta(seconds=delay_s)
        budget = self.budget_started_at
        if budget and not consumes_retry:
            # This uses neither a retry nor time of the fast window.
            budget += timedelta(seconds=delay_s)
        fast_retries = Counter(self.fast_retries)
        fast_retries[failure.cause] += consumes_retry and phase == Phase.FAST
        changes = {
            "status": Status.RETRYING,
            "error": failure.slug,
            "detail": failure.detail[:255],
            "next_attempt_at": due,
            "sweep_at": due if by_dispatcher else due + DELIVERY_TIMEOUT,
            "phase": phase,
            "fast_retries": +fast_retries,
            "slow_retries": self.slow_retries + (consumes_retry and phase == Phase.SLOW),
            "budget_started_at": budget,
        }
        self._end_attempt(failure, evidence, diagnosis | changes)

    def mark_failed(
        self, failure: Failure, evidence: Evidence, *, outbox: Outbox = (), **diagnosis: Any
    ) -> None:
        """Record that no further attempt is made; raise LeaseLost if another worker has it."""
        self._end_attempt(failure, evidence, diagnosis | media_changes.ended(failure), outbox)

    def mark_interrupted(self, evidence: Evidence, detail: str) -> None:
        """Record that a bug or an outage broke the attempt; the dispatcher starts the next one."""
        now = timezone.now()
        changes = {"leased_until": now, "sweep_at": now + DELIVERY_TIMEOUT}
        self._write(changes, FetchAttempt.ended(INTERRUPTED, detail, evidence))

    def mark_absent(self, absence: Absence, outbox: Outbox = ()) -> bool:
        """Record that there never was a file, unless one is stored; return whether that was new."""
        changes = {"lease": "", "leased_until": None, **media_changes.ended(absence)}
        with transaction.atomic():
            rows = MediaItem.objects.filter(pk=self.pk).exclude(status=Status.STORED)
            if not rows.update(**changes) or self.status == Status.ABSENT:
                return False
            HourlyCounts.invalidate([self.received_at])
            _insert(outbox)
        self._set(changes)
        return True

    def _end_attempt(
        self,
        failure: Failure | None,
        evidence: Evidence,
        changes: dict[str, Any],
        outbox: Outbox = (),
    ) -> None:
        changes = {
            **media_changes.availability(self, failure, evidence, self.attempt.started_at),
            **changes,
            "leased_until": None,
            "http_status": evidence.http_status,
            "twilio_code": evidence.error_code,
            "twilio_request_id": evidence.request_id[:64],
            "host": evidence.redirect_host or host_of(self.media_url),
        }
        outcome, detail = (failure.slug, failure.detail) if failure else ("stored", "")
        # A transaction costs two round trips, so it is opened only for more than these two rows.
        with transaction.atomic() if outbox else nullcontext():
            # Cleared only in the row: this object keeps its lease, so a second end matches no row.
            self._write({**changes, "lease": ""}, FetchAttempt.ended(outcome, detail, evidence))
            _insert(outbox)
        self._set(changes)

    def _write(self, changes: dict[str, Any], ended: dict[str, Any]) -> None:
        """Write item and attempt if the lease is ours: a worker that froze must undo nothing."""
        held = {"id": self.pk, "lease": self.lease}
        if not hot_sql.finish(self, held, changes, self.attempt, ended):
            raise LeaseLost

    def _set(self, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            setattr(self, name, value)


def _insert(outbox: Outbox) -> None:
    for row in outbox:
        # A deletion that an earlier end of the item has enqueued stays as it is.
        type(row)._default_manager.bulk_create([row], ignore_conflicts=True)


# The queryset's class itself knows only the row, so that it need not import this module.
MediaQuerySet: TypeAlias = MediaRowQuerySet[MediaItem]
