"""The task of a notice, in a real worker in a thread of this process."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.utils import timezone
from django_celery_results.models import TaskResult
from pytest_django import DjangoDbBlocker, Settings

from mediapipe.backoff import Backoff
from mediapipe.models import Channel, Incident, Notice
from mediapipe.models.outbox import DeliveryStatus
from mediapipe.settings.queues import QUEUES
from tasks.notify import notify, sweep_notices
from tests.support.notifications import configure, report_early_404s
from tests.support.receivers import web_server
from tests.support.workers import worker_in_a_thread

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def only_worker(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), worker_in_a_thread(QUEUES):
        yield


@pytest.fixture
def worker(only_worker: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the backoff of the notices to at most a second."""
    quick = Backoff(first_s=0.05, factor=1.5, max_s=1.0, jitter=0.15)
    monkeypatch.setattr("mediapipe.models.outbox.BACKOFF", quick)


def settled() -> Notice:
    """Return the only notice once it no longer waits."""
    deadline = time.monotonic() + 30
    while (notice := Notice.objects.get()).status == DeliveryStatus.WAITING:
        assert time.monotonic() < deadline, notice.log
        time.sleep(0.02)
    return notice


def make_due() -> None:
    Notice.objects.update(next_attempt_at=timezone.now(), sweep_at=timezone.now())


def test_the_sweep_sends_notices_that_are_due(settings: Settings, worker: None) -> None:
    with web_server() as receiver:
        configure(settings, webhook=receiver.url)
        report_early_404s()
        make_due()
        assert sweep_notices() == 1
        assert settled().status == DeliveryStatus.DELIVERED
    assert len(receiver.requests) == 1


def test_a_notice_that_is_not_accepted_is_retried_until_it_is_delivered(
    settings: Settings, worker: None
) -> None:
    with web_server(503, 500, 429, 200) as receiver:
        configure(settings, slack=receiver.url)
        report_early_404s()
        make_due()
        sweep_notices()
        notice = settled()
    assert notice.status == DeliveryStatus.DELIVERED
    assert notice.attempts == len(receiver.requests) == 4


def test_a_notice_is_sent_only_once_despite_repeated_sweeps(
    settings: Settings, worker: None
) -> None:
    with web_server() as receiver:
        configure(settings, webhook=receiver.url)
        report_early_404s()
        make_due()
        published = [sweep_notices() for _ in range(3)]
        last = notify.delay(notice_id=Notice.objects.get().pk)
        deadline = time.monotonic() + 30
        while not TaskResult.objects.filter(task_id=last.id, status="SUCCESS").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert published == [1, 0, 0]
    assert len(receiver.requests) == 1
    assert TaskResult.objects.get(task_id=last.id).result == '"not due"'


def test_a_permanent_error_fails_the_notice_after_one_attempt(
    settings: Settings, worker: None
) -> None:
    with web_server(404) as receiver:
        configure(settings, webhook=receiver.url)
        report_early_404s()
        make_due()
        sweep_notices()
        assert settled().status == DeliveryStatus.FAILED
    assert len(receiver.requests) == 1


def test_no_notice_is_published_before_it_is_due(settings: Settings) -> None:
    configure(settings, webhook="http://127.0.0.1:9/")
    report_early_404s()
    assert sweep_notices() == 0


def test_a_notice_whose_message_was_lost_is_sent_by_the_next_sweep(
    settings: Settings, worker: None
) -> None:
    with web_server() as receiver:
        configure(settings, slack=receiver.url)
        incident = report_early_404s()
        lost = Notice.objects.get(incident=incident, channel=Channel.SLACK)
        assert Notice.claim(lost.pk) is None
        make_due()
        assert sweep_notices() == 1
        assert settled().attempts == 1
    assert Incident.objects.get().notices.count() == 1
