"""Rows whose counts several workers update at the same moment, each over its own connection."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Sum

from mediapipe.models import AccountHealth, Cause, Incident, Rejection
from mediapipe.models.accounts import REFUSALS_TO_PAUSE
from mediapipe.models.counters import Counter, Watermark
from tests.support import make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]

THREADS = 6
ROUNDS = 10
DEADLINE_S = 60
NOW = datetime.now(UTC)


def run_concurrently(*actions: Callable[[], object]) -> None:
    """Run each in its own thread, starting every round together; pass on an exception."""
    barrier = Barrier(len(actions), timeout=DEADLINE_S)

    def run(action: Callable[[], object]) -> None:
        try:
            for _ in range(ROUNDS):
                barrier.wait()
                action()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        for future in [pool.submit(run, action) for action in actions]:
            future.result(DEADLINE_S)


def health() -> AccountHealth:
    return AccountHealth.get_or_create_for(make.ACCOUNT)


def test_a_refusal_is_counted_even_if_the_account_recovers_meanwhile() -> None:
    counting = health()
    health().record_response()
    counting.record_refusal(NOW)
    counting = health()
    assert counting.refusals == 1


def test_concurrent_responses_and_429s_raise_no_error() -> None:
    def limited() -> None:
        AccountHealth.record_rate_limit(make.ACCOUNT, requests=9, limited=9)

    counted = [limited, lambda: health().record_response()]
    run_concurrently(*counted * (THREADS // 2))
    assert AccountHealth.objects.count() == 1


def test_concurrent_responses_and_refusals_raise_no_error() -> None:
    counted = [lambda: health().record_refusal(NOW), lambda: health().record_response()]
    run_concurrently(*counted * (THREADS // 2))
    assert AccountHealth.objects.count() == 1


def test_concurrent_refusals_are_all_counted_and_open_one_incident() -> None:
    run_concurrently(*[lambda: health().record_refusal(NOW)] * THREADS)
    assert health().refusals == THREADS * ROUNDS >= REFUSALS_TO_PAUSE
    assert Incident.objects.get().cause == Cause.CREDENTIALS


def test_concurrent_increments_are_all_counted() -> None:
    run_concurrently(*[lambda: Counter.add({("webhooks", "message"): 1})] * THREADS)
    run_concurrently(*[lambda: Rejection.add("signature_wrong", NOW)] * THREADS)
    assert Counter.by_name() == {"webhooks": {"message": THREADS * ROUNDS}}
    assert Rejection.objects.aggregate(Sum("count"))["count__sum"] == THREADS * ROUNDS


def test_opening_and_resolving_an_incident_concurrently_raises_no_error() -> None:
    def resolve() -> None:
        Incident.resolve_for(Cause.STORAGE)

    run_concurrently(*[lambda: Incident.open_or_update(Cause.STORAGE), resolve] * (THREADS // 2))
    assert Incident.objects.count() == 1


def test_an_incident_that_is_opened_and_resolved_by_another_worker_is_reopened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def after_another_worker(*args: Any, **options: Any) -> None:
        monkeypatch.undo()
        Incident.open_or_update(Cause.STORAGE)
        Incident.resolve_for(Cause.STORAGE)
        Incident._open(*args, **options)

    monkeypatch.setattr(Incident, "_open", after_another_worker)
    Incident.open_or_update(Cause.STORAGE)
    assert Incident.objects.ongoing().get() == Incident.objects.get()


def test_a_watermark_is_locked_by_only_one_run_at_a_time() -> None:
    def advance() -> None:
        with transaction.atomic():
            mark = Watermark.lock("webhooks")
            mark.counted += 1
            mark.save()

    run_concurrently(*[advance] * THREADS)
    assert Watermark.objects.get().counted == THREADS * ROUNDS
