"""Each incident step is sent over each channel, once, in order, until it is accepted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from mediapipe.failures import Undelivered
from mediapipe.models import Cause, Channel, Incident, Notice, StepKind
from mediapipe.models.outbox import (
    BACKOFF,
    DELIVERY_TIMEOUT,
    LEASE,
    MAX_ATTEMPTS,
    MAX_COUNTDOWN_S,
    REDELIVERY_GRACE,
    DeliveryStatus,
)
from tests.support import make
from tests.support.clock import later
from tests.support.notifications import NOWHERE, attempt, configure, report_early_404s

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture(autouse=True)
def two_channels(settings: Settings) -> None:
    configure(settings, webhook=NOWHERE, slack=NOWHERE)


def sent_kinds(channel: Channel = Channel.WEBHOOK) -> list[str]:
    rows = Notice.objects.filter(channel=channel)
    return list(rows.values_list("step__kind", flat=True))


def due() -> list[Notice]:
    return list(Notice.objects.due(timezone.now()))


def test_each_automatic_step_is_sent_to_each_channel() -> None:
    report_early_404s(30)
    report_early_404s(60)
    Incident.resolve_for(Cause.EARLY_404S, make.ACCOUNT)
    report_early_404s(30)
    steps = [StepKind.OPENED, StepKind.WORSE, StepKind.RECOVERED, StepKind.REOPENED]
    assert sent_kinds(Channel.WEBHOOK) == sent_kinds(Channel.SLACK) == steps
    assert sent_kinds(Channel.EMAIL) == []


def test_steps_taken_by_users_are_not_sent() -> None:
    ann = User.objects.create_user("ann")
    incident = report_early_404s()
    incident.acknowledge(ann)
    incident.resolve(ann)
    incident.reopen(ann)
    assert sent_kinds() == [StepKind.OPENED]


def test_an_ongoing_incident_is_sent_once() -> None:
    for _ in range(3):
        report_early_404s()
    assert sent_kinds() == [StepKind.OPENED]


def test_nothing_is_enqueued_without_a_channel(settings: Settings) -> None:
    configure(settings)
    report_early_404s()
    assert not Notice.objects.exists()


def test_a_new_channel_receives_only_new_steps(settings: Settings) -> None:
    report_early_404s(30)
    configure(settings, mail=25)
    report_early_404s(60)
    assert sent_kinds(Channel.EMAIL) == [StepKind.WORSE]


def test_a_step_that_is_rolled_back_is_not_sent() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        report_early_404s()
        raise RuntimeError
    assert not Notice.objects.exists()


def test_a_claimed_notice_cannot_be_claimed_again() -> None:
    report_early_404s()
    with later(seconds=3):
        first, second = (Notice.claim(due()[0].pk), Notice.claim(Notice.objects.all()[0].pk))
    assert first is not None
    assert second is None


def test_a_notice_of_a_dead_worker_can_be_claimed_when_its_lease_ends() -> None:
    report_early_404s()
    with later(seconds=3):
        pk = due()[0].pk
        assert Notice.claim(pk)
        with later(seconds=LEASE.total_seconds() - 1):
            assert Notice.claim(pk) is None
        with later(seconds=LEASE.total_seconds()):
            again = Notice.claim(pk)
    assert again is not None
    assert again.attempts == 2


def test_a_worker_whose_lease_has_expired_overwrites_nothing() -> None:
    report_early_404s()
    with later(seconds=3):
        expired = Notice.claim(due()[0].pk)
        assert expired is not None
        with later(seconds=LEASE.total_seconds()):
            other = Notice.claim(expired.pk)
            assert other is not None
            assert other.mark_delivered("200")
            expired.mark_undelivered(Undelivered("too slow", again=True))
    other.refresh_from_db()
    assert other.status == DeliveryStatus.DELIVERED
    assert [entry["result"] for entry in other.log] == ["200"]


def test_a_message_that_kills_every_worker_is_given_up() -> None:
    report_early_404s()
    with later(seconds=3):
        notice = due()[0]
        for number in range(MAX_ATTEMPTS + 1):
            with later(seconds=number * LEASE.total_seconds()):
                claimed = Notice.claim(notice.pk)
            assert (claimed is None) == (number == MAX_ATTEMPTS)
    notice.refresh_from_db()
    assert notice.status == DeliveryStatus.FAILED


def test_the_backoff_never_exceeds_its_cap_and_totals_12_to_24_hours() -> None:
    waits = [BACKOFF.delay_s(retries) for retries in range(MAX_ATTEMPTS - 1)]
    assert waits[0] == pytest.approx(BACKOFF.first_s, rel=BACKOFF.jitter)
    assert all(wait <= BACKOFF.max_s * (1 + BACKOFF.jitter) for wait in waits)
    assert timedelta(hours=12) < timedelta(seconds=sum(waits)) < timedelta(hours=24)


def test_a_notice_is_retried_until_its_attempts_are_used_up() -> None:
    report_early_404s()
    with time_machine.travel(timezone.now() + timedelta(seconds=3), tick=False) as clock:
        notice = due()[0]
        for _ in range(MAX_ATTEMPTS):
            assert notice.status == DeliveryStatus.WAITING
            assert notice.next_attempt_at
            clock.move_to(notice.next_attempt_at)
            attempt(notice)
    assert notice.status == DeliveryStatus.FAILED
    assert len(notice.log) == MAX_ATTEMPTS
    assert notice.next_attempt_at is None


def test_retry_after_is_honoured_within_bounds() -> None:
    report_early_404s()
    with later(seconds=3):
        first, second = (Notice.claim(notice.pk) for notice in due())
        assert first and second
        first.mark_undelivered(Undelivered("429", again=True, retry_after_s=100))
        second.mark_undelivered(Undelivered("429", again=True, retry_after_s=10**9))
        assert first.next_attempt_at and second.next_attempt_at
        waits = [at - timezone.now() for at in (first.next_attempt_at, second.next_attempt_at)]
    assert timedelta(seconds=99) < waits[0] <= timedelta(seconds=100)
    assert waits[1] <= timedelta(seconds=BACKOFF.max_s)


def test_a_recovery_is_not_sent_before_the_opening_is_settled() -> None:
    report_early_404s()
    Incident.resolve_for(Cause.EARLY_404S, make.ACCOUNT)
    with later(seconds=3):
        opened, recovered = Notice.objects.filter(channel=Channel.WEBHOOK)
        assert Notice.claim(recovered.pk) is None
        claimed = Notice.claim(opened.pk)
        assert claimed
        claimed.mark_failed("never")
        assert Notice.claim(recovered.pk)


def test_a_pending_notice_does_not_delay_other_channels_or_incidents() -> None:
    report_early_404s()
    Incident.open_or_update(Cause.STORAGE)
    Incident.resolve_for(Cause.STORAGE)
    with later(seconds=3):
        assert [(notice.incident.cause, notice.channel) for notice in due()] == [
            (cause, channel)
            for cause in (Cause.EARLY_404S, Cause.STORAGE)
            for channel in (Channel.WEBHOOK, Channel.SLACK)
        ]


def test_a_published_notice_is_not_published_again_before_the_timeout() -> None:
    report_early_404s()
    with later(seconds=3):
        assert len(Notice.objects.claim_due(1)) == 1
        assert len(Notice.objects.claim_due(9)) == 1
        assert Notice.objects.claim_due(9) == []
        with later(seconds=DELIVERY_TIMEOUT.total_seconds() + 1):
            assert len(Notice.objects.claim_due(9)) == 2


def test_a_lost_countdown_is_replaced_by_the_sweep() -> None:
    report_early_404s()
    with later(seconds=3):
        claimed = Notice.claim(due()[0].pk)
        assert claimed
        countdown_s = claimed.mark_undelivered(Undelivered("503", again=True))
        assert countdown_s
        with later(seconds=countdown_s):
            assert claimed.pk in [notice.pk for notice in due()]
            assert claimed.pk not in Notice.objects.claim_due(9)
        with later(seconds=countdown_s + REDELIVERY_GRACE.total_seconds() + 1):
            assert claimed.pk in Notice.objects.claim_due(9)


def test_a_delay_that_is_too_long_for_a_countdown_is_left_to_the_sweep() -> None:
    report_early_404s()
    with later(seconds=3):
        claimed = Notice.claim(due()[0].pk)
        assert claimed
        failure = Undelivered("429", again=True, retry_after_s=MAX_COUNTDOWN_S + 1)
        assert claimed.mark_undelivered(failure) is None
    assert claimed.sweep_at == claimed.next_attempt_at


def test_a_failed_notice_can_be_sent_again() -> None:
    report_early_404s()
    with later(seconds=3):
        claimed = Notice.claim(due()[0].pk)
        assert claimed
        claimed.mark_undelivered(Undelivered("404", again=False))
        assert Notice.objects.all().retry_failed() == 1
        again = Notice.claim(claimed.pk)
    assert again
    assert (again.key, again.attempts) == (claimed.key, 1)
    assert [entry["result"] for entry in again.log] == ["404"]


@pytest.mark.django_db(transaction=True)
def test_only_one_of_many_concurrent_claims_succeeds() -> None:
    report_early_404s()
    pk = Notice.objects.order_by("pk").values_list("pk", flat=True)[0]

    def claim(_: int) -> bool:
        try:
            return Notice.claim(pk) is not None
        finally:
            connection.close()

    with later(seconds=3), ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1
