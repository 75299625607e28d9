from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Self, TypeVar

from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from mediapipe.models.gateway_apps import GatewayApp
from mediapipe.models.gateway_status import (
    OPEN,
    SIGNATURE_REFUSED,
    UNDELIVERED,
    GatewayStatus,
)
from mediapipe.models.media.item import MediaItem
from mediapipe.models.outbox import DELIVERY_TIMEOUT
from mediapipe.models.status import UNFINISHED as UNFINISHED_MEDIA

D = TypeVar("D", bound=models.Model)

# A delivery that no worker has handled for longer than this was delayed by an outage of our own.
OURS_AFTER = timedelta(minutes=1)


class GatewayDeliveryQuerySet(models.QuerySet[D]):
    def waiting(self) -> Self:
        return self.filter(status=GatewayStatus.WAITING)

    def sending(self) -> Self:
        """In progress, or interrupted because the worker died."""
        return self.filter(status=GatewayStatus.SENDING)

    def open(self) -> Self:
        """Not ended yet."""
        return self.filter(status__in=OPEN)

    def undelivered(self) -> Self:
        """Ended, and the app may not have the message."""
        return self.filter(status__in=UNDELIVERED)

    def delivered(self) -> Self:
        return self.filter(status=GatewayStatus.DELIVERED)

    def refusing_apps(self, since: datetime) -> dict[str, int]:
        """Return how often each app has refused our signature since then, by the app's name.

        Apps that have accepted a delivery after their last refusal are left out.
        """
        recent = self.filter(ended_at__gte=since)
        refused = recent.filter(status=GatewayStatus.REFUSED, http_status__in=SIGNATURE_REFUSED)
        latest = {"last": models.Max("ended_at"), "count": models.Count("pk")}
        refusals = refused.order_by().values_list("entry").annotate(**latest)
        taken = recent.delivered().order_by().values_list("entry")
        last_taken = dict(taken.annotate(last=models.Max("ended_at")))
        return {
            name: count
            for name, last, count in refusals
            if name not in last_taken or last_taken[name] < last
        }

    def with_request(self) -> Self:
        """Those whose request is still stored."""
        return self.exclude(request="")

    def resendable(self) -> Self:
        """Undelivered, and the request is still stored."""
        return self.undelivered().with_request()

    def due(self, now: datetime, *, answering: bool = False) -> Self:
        """Deliveries whose next attempt can start now; none to an app whose breaker is open.

        Until its hold ends, a delivery waits for the media of its message, if the app wants that,
        and for earlier messages of the same conversation. While Twilio waits for the app's answer
        (`answering`), it does not wait for earlier messages that are already being sent.
        """
        media = MediaItem.objects.filter(event=OuterRef("event"), status__in=UNFINISHED_MEDIA)
        before = self._all().waiting() if answering else self._all().open()
        earlier = before.filter(
            entry=OuterRef("entry"), conversation=OuterRef("conversation"), pk__lt=OuterRef("pk")
        )
        free_of_media = Q(holds_for_media=False) | ~Exists(media)
        first = Q(conversation="") | ~Exists(earlier)
        blocked = GatewayApp.objects.blocked(now).filter(name=OuterRef("entry"))
        return (
            self.waiting()
            .filter(next_attempt_at__lte=now)
            .filter(Q(hold_until__lte=now) | (free_of_media & first))
            .exclude(Exists(blocked))
        )

    def in_turn(self, now: datetime) -> Self:
        """Those with no earlier message of the conversation that is being sent or due as well.

        due() alone includes each message whose hold has ended, and after an outage all have.
        """
        earlier = self._all().filter(
            Q(status=GatewayStatus.SENDING)
            | Q(status=GatewayStatus.WAITING, next_attempt_at__lte=now),
            entry=OuterRef("entry"),
            conversation=OuterRef("conversation"),
            pk__lt=OuterRef("pk"),
        )
        return self.filter(Q(conversation="") | ~Exists(earlier))

    def overdue(self, now: datetime) -> Self:
        """Those that no worker took for OURS_AFTER: our workers or our database were unavailable.

        Left out are messages whose media our workers were fetching in the meantime.
        """
        since = now - OURS_AFTER
        media = MediaItem.objects.filter(event=OuterRef("event"))
        in_time = media.filter(queue_lag_s__lte=OURS_AFTER.total_seconds()).exclude(
            Q(retrieved_at__lte=since) | Q(failed_at__lte=since)
        )
        return self.waiting().filter(late=False, received_at__lte=since).exclude(Exists(in_time))

    def lease_expired(self, now: datetime) -> Self:
        """Sending, by a worker that has died."""
        return self.sending().filter(next_attempt_at__lte=now).select_related("event")

    def claim_due(self, limit: int) -> list[int]:
        """Return the ids of due deliveries without a task in the broker, the oldest first.

        Each goes to one caller only.
        """
        now = timezone.now()
        with transaction.atomic():
            rows = self.due(now).filter(sweep_at__lte=now).order_by("pk")
            if connection.features.has_select_for_update_skip_locked:
                rows = rows.select_for_update(skip_locked=True, of=("self",))
            ids = list(rows.values_list("pk", flat=True)[:limit])
            self._all().filter(pk__in=ids).update(sweep_at=now + DELIVERY_TIMEOUT)
        return ids

    def mark_undispatched(self, ids: Sequence[int]) -> None:
        """Leave these to the next claim_due(): the broker has no message for them."""
        self.waiting().filter(pk__in=ids).update(sweep_at=timezone.now())

    def mark_late(self) -> None:
        """Send these at the pace of their app, because it was unavailable, or we were."""
        self.waiting().filter(late=False).update(late=True)

    def send_again(self) -> list[int]:
        """Make the resendable ones due now, with all attempts left; return their ids."""
        now = timezone.now()
        with transaction.atomic():
            ids = list(self.resendable().select_for_update().values_list("pk", flat=True))
            # Without a hold: whoever sends them again can see the state of the media.
            self._all().filter(pk__in=ids).update(
                status=GatewayStatus.WAITING,
                attempts=0,
                late=True,
                hold_until=now,
                next_attempt_at=now,
                sweep_at=now,
                ended_at=None,
            )
        return ids

    def drop(self, why: str) -> int:
        """End the open ones without another attempt, and erase the requests of all.

        Return how many were open.
        """
        erased = {"request": "", "conversation": ""}
        ended = {"next_attempt_at": None, "ended_at": timezone.now()}
        with transaction.atomic():
            dropped = self.open().update(
                status=GatewayStatus.DROPPED, detail=why, **ended, **erased
            )
            self.update(**erased)
        return dropped

    def ended_before(self, moment: datetime) -> Self:
        """Ended before this moment, with no request left, the oldest first."""
        return self.filter(request="", ended_at__lt=moment).order_by("ended_at")

    def with_request_before(self, moment: datetime) -> Self:
        """Ended before this moment, with the request still stored, the oldest first."""
        return self.with_request().filter(ended_at__lt=moment).order_by("ended_at")

    def erase_requests(self) -> int:
        """Erase the requests, so that they cannot be sent again; return how many."""
        return self.update(request="")

    def oldest_pending_age_s(self, now: datetime) -> float:
        """Return the seconds since the oldest open one was received, or 0."""
        oldest = self.open().aggregate(at=models.Min("received_at"))["at"]
        return (now - oldest).total_seconds() if oldest else 0.0

    def _all(self) -> Self:
        """Return all rows, including those that this queryset leaves out."""
        rows: Self = self.model._default_manager.all()  # type: ignore[assignment]
        return rows
