"""Stored media is deleted at Twilio where the policy says so, and kept if any check fails."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from mediapipe.lifecycle import delete_at_provider
from mediapipe.models import AccountHealth, Deletion, MediaItem
from mediapipe.models.outbox import DeliveryStatus
from mediapipe.simulator import Simulator, faults
from tasks.delete_at_twilio import delete_at_twilio
from tests.support import make
from tests.support.clock import later
from tests.support.deletion import delete_requests, reason, stored
from tests.support.fetching import announced, attempt, picture

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.database,
    pytest.mark.usefixtures("deletion_enabled"),
]


def test_a_picture_is_deleted_once_it_is_stored_and_verified(twilio: Simulator) -> None:
    item = stored(picture(twilio))
    assert delete_at_twilio() == 1
    script = twilio.state.find(item.identity)
    assert script is not None
    assert script.deleted
    assert (Deletion.objects.get().status, delete_requests(twilio, item)) == ("delivered", 1)


def test_a_recording_is_deleted_once_it_is_stored(twilio: Simulator) -> None:
    item = stored(announced(twilio.add_recording(account_sid=make.ACCOUNT)))
    assert delete_at_twilio() == 1
    assert delete_requests(twilio, item) == 1


def test_an_item_that_twilio_no_longer_has_counts_as_deleted(twilio: Simulator) -> None:
    item = stored(picture(twilio))
    script = twilio.state.find(item.identity)
    assert script is not None
    script.deleted = True
    assert delete_at_twilio() == 1
    assert reason() == "Twilio no longer had it."


def test_nothing_is_deleted_twice(twilio: Simulator) -> None:
    item = stored(picture(twilio))
    assert (delete_at_twilio(), delete_at_twilio()) == (1, 0)
    assert delete_requests(twilio, item) == 1


def test_nothing_is_deleted_with_the_policy_keep(twilio: Simulator, settings: Settings) -> None:
    settings.TWILIO_AFTER_STORING = "keep"
    stored(picture(twilio))
    assert not Deletion.objects.exists()


def test_the_policy_of_an_account_is_read_from_the_accounts_file(
    twilio: Simulator, settings: Settings, tmp_path: Path
) -> None:
    accounts = [
        {"account_sid": make.ACCOUNT, "auth_tokens": [make.TOKEN], "after_storing": "dry-run"}
    ]
    (tmp_path / "accounts.json").write_text(json.dumps(accounts))
    settings.TWILIO_ACCOUNT_SID = settings.TWILIO_AUTH_TOKEN = ""
    settings.TWILIO_ACCOUNTS_FILE = str(tmp_path / "accounts.json")
    stored(picture(twilio))
    delete_at_twilio()
    assert Deletion.objects.get().dry_run


def test_a_dry_run_checks_everything_and_deletes_nothing(
    twilio: Simulator, settings: Settings
) -> None:
    settings.TWILIO_AFTER_STORING = "dry-run"
    item = stored(picture(twilio))
    delete_at_twilio()
    assert reason() == delete_at_provider.DRY_RUN
    assert delete_requests(twilio, item) == 0


def test_an_item_is_not_deleted_before_the_configured_delay_has_passed(
    twilio: Simulator, settings: Settings
) -> None:
    settings.TWILIO_DELETE_AFTER_S = 3600.0
    item = stored(picture(twilio))
    with later(minutes=59):
        assert delete_at_twilio() == 0
    assert delete_requests(twilio, item) == 0
    with later(minutes=61):
        assert delete_at_twilio() == 1


def test_a_failed_item_is_not_deleted(twilio: Simulator) -> None:
    attempt(picture(twilio, faults=[faults.Status(401)]))
    assert not Deletion.objects.exists()


def pause(item: MediaItem, settings: Settings) -> None:
    AccountHealth.objects.create(account_sid=item.account_sid, paused_at=timezone.now())


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("delete_at_twilio", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_queues_items_stored_before_the_policy_was_set(
    twilio: Simulator, settings: Settings
) -> None:
    settings.TWILIO_AFTER_STORING = "keep"
    item = stored(picture(twilio))
    settings.TWILIO_AFTER_STORING = "delete"
    assert command("--dry-run").startswith("1 media item would be")
    assert not Deletion.objects.exists()
    assert command().startswith("1 media item queued")
    assert delete_at_twilio() == 1
    assert delete_requests(twilio, item) == 1


def test_the_command_queues_items_of_an_earlier_dry_run(
    twilio: Simulator, settings: Settings
) -> None:
    settings.TWILIO_AFTER_STORING = "dry-run"
    item = stored(picture(twilio))
    delete_at_twilio()
    settings.TWILIO_AFTER_STORING = "delete"
    command()
    assert delete_at_twilio() == 1
    assert delete_requests(twilio, item) == 1


def test_the_command_skips_deleted_items_and_accounts_that_keep(
    twilio: Simulator, settings: Settings
) -> None:
    stored(picture(twilio))
    delete_at_twilio()
    assert command().startswith("0 ")
    settings.TWILIO_AFTER_STORING = "keep"
    stored(picture(twilio))
    assert command().startswith("0 ")


def test_the_admin_shows_why_a_deletion_is_waiting(
    admin_client: Client, twilio: Simulator, settings: Settings
) -> None:
    pause(stored(picture(twilio)), settings)
    delete_at_twilio()
    deletion = Deletion.objects.get()
    assert deletion.status == DeliveryStatus.WAITING
    listed = admin_client.get(reverse("admin:mediapipe_deletion_changelist")).content.decode()
    page = admin_client.get(reverse("admin:mediapipe_deletion_change", args=[deletion.pk]))
    for shown in (listed, page.content.decode()):
        assert "The account is paused" in shown
