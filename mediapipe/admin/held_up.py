"""The media items that an incident holds up now: a number that changes, unlike its record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, When
from django.urls import reverse

from mediapipe.models import Cause, FetchAttempt, Incident, MediaItem, Status
from mediapipe.models.causes import LOCAL_CAUSES
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.backlog import CAP

# The cause is the reason that the items have.
BY_REASON = (*LOCAL_CAUSES, Cause.NOT_CONFIGURED)
# Everything unfinished of the account waits, whatever its last failure.
OF_THE_ACCOUNT = (Cause.CREDENTIALS, Cause.RATE_LIMIT)


@dataclass(frozen=True, slots=True)
class HeldUp:
    """How many items wait because of an incident, the list of them, and the last failure."""

    count: int
    url: str
    last: FetchAttempt | None

    def __str__(self) -> str:
        """Return the number in words: `27 items wait`."""
        more = "+" if self.count >= CAP else ""
        return f"{self.count:,}{more} {'item waits' if self.count == 1 else 'items wait'}"


def held_up_by(incident: Incident) -> HeldUp | None:
    """Return what waits because of an ongoing incident; None for causes that hold nothing up."""
    cause = Cause(incident.cause)
    query = {"account_sid__exact": incident.account_sid} if incident.account_sid else {}
    media = MediaItem.objects.filter(**query).order_by()
    if incident.resolved_at or cause not in (*BY_REASON, *OF_THE_ACCOUNT):
        return None
    if cause in OF_THE_ACCOUNT:
        media, query = media.unfinished(), {**query, "waiting_longer_than": "0"}
    else:
        reason = {"status__exact": Status.RETRYING.value, "error__exact": cause.value}
        media, query = media.filter(**reason), {**query, **reason}
    newest = media.order_by("-received_at").first()
    last = newest.attempt_set.exclude(outcome__in=("", "stored")).last() if newest else None
    url = f"{reverse('admin:mediapipe_mediaitem_changelist')}?{urlencode(query)}"
    return HeldUp(media[:CAP].count(), url, last)


def waiting_now() -> Case:
    """Return an annotation of incidents: how many items wait because of it, None as above."""
    account = Q(account_sid=OuterRef("account_sid"))
    retrying = MediaItem.objects.filter(status=Status.RETRYING, error=OuterRef("cause"))
    of_cause = (
        (LOCAL_CAUSES, retrying),
        ((Cause.NOT_CONFIGURED,), retrying.filter(account)),
        (OF_THE_ACCOUNT, MediaItem.objects.unfinished().filter(account)),
    )
    return Case(
        *(
            When(cause__in=causes, resolved_at=None, then=Subquery(_count(media)))
            for causes, media in of_cause
        )
    )


def _count(media: MediaQuerySet) -> QuerySet[Any, Any]:
    # Count() would add a GROUP BY, without which an aggregate is not allowed in a subquery.
    count = Func(F("pk"), function="COUNT", output_field=IntegerField())
    return media.order_by().annotate(count=count).values("count")
