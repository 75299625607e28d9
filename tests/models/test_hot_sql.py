"""Every attempt needs as few round trips to the database as possible."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from unittest import mock

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from mediapipe.models import FetchAttempt, Heartbeat, MediaItem, WebhookEvent, hot_sql
from mediapipe.models.media.claim import read_for_claim
from mediapipe.providers.base import Body, Evidence
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

BODY = Body(size=3, sha256="ab" * 32, head=b"abc")


SEEN = {"detail": "seen"}


def test_a_claim_writes_the_row_and_the_attempt_if_the_row_is_as_expected() -> None:
    item = make.media()
    assert hot_sql.claim(item, {"id": item.pk, "status": "queued"}, SEEN, attempt(item))
    item.refresh_from_db()
    assert (item.detail, item.attempt_set.get().number) == ("seen", 1)


def test_a_claim_writes_neither_row_nor_attempt_if_the_row_has_changed() -> None:
    item = make.media()
    assert not hot_sql.claim(item, {"id": item.pk, "status": "stored"}, SEEN, attempt(item))
    item.refresh_from_db()
    assert (item.detail, item.attempt_set.count()) == ("", 0)


def test_a_claim_leaves_the_row_unchanged_if_the_attempt_cannot_be_inserted() -> None:
    item = make.media()
    attempt(item).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        hot_sql.claim(item, {"id": item.pk}, SEEN, attempt(item))
    item.refresh_from_db()
    assert item.detail == ""


def test_the_row_is_written_even_if_its_attempt_is_gone() -> None:
    item = make.media()
    ended = FetchAttempt.ended("stored", "", Evidence())
    assert hot_sql.finish(item, {"id": item.pk}, SEEN, attempt(item), ended)


def test_an_attempt_is_not_closed_if_the_lease_is_lost() -> None:
    item = make.claimed()
    ended = FetchAttempt.ended("stored", "", Evidence())
    assert not hot_sql.finish(item, {"id": item.pk, "lease": "other"}, SEEN, attempt(item), ended)
    assert item.attempt_set.get().outcome == ""


def test_an_event_is_inserted_with_its_media_in_order() -> None:
    media = make.message(pictures=10).media
    event, items = announced()
    items = [MediaItem.from_announcement(event, each, timezone.now()) for each in media]
    assert hot_sql.insert_new_with(event, items, "event")
    assert [item.pk for item in items] == sorted(event.media.values_list("pk", flat=True))
    assert {item.event_id for item in items} == {event.pk}
    assert [item.identity for item in event.media.order_by("pk")] == [i.identity for i in media]


def test_no_media_are_inserted_if_the_event_is_already_known() -> None:
    event, items = announced()
    assert hot_sql.insert_new_with(event, items, "event")
    assert not hot_sql.insert_new_with(*announced(), "event")
    assert (WebhookEvent.objects.count(), MediaItem.objects.count()) == (1, 1)


def test_no_event_is_inserted_if_its_media_cannot_be_inserted() -> None:
    event, items = announced()
    items[0].received_at = None  # type: ignore[assignment]  # violates NOT NULL
    with pytest.raises(IntegrityError), transaction.atomic():
        hot_sql.insert_new_with(event, items, "event")
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(
    "text", ["100 %s", "'; DROP TABLE media; --", 'a "quoted" name', "ünïcode"]
)
def test_a_text_with_special_characters_is_written_unchanged(text: str) -> None:
    item = make.media()
    assert hot_sql.claim(item, {"id": item.pk}, {"detail": text}, attempt(item))
    item.refresh_from_db()
    assert item.detail == text


def test_an_attempt_takes_three_round_trips_on_postgresql(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    item = make.media()
    # SQLite, which is not across a network, runs two statements in a transaction for each of these.
    claiming, storing = {"postgresql": (2, 1), "sqlite": (5, 4)}[connection.vendor]
    with django_assert_num_queries(claiming):
        claimed = MediaItem.claim(item.pk)
    assert claimed is not None
    with django_assert_num_queries(storing):
        claimed.mark_stored(Evidence(), BODY, content_type="image/jpeg", storage_name="a")


def test_other_columns_of_the_event_are_loaded_on_access() -> None:
    claimed = make.claimed()
    event = WebhookEvent.objects.get(pk=claimed.event_id)
    assert claimed.event.subject_sid == event.subject_sid
    assert (claimed.event.parameters, claimed.event.sender) == (event.parameters, event.sender)


def announced() -> tuple[WebhookEvent, list[MediaItem]]:
    """Return unsaved rows for one event, the same at each call, and its one media item."""
    message = replace(make.message(), subject_sid="MM" + "1" * 32)
    now = timezone.now()
    event = WebhookEvent.from_message(message, provider="twilio", at=now)
    return event, [MediaItem.from_announcement(event, each, now) for each in message.media]


def attempt(item: MediaItem) -> FetchAttempt:
    """Return the unsaved row of its first attempt."""
    return FetchAttempt(media=item, number=1, phase="fast", started_at=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_was_lost_while_idle_is_replaced() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server")
    item = make.media()
    end_backend()
    assert read_for_claim(MediaItem, item.pk) == item


@pytest.mark.django_db(transaction=True)
def test_an_error_on_a_working_connection_is_raised() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server")
    make.media()
    with pytest.raises(OperationalError, match="timeout"):
        hot_sql.first_row("SET statement_timeout = 1; SELECT pg_sleep(5)", [])
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_webhook_is_recorded_without_a_health_check_of_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server")
    monkeypatch.setitem(connection.settings_dict, "CONN_HEALTH_CHECKS", True)
    connection.close()
    connection.ensure_connection()
    connection.close_if_unusable_or_obsolete()
    with mock.patch.object(connection, "is_usable") as checked:
        make.media()
    assert not checked.called


def end_backend() -> None:
    """End this connection from another one, as a restart of PostgreSQL does."""
    pid = connection.connection.info.backend_pid
    other = connection.copy()
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])


@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_is_recorded_without_waiting_for_the_disk_on_sqlite() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("Only SQLite syncs for each commit alone")
    connection.ensure_connection()
    statements: list[str] = []
    connection.connection.set_trace_callback(statements.append)
    Heartbeat.record("beat")
    connection.connection.set_trace_callback(None)
    assert [statement.split()[0] for statement in statements] == ["PRAGMA", "INSERT", "PRAGMA"]
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)


SPY = """
CREATE TABLE commits (synced text);
CREATE FUNCTION spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO commits VALUES (current_setting('synchronous_commit')); RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER spy AFTER INSERT OR UPDATE ON mediapipe_heartbeat
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION spy();
"""
NO_SPY = "DROP TRIGGER spy ON mediapipe_heartbeat; DROP FUNCTION spy; DROP TABLE commits"


@pytest.mark.django_db(transaction=True)
def test_a_heartbeat_is_recorded_without_waiting_for_the_disk_on_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no triggers that run at the commit")
    with connection.cursor() as cursor:
        cursor.execute(SPY)
        Heartbeat.record("beat")
        with transaction.atomic():
            Heartbeat.record("beat")
        cursor.execute("SELECT synced FROM commits")
        # Within a transaction, `off` would apply to the commit of the other statements as well.
        assert cursor.fetchall() == [("off",), ("on",)]
        cursor.execute(NO_SPY)
