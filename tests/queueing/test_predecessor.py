"""A starting worker ends the leases of a dead worker that had the same name."""

from __future__ import annotations

import pytest
from django.db import DatabaseError

from mediapipe.models import MediaItem
from mediapipe.queueing import celery_consumer
from mediapipe.queueing.celery_consumer import release_predecessor
from tests.support import make

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_starting_worker_releases_the_leases_of_its_predecessor() -> None:
    item = make.media()
    assert MediaItem.claim(item.pk, worker="media@host")
    release_predecessor("media@host")
    assert MediaItem.claim(item.pk)


def test_a_worker_starts_while_the_database_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> int:
        raise DatabaseError

    monkeypatch.setattr(celery_consumer, "release_leases", fail)
    release_predecessor("media@host")
