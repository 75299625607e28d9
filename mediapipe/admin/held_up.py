"""The media items that wait because of an incident: a current number, which is not stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, When
from django.urls import reverse

from mediapipe.failures import AccountRefused
from mediapipe.models import Cause, FetchAttempt, Incident, MediaItem, Status
from mediapipe.models.causes import LOCAL_CAUSES
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.timing.backlog import CAP

# Items that wait because of one of these have its failure as their reason.
BY_REASON = (*LOCAL_CAUSES, Cause.DISK, Cause.NOT_CONFIGURED)
# All unfinished items of the account wait, whatever their last failure was.
OF_THE_ACCOUNT = (Cause.CREDENTIALS, Cause.RATE_LIMIT)


@dataclass(frozen=True, slots=True)
class HeldUp:
    """How many items wait because of an incident, the URL of their list, and the last failure."""

    count: int
    url: str
    last: FetchAttempt | None

    def __str__(self) -> str:
        """Return the count as a clause: `27 items wait`."""
        more = "+" if self.count >= CAP else ""
        return f"{self.count:,}{more} {'item waits' if self.count == 1 else 'items wait'}"


def held_up_by(incident: Incident) -> HeldUp | None:
    """Return what waits because of this incident; None if it is resolved or blocks nothing."""
    cause = Cause(incident.cause)
    query = {"account_sid__exact": incident.account_sid} if incident.account_sid else {}
    media = MediaItem.objects.filter(**query).order_by()
    if incident.resolved_at or cause not in (*BY_REASON, *OF_THE_ACCOUNT):
        return None
    if cause in OF_THE_ACCOUNT:
        media, query = media.unfinished(), {**query, "waiting_longer_than": "0"}
    else:
        reason = {"status__exact": Status.RETRYING.value, "error__exact": cause.failure}
        media, query = media.filter(**reason), {**query, **reason}
    # Other unfinished items of the account may have failed earlier for another reason.
    slug = AccountRefused.slug if cause == Cause.CREDENTIALS else cause.failure
    newest = media.filter(error=slug).order_by("-received_at").first()
    last = newest.attempt_set.exclude(outcome__in=("", "stored")).last() if newest else None
    url = f"{reverse('admin:mediapipe_mediaitem_changelist')}?{urlencode(query)}"
    return HeldUp(media[:CAP].count(), url, last)


def waiting_now() -> Case:
    """Return an annotation for incidents: how many items wait, or None as in held_up_by()."""
    account = Q(account_sid=OuterRef("account_sid"))
    waiting = MediaItem.objects.filter(status=Status.RETRYING)
    retrying = waiting.filter(error=OuterRef("cause"))
    of_cause = (
        (LOCAL_CAUSES, retrying),
        ((Cause.DISK,), waiting.filter(error=Cause.DISK.failure)),
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
    # annotate(Count()) would group by item, and aggregate() cannot be used in a subquery.
    count = Func(F("pk"), function="COUNT", output_field=IntegerField())
    return media.order_by().annotate(count=count).values("count")
