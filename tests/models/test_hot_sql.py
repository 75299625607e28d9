"""What every attempt writes: as few questions to the database as it can be asked."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from mediapipe.models import FetchAttempt, MediaItem, WebhookEvent
from mediapipe.models.hot_sql import Statement, insert, run, run_both, update
from mediapipe.providers.base import Body, Evidence
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

BODY = Body(size=3, sha256="ab" * 32, head=b"abc")


def test_both_statements_are_run_where_the_first_changes_a_row() -> None:
    item = make.media()
    assert run_both(renamed(item, "queued"), insert(attempt(item)))
    item.refresh_from_db()
    assert (item.detail, item.attempt_set.get().number) == ("seen", 1)


def test_neither_is_run_where_the_first_changes_none() -> None:
    item = make.media()
    assert not run_both(renamed(item, "stored"), insert(attempt(item)))
    item.refresh_from_db()
    assert (item.detail, item.attempt_set.count()) == ("", 0)


def test_the_first_is_undone_where_the_second_fails() -> None:
    item = make.media()
    run(insert(attempt(item)))
    with pytest.raises(IntegrityError), transaction.atomic():
        run_both(renamed(item, "queued"), insert(attempt(item)))
    item.refresh_from_db()
    assert item.detail == ""


def test_the_first_counts_even_if_the_second_finds_no_row() -> None:
    item = make.media()
    nothing = attempt(item).closed("stored", "", Evidence(), 1.0)
    assert run_both(renamed(item, "queued"), nothing)


@pytest.mark.parametrize(
    "text", ["100 %s", "'; DROP TABLE media; --", 'a "quoted" name', "ünïcode"]
)
def test_a_text_is_written_as_it_is(text: str) -> None:
    item = make.media()
    assert run(update(MediaItem, {"id": item.pk}, {"detail": text})) == 1
    item.refresh_from_db()
    assert item.detail == text


def test_an_attempt_takes_three_questions_on_postgresql(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    item = make.media()
    # SQLite, which is no journey away, has a transaction around each two of them.
    claiming, storing = {"postgresql": (2, 1), "sqlite": (5, 4)}[connection.vendor]
    with django_assert_num_queries(claiming):
        claimed = MediaItem.claim(item.pk)
    assert claimed is not None
    with django_assert_num_queries(storing):
        claimed.mark_stored(Evidence(), BODY, content_type="image/jpeg", storage_name="a")


def test_what_else_a_claimed_item_has_is_read_when_it_is_asked_for() -> None:
    claimed = make.claimed()
    event = WebhookEvent.objects.get(pk=claimed.event_id)
    assert claimed.event.subject_sid == event.subject_sid
    assert (claimed.event.parameters, claimed.event.sender) == (event.parameters, event.sender)


def renamed(item: MediaItem, status: str) -> Statement:
    """Return what gives an item of this status another detail."""
    return update(MediaItem, {"id": item.pk, "status": status}, {"detail": "seen"})


def attempt(item: MediaItem) -> FetchAttempt:
    """Return the unsaved row of its first attempt."""
    return FetchAttempt.begun(item, timezone.now(), task_id="", worker="")
