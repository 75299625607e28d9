"""Stretch by stretch of time: what Twilio lists, less what is recorded, is taken in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil

from django.utils import timezone

from mediapipe.failures import ConfigMissing
from mediapipe.models import Reconciliation, WebhookEvent
from mediapipe.providers.base import InboundMessage
from mediapipe.providers.twilio.accounts import Account, accounts
from mediapipe.webhooks.reconciliation.listing import Lists, Subject
from mediapipe.webhooks.record import record

logger = logging.getLogger(__name__)

PROVIDER = "twilio"
SOURCE = "reconciliation"
# So many stretches make a run, none of them shorter than this: they are what progress is shown
# in, and what is looked at again when a run was interrupted.
STRETCHES = 48
SHORTEST = timedelta(minutes=15)
# Twilio ends a call after four hours, unless it is told otherwise.
LONGEST_CALL = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Found:
    """What a stretch of time up to `until` had: how much was looked at, and what was missing."""

    until: datetime
    looked_at: int
    missing: list[InboundMessage]


def stretches(run: Reconciliation) -> list[tuple[datetime, datetime]]:
    """Return what is left of a run, oldest first; each ends before the next begins."""
    length = max((run.until - run.since) / STRETCHES, SHORTEST)
    # Twilio's lists know whole seconds alone.
    length = timedelta(seconds=ceil(length.total_seconds()))
    found, since = [], run.done_until
    while since < run.until:
        until = min(since + length, run.until)
        found.append((since, until))
        since = until
    return found


def reconcile(run: Reconciliation, *, dry_run: bool = False) -> Iterator[Found]:
    """Take in what is missing, and yield after each stretch what it had.

    Whoever stops in between, or is stopped, goes on with the same run later; what was taken in
    before is then known. With `dry_run` nothing is written. Raises the Failure of the lists.
    """
    lists = Lists(_account(run.account_sid))
    for since, until in stretches(run):
        looked_at, missing = 0, []
        for page in _pages(lists, since, until, first=since == run.since):
            looked_at += len(page)
            missing += [message for subject in page if (message := _taken_in(subject, dry_run))]
        if not dry_run:
            run.advance(until, looked_at=looked_at, taken_in=len(missing))
        yield Found(until, looked_at, missing)


def _pages(
    lists: Lists, since: datetime, until: datetime, *, first: bool
) -> Iterator[list[Subject]]:
    """Yield what came to Twilio from `since` on and before `until`.

    A recording is listed by when it began, so the first stretch reaches back by a long call.
    """
    last = until - timedelta(seconds=1)
    yield from lists.messages(since, last)
    yield from lists.recordings(since - LONGEST_CALL if first else since, last)


def _taken_in(subject: Subject, dry_run: bool) -> InboundMessage | None:
    """Return what was missing of a message or recording, and take it in; None if nothing was."""
    recorded = WebhookEvent.objects.filter(
        provider=PROVIDER,
        account_sid=subject.account_sid,
        kind=subject.kind,
        subject_sid=subject.sid,
    )
    event = recorded.first()
    known = set(event.media.values_list("media_sid", flat=True)) if event else set()
    if event and (event.purged_at or event.forgotten_at or len(known - {""}) >= subject.media):
        return None
    message = subject.read()
    if message is None or {item.media_sid for item in message.media} <= known:
        return None
    if not dry_run:
        record(
            replace(message, source=SOURCE),
            provider=PROVIDER,
            received_at=subject.created_at,
            reconciled_at=timezone.now(),
        )
        logger.debug("%s was missing and was taken in", subject.sid)
    return message


def _account(sid: str) -> Account:
    account = accounts().get(sid)
    if account is None or not account.credentials():
        raise ConfigMissing(f"The account is {sid}.")
    return account
