from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from mediapipe.failures import FinalFailure, TooLarge, Unauthorized
from mediapipe.models import MediaItem, Status
from mediapipe.providers.base import Evidence
from tests.support import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def dispatched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collect the ids of the items that are published."""
    ids: list[int] = []
    monkeypatch.setattr(
        "mediapipe.management.commands.retry.dispatch", lambda new, queue: ids.extend(new)
    )
    return ids


def failed(failure: FinalFailure) -> MediaItem:
    item = make.claimed()
    item.mark_failed(failure, Evidence())
    return item


def retry(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("retry", *arguments)
    return capsys.readouterr().out.strip()


def test_failed_items_are_retried_with_a_fresh_schedule(
    capsys: pytest.CaptureFixture[str], dispatched: list[int]
) -> None:
    item = failed(Unauthorized())
    assert retry(capsys) == "1 media item queued for retry."
    item.refresh_from_db()
    assert (item.status, item.error, item.fast_retries) == (Status.QUEUED, "", {})
    assert item.budget_started_at is None
    assert dispatched == [item.pk]


def test_earlier_attempts_stay_on_record(capsys: pytest.CaptureFixture[str]) -> None:
    item = failed(Unauthorized())
    retry(capsys)
    again = MediaItem.claim(item.pk)
    assert again is not None
    assert [row.number for row in again.attempt_set.all()] == [1, 2]


def test_only_items_with_the_requested_error_are_retried(
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused, large = failed(Unauthorized()), failed(TooLarge())
    retry(capsys, "--error", "too_large")
    assert MediaItem.objects.failed().get() == refused
    assert MediaItem.objects.queued().get() == large


def test_a_dry_run_counts_and_changes_nothing(
    capsys: pytest.CaptureFixture[str], dispatched: list[int]
) -> None:
    failed(Unauthorized())
    output = retry(capsys, "--dry-run")
    assert output == "1 media item would be retried."
    assert MediaItem.objects.failed().count() == 1
    assert dispatched == []


def test_a_second_run_finds_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    failed(Unauthorized())
    retry(capsys)
    assert retry(capsys) == "0 media items queued for retry."


def test_items_received_before_the_period_are_not_retried(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failed(Unauthorized())
    MediaItem.objects.update(received_at=timezone.now() - timedelta(hours=2))
    assert retry(capsys, "--since", "1h").startswith("0 ")


def test_a_stored_item_is_never_retried(capsys: pytest.CaptureFixture[str]) -> None:
    item = failed(Unauthorized())
    MediaItem.objects.update(status=Status.STORED)
    retry(capsys)
    item.refresh_from_db()
    assert item.status == Status.STORED
