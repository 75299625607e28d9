"""Twilio's copy is kept while there is any reason not to delete it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.utils import timezone
from pytest_django import Settings

from mediapipe.fetching import storage
from mediapipe.models import (
    AccountHealth,
    AttemptResult,
    Deletion,
    GatewayDelivery,
    GatewayStatus,
    HandOff,
    MediaItem,
    Status,
)
from mediapipe.simulator import Simulator, faults
from tasks.delete_at_twilio import delete_at_twilio
from tests.support.clock import later
from tests.support.deletion import delete_requests, reason, stored
from tests.support.fetching import picture

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.database,
    pytest.mark.usefixtures("deletion_enabled"),
]

FailCheck = Callable[[MediaItem, Settings], object]


def path_of(item: MediaItem, settings: Settings) -> Path:
    return Path(settings.MEDIA_ROOT) / item.storage_name


def change(**changes: Any) -> FailCheck:
    return lambda item, settings: MediaItem.objects.update(**changes)


def overwrite(body: bytes) -> FailCheck:
    return lambda item, settings: path_of(item, settings).write_bytes(body)


def flip_one_byte(item: MediaItem, settings: Settings) -> None:
    body = bytearray(path_of(item, settings).read_bytes())
    body[-1] ^= 1
    path_of(item, settings).write_bytes(body)


def hand_off(status: str) -> FailCheck:
    return lambda item, settings: HandOff.objects.create(
        media=item, receiver="webhook", ending="media.stored", status=status
    )


def pause(item: MediaItem, settings: Settings) -> None:
    AccountHealth.objects.create(account_sid=item.account_sid, paused_at=timezone.now())


@pytest.mark.parametrize(
    ("fail_check", "expected_reason", "retried"),
    [
        (change(status=Status.FAILED), "failed, not stored", False),
        (change(status=Status.ABSENT), "absent, not stored", False),
        (change(status=Status.QUEUED), "being retried", True),
        (change(status=Status.FETCHING), "being retried", True),
        (change(status=Status.RETRYING), "being retried", True),
        (change(size=1), "bytes, not 1", False),
        (change(size=None), "are unknown", False),
        (change(sha256="0" * 64), "SHA-256 of the stored file differs", False),
        (change(sha256=""), "are unknown", False),
        (change(purged_at=timezone.now()), "file was deleted", False),
        (change(storage_name=""), "file was deleted", False),
        (overwrite(b""), "has 0 bytes", False),
        (overwrite(b"x" * 10), "has 10 bytes", False),
        (flip_one_byte, "SHA-256 of the stored file differs", False),
        (
            lambda item, settings: path_of(item, settings).unlink(),
            "missing from",
            False,
        ),
        (pause, "account is paused", True),
        (hand_off("waiting"), "has taken the item", True),
        (hand_off("failed"), "has taken the item", True),
        (
            lambda item, settings: setattr(settings, "TWILIO_AFTER_STORING", "keep"),
            "no longer allows it",
            False,
        ),
        (
            lambda item, settings: setattr(settings, "TWILIO_AUTH_TOKEN", ""),
            "config_missing",
            True,
        ),
        (change(media_url="https://evil.example/x"), "address_refused", False),
    ],
)
def test_twilios_copy_is_kept_if_any_check_fails(
    twilio: Simulator,
    settings: Settings,
    fail_check: FailCheck,
    expected_reason: str,
    retried: bool,
) -> None:
    item = stored(picture(twilio))
    fail_check(item, settings)
    assert delete_at_twilio() == 0
    assert expected_reason in reason()
    assert delete_requests(twilio, item) == 0
    assert Deletion.objects.pending().exists() is retried


def test_twilios_copy_is_kept_while_the_storage_cannot_be_read(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise ConnectionError

    item = stored(picture(twilio))
    monkeypatch.setattr(storages["media"], "open", fail)
    assert delete_at_twilio() == 0
    assert (reason(), delete_requests(twilio, item)) == (
        "The storage cannot be read: ConnectionError.",
        0,
    )
    assert Deletion.objects.pending().exists()


@pytest.mark.parametrize(
    ("changes", "expected_reason"),
    [
        ({"status": Status.QUEUED}, "being retried"),
        ({"storage_name": "another"}, "changed while its file was read"),
        ({"purged_at": timezone.now()}, "file was deleted"),
    ],
)
def test_twilios_copy_is_kept_if_the_item_changes_while_its_file_is_read(
    twilio: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    expected_reason: str,
) -> None:
    item = stored(picture(twilio))
    read_size_and_hash = storage.read_size_and_hash

    def change_and_read(name: str) -> tuple[int, str]:
        MediaItem.objects.update(**changes)
        return read_size_and_hash(name)

    monkeypatch.setattr(storage, "read_size_and_hash", change_and_read)
    assert delete_at_twilio() == 0
    assert expected_reason in reason()
    assert delete_requests(twilio, item) == 0


def test_a_worker_that_lost_its_claim_while_reading_deletes_nothing(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = stored(picture(twilio))
    read_size_and_hash = storage.read_size_and_hash

    def take_over_and_read(name: str) -> tuple[int, str]:
        Deletion.objects.update(attempts=2)
        return read_size_and_hash(name)

    monkeypatch.setattr(storage, "read_size_and_hash", take_over_and_read)
    assert delete_at_twilio() == 0
    assert delete_requests(twilio, item) == 0


@pytest.mark.parametrize(
    ("fault", "expected_reason", "retried"),
    [
        (faults.Status(429, "7"), "Twilio responded with 429", True),
        (faults.Status(503), "Twilio responded with 503", True),
        (faults.Reset(), "connection_failed", True),
        (faults.Status(401), "Twilio responded with 401", False),
        (faults.Status(403), "Twilio responded with 403", False),
    ],
    ids=repr,
)
def test_a_failed_deletion_is_logged_and_retried_if_a_retry_may_help(
    twilio: Simulator, fault: faults.Fault, expected_reason: str, retried: bool
) -> None:
    item = stored(picture(twilio))
    script = twilio.state.find(item.identity)
    assert script is not None
    script.faults = [fault]
    assert delete_at_twilio() == 0
    assert expected_reason in reason()
    assert Deletion.objects.pending().exists() is retried


def test_a_deletion_resumes_once_the_account_is_no_longer_paused(
    twilio: Simulator, settings: Settings
) -> None:
    item = stored(picture(twilio))
    pause(item, settings)
    delete_at_twilio()
    AccountHealth.objects.all().delete()
    with later(hours=1):
        assert delete_at_twilio() == 1
    assert delete_requests(twilio, item) == 1


def test_media_is_not_deleted_before_the_app_behind_the_gateway_has_its_message(
    twilio: Simulator,
) -> None:
    item = stored(picture(twilio))
    now = timezone.now()
    delivery = GatewayDelivery(
        event=item.event,
        entry="desk",
        holds_for_media=False,
        hold_until=now,
        received_at=now,
        next_attempt_at=now,
        sweep_at=now,
    )
    delivery.seal({"body": ""})
    delivery.save()
    assert delete_at_twilio() == 0
    assert reason() == "Not every app has taken the message yet."
    assert delivery.claim()
    delivery.finish(GatewayStatus.DELIVERED, AttemptResult(""))
    with later(hours=1):
        assert delete_at_twilio() == 1
