"""A task of another Celery app gets the hand-off, and its success confirms the delivery."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from mediapipe.celery import app
from mediapipe.models import HandOff
from mediapipe.models.outbox import DeliveryStatus
from tasks.hand_off import hand_off
from tests.support import make
from tests.support.workers import worker_in_a_thread

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "tests.archive"


class Archive:
    """The receiver's task: it records its arguments, and fails on demand."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.broken = False

    def __call__(self, **kwargs: Any) -> None:
        self.got.append(kwargs)
        if self.broken:
            raise ZeroDivisionError


archive = Archive()


@app.task(name=NAME)
def archive_task(**kwargs: Any) -> None:
    archive(**kwargs)


@pytest.fixture(scope="module")
def only_worker(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), worker_in_a_thread(["theirs", "housekeeping"]):
        yield


@pytest.fixture
def worker(only_worker: None, settings: Settings) -> Iterator[None]:
    settings.ON_STORED_TASK, settings.ON_STORED_QUEUE = NAME, "theirs"
    yield
    archive.got.clear()
    archive.broken = False


def wait_until(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_task_receives_the_item_and_its_success_confirms_the_hand_off(worker: None) -> None:
    item = make.store(make.claimed())
    hand_off()
    wait_until(lambda: HandOff.objects.get().status == DeliveryStatus.DELIVERED)
    ((message),) = archive.got
    assert message["idempotency_key"] == HandOff.objects.get().key
    assert (message["media"]["id"], message["media"]["status"]) == (item.pk, "stored")


def test_a_failed_task_leaves_the_hand_off_waiting(worker: None) -> None:
    archive.broken = True
    make.store(make.claimed())
    hand_off()
    wait_until(lambda: archive.got)
    # The worker handles one message at a time, so the next one runs after the failed one.
    archive_task.apply_async(queue="theirs")
    wait_until(lambda: len(archive.got) == 2)
    assert HandOff.objects.get().status == DeliveryStatus.WAITING
