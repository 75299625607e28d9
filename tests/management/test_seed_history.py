from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count, F, Q

from mediapipe.failures import Failure, FinalFailure, GivenUp
from mediapipe.fetching.schedule import JITTER
from mediapipe.management.seed_history.arrivals import BACKLOG, OUTBREAK, arrivals
from mediapipe.models import FetchAttempt, MediaItem, Status, WebhookEvent
from mediapipe.models.delays import queue_lag_s, span, waited_s
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

UNTIL = datetime(2026, 7, 1, 12, tzinfo=UTC)
FINAL = [failure.slug for failure in FinalFailure.all()]


def seed(media: int = 400, **options: Any) -> None:
    """Make a history that ends at UNTIL."""
    call_command(
        "seed_history", media=media, until=UNTIL, **options, stdout=StringIO(), stderr=StringIO()
    )


def test_the_history_has_the_requested_number_of_media_items_with_their_events() -> None:
    seed(400)
    assert MediaItem.objects.count() == 400
    announced = WebhookEvent.objects.filter(media__isnull=False)
    assert announced.aggregate(sum=Count("media"))["sum"] == 400
    assert len({event.account_sid for event in announced}) == 3
    assert set(announced.values_list("kind", flat=True)) == {"message", "recording"}


def test_some_webhooks_announce_no_media_and_some_are_repeated() -> None:
    seed(1500)
    assert WebhookEvent.objects.filter(media=None).exists()
    assert WebhookEvent.objects.filter(repeats__gt=0, last_repeat_at__gt=F("received_at")).exists()


def test_the_same_seed_makes_the_same_history() -> None:
    seed(50, add=True)
    first = rows()
    MediaItem.objects.all().delete()
    WebhookEvent.objects.all().delete()
    seed(50, add=True)
    assert rows() == first


def test_another_seed_makes_another_history() -> None:
    seed(50)
    first = rows()
    seed(50, seed=8, add=True)
    assert rows()[: len(first)] != first


def test_a_database_with_media_in_it_is_left_alone() -> None:
    seed(1)
    with pytest.raises(CommandError, match="already has media items"):
        seed(1)
    assert MediaItem.objects.count() == 1


@pytest.mark.parametrize("number", ["0", "-5", "many", "1.5"])
def test_an_invalid_number_is_rejected(number: str) -> None:
    with pytest.raises(CommandError, match="not a positive number"):
        call_command("seed_history", f"--media={number}")


def test_nothing_happens_before_the_beginning_or_after_the_end_of_the_history() -> None:
    seed(days=3)
    at = MediaItem.objects.order_by("received_at").values_list("received_at", flat=True)
    assert UNTIL - timedelta(days=3) <= at[0] < UNTIL
    assert not FetchAttempt.objects.filter(started_at__gte=UNTIL).exists()
    assert not MediaItem.objects.filter(retrieved_at__gte=UNTIL).exists()


def test_counters_and_delays_of_every_item_match_its_attempts_and_times() -> None:
    seed()
    for item in MediaItem.objects.prefetch_related("attempt_set"):
        attempts = list(item.attempt_set.all())
        assert [attempt.number for attempt in attempts] == [*range(1, item.attempts + 1)]
        assert [a.outcome for a in attempts].count("not_ready") == item.not_found_count
        delay = span(item)
        assert item.delay_at_most_s == (delay.at_most_s if delay else None)
        assert item.queue_lag_s == queue_lag_s(item)
        assert item.delay_at_least_s in (None, waited_s(item))


def test_every_status_matches_the_outcome_of_the_last_attempt() -> None:
    seed(1500)
    tried = MediaItem.objects.filter(attempts__gt=0).exclude(error=GivenUp.slug)
    for item in tried.prefetch_related("attempt_set"):
        last = list(item.attempt_set.all())[-1].outcome
        if item.status == Status.STORED:
            assert (last, bool(item.retrieved_at), bool(item.storage_name)) == (
                "stored",
                True,
                True,
            )
        else:
            assert (last, item.retrieved_at) == (item.error, None)


def test_a_failed_item_has_exhausted_its_schedule_or_has_a_final_failure() -> None:
    seed(1500)
    failed = MediaItem.objects.failed()
    assert failed.filter(error__in=FINAL).exists()
    for item in failed.exclude(error__in=FINAL):
        assert item.slow_retries == 7
    assert {item.error for item in failed} <= {failure.slug for failure in Failure.all()}


def test_attempts_follow_the_schedule() -> None:
    seed()
    first, second = (dict(starts(number)) for number in (1, 2))
    waits = [(second[media] - first[media]).total_seconds() for media in second]
    assert waits
    assert min(waits) >= 1
    assert sorted(waits)[len(waits) // 2] < 1 + JITTER + 1


def test_a_retrying_item_is_due_in_the_future() -> None:
    seed(3000, days=2)
    waiting = MediaItem.objects.filter(status=Status.RETRYING)
    assert waiting.exists()
    late = timedelta(seconds=5)
    assert not waiting.filter(next_attempt_at__lt=UNTIL - late).exists()
    assert not waiting.filter(sweep_at=None).exists()


def test_the_history_has_an_outbreak_and_a_backlog() -> None:
    seed(3000, days=6)
    early, lag = Q(not_found_count__gt=0), Q(queue_lag_s__gt=10)
    outbreak, backlog = during(*OUTBREAK), during(*BACKLOG)
    assert share(outbreak, early) > 1.5 * share(~outbreak, early)
    assert share(backlog, lag) > 0.9
    assert share(~backlog, lag) == 0


def during(newest: timedelta, oldest: timedelta) -> Q:
    return Q(received_at__gt=UNTIL - oldest, received_at__lte=UNTIL - newest)


def share(chosen: Q, having: Q) -> float:
    tried = MediaItem.objects.filter(chosen, attempts__gt=0)
    return tried.filter(having).count() / tried.count()


def starts(number: int) -> Any:
    attempts = FetchAttempt.objects.filter(number=number, media__error="", phase="fast")
    return attempts.values_list("media", "started_at")


def rows() -> list[Any]:
    names = ("identity", "status", "received_at", "next_attempt_at", "delay_at_most_s", "sha256")
    return list(MediaItem.objects.order_by("received_at", "pk").values_list(*names))


def test_five_times_as_many_media_items_need_less_than_twice_the_memory() -> None:
    def peak(media: int) -> int:
        tracemalloc.start()
        found = arrivals(media, days=30, until=UNTIL, rng=Random(1))
        assert sum(len(arrival.message.media) for arrival in found) == media
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(10_000) < 2 * peak(2000)


@pytest.mark.parametrize("add", [False, True])
def test_seeding_leaves_indexes_and_primary_key_sequences_intact(add: bool) -> None:
    before = indexes()
    if add:
        seed(1)
    seed(20, add=add)
    assert indexes() == before
    event = make.event()
    assert event.pk == max(WebhookEvent.objects.values_list("pk", flat=True))


def indexes() -> dict[str, Any]:
    with connection.cursor() as cursor:
        return {
            model._meta.db_table: connection.introspection.get_constraints(
                cursor, model._meta.db_table
            )
            for model in (WebhookEvent, MediaItem, FetchAttempt)
        }
