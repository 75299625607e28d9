from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from math import ceil

from django.utils import timezone

from mediapipe.failures import ConfigMissing
from mediapipe.models import Reconciliation, WebhookEvent
from mediapipe.providers.base import InboundMessage
from mediapipe.providers.twilio.accounts import accounts
from mediapipe.webhooks.reconciliation.twilio_lists import ListedSubject, TwilioLists
from mediapipe.webhooks.record import RECONCILED, record

logger = logging.getLogger(__name__)

PROVIDER = "twilio"
# A run has this many slices, unless they would be shorter than MIN_SLICE. Progress is shown per
# slice, and an interrupted run repeats one.
SLICES = 48
MIN_SLICE = timedelta(minutes=15)
# Twilio ends a call after four hours, unless its time limit is set to another value.
LONGEST_CALL = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class SliceResult:
    """What was compared in a time slice that ends at `until`, and what was missing."""

    until: datetime
    looked_at: int
    missing: list[InboundMessage]


def time_slices(run: Reconciliation) -> list[tuple[datetime, datetime]]:
    """Return the remaining slices of a run, oldest first; each ends where the next begins."""
    length = max((run.until - run.since) / SLICES, MIN_SLICE)
    # Twilio's lists are filtered by whole seconds.
    length = timedelta(seconds=ceil(length.total_seconds()))
    slices, since = [], run.done_until
    while since < run.until:
        until = min(since + length, run.until)
        slices.append((since, until))
        since = until
    return slices


def reconcile(run: Reconciliation, *, dry_run: bool = False) -> Iterator[SliceResult]:
    """Record what is missing, and yield a result after each slice.

    The caller may stop between slices, and resume the run later. With `dry_run` nothing is
    written. Raise ConfigMissing without credentials, or the Failure of the lists.
    """
    account = accounts().get(run.account_sid)
    if account is None or not account.credentials():
        raise ConfigMissing(f"The account is {run.account_sid}.")
    lists = TwilioLists(account)
    for since, until in time_slices(run):
        last = until - timedelta(seconds=1)
        # Recordings are listed by the start of the call: the first slice begins that much earlier.
        begin = since - LONGEST_CALL if since == run.since else since
        looked_at, missing = 0, []
        for page in chain(lists.messages(since, last), lists.recordings(begin, last)):
            looked_at += len(page)
            missing += [found for subject in page if (found := _record_missing(subject, dry_run))]
        if not dry_run:
            run.advance(until, looked_at=looked_at, taken_in=len(missing))
        yield SliceResult(until, looked_at, missing)


def _record_missing(subject: ListedSubject, dry_run: bool) -> InboundMessage | None:
    """Record what is missing of a message or recording and return it; None if nothing is."""
    event = WebhookEvent.objects.filter(
        provider=PROVIDER,
        account_sid=subject.account_sid,
        kind=subject.kind,
        subject_sid=subject.sid,
    ).first()
    known = set(event.media.values_list("media_sid", flat=True)) if event else set()
    if event and (event.purged_at or event.forgotten_at or len(known - {""}) >= subject.media):
        return None
    message = subject.load()
    if message is None or {item.media_sid for item in message.media} <= known:
        return None
    if not dry_run:
        record(
            replace(message, source=RECONCILED),
            provider=PROVIDER,
            received_at=subject.created_at,
            reconciled_at=timezone.now(),
        )
        logger.debug("%s was missing and has been recorded", subject.sid)
    return message
