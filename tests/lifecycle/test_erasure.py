"""One person's media and payload are erased everywhere, and a receipt says what was erased."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core import serializers
from django.core.files.storage import storages
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse
from django_celery_results.models import TaskResult
from pytest_django import Settings

from mediapipe.lifecycle.hand_off import build_payload
from mediapipe.models import (
    BulkJob,
    Cause,
    HandOff,
    Incident,
    IncidentMedia,
    MediaItem,
    Observation,
    Status,
    WebhookEvent,
)
from mediapipe.operations import audit_log
from mediapipe.providers import twilio
from mediapipe.providers.base import WebhookRequest
from mediapipe.simulator import Simulator
from mediapipe.webhooks import spool
from mediapipe.webhooks.request import ReceivedWebhook
from tests.support import make
from tests.support.erasure import NUMBER, TEXT, forget, receive_picture, stored
from tests.support.fetching import stored_files

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("ada")]


def all_stored_data(settings: Settings) -> str:
    """Return every row of every table, and every file of spool and storage, as one text."""
    rows = [
        serializers.serialize("json", model._default_manager.all())
        for model in apps.get_models()
        if model._meta.app_label in {"mediapipe", "admin", "django_celery_results"}
    ]
    folders = (Path(settings.SPOOL_DIR), Path(settings.MEDIA_ROOT))
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return "\n".join([*rows, *(path.read_bytes().decode("latin-1") for path in files)])


def spooled(text: str) -> None:
    request = WebhookRequest("POST", "https://m.example/", {}, text.encode())
    spool.put(ReceivedWebhook(twilio, "messaging", datetime.now(UTC), request))


def test_a_message_is_erased_with_its_file_and_its_payload(
    twilio: Simulator, settings: Settings
) -> None:
    item = stored(twilio)
    receipt = forget("--message-sid", item.event.subject_sid)
    item.refresh_from_db()
    assert stored_files(settings) == []
    assert (item.status, item.storage_name, item.sha256) == (Status.STORED, "", "")
    assert item.purged_at is not None
    assert (item.event.parameters, item.event.sender, item.event.recipient) == ([], "", "")
    assert (receipt["media_items"], receipt["files"], receipt["not_erased"]) == (1, 1, [])
    assert receipt["events"][0]["subject_sid"] == item.event.subject_sid


def test_the_figures_of_an_erased_item_are_kept(twilio: Simulator) -> None:
    item = stored(twilio)
    before = (item.received_at, item.retrieved_at, item.size, item.delay_at_most_s)
    forget("--message-sid", item.event.subject_sid)
    item.refresh_from_db()
    assert (item.received_at, item.retrieved_at, item.size, item.delay_at_most_s) == before


def test_a_persons_number_and_text_are_erased_from_every_table_and_file(
    twilio: Simulator, settings: Settings, ada: User
) -> None:
    settings.HANDOFF_WEBHOOK_URL = "https://crm.example/"
    item = stored(twilio)
    hand_off_row = HandOff.objects.get()
    hand_off_row.snapshot_payload(build_payload(hand_off_row))
    sha256 = item.sha256
    repeat = (*item.event.parameters, ["SmsStatus", "received"])
    make.event(
        make.message(subject_sid=item.event.subject_sid, sender=NUMBER, parameters=repeat, media=())
    )
    spooled(f"MessageSid={make.sid('MM')}&From=%2B15550007788&Body={TEXT}")
    audit_log.log_action(ada, f"search: {NUMBER}", f"Exported 1 media item: {NUMBER}.")
    BulkJob.create([], by=ada, chosen="search: +1 (555) 000-7788")
    TaskResult.objects.create(task_id="t1", result=json.dumps(TEXT))
    item.attempt_set.update(task_id="t1")
    assert all(word in all_stored_data(settings) for word in ("5550007788", TEXT, sha256))
    receipt = forget("--number", NUMBER)
    left = all_stored_data(settings)
    for word in ("15550007788", "000-7788", TEXT, sha256):
        assert word not in left
    counted = {
        "files": 1,
        "repeated_webhooks": 1,
        "hand_offs": 1,
        "task_results": 1,
        "spooled_webhooks": 1,
        "log_entries": 1,
        "retry_jobs": 1,
    }
    assert {name: receipt[name] for name in counted} == counted
    assert "5550007788" not in json.dumps(receipt)


def test_data_of_other_people_is_not_erased(twilio: Simulator, settings: Settings) -> None:
    other = make.media(make.message(sender="+15550007789"))
    longer = make.media(make.message(sender="+155500077881"))
    abroad = make.media(make.message(sender="+4915550007788"))
    sid = "MM" + "15550007788".rjust(32, "a")
    by_chance = make.media(make.message(parameters=(("MessageSid", sid),)))
    spooled("MessageSid=MM1&From=%2B15550007789")
    stored(twilio)
    forget("--number", NUMBER)
    assert len(spool.waiting()) == 1
    for item in (other, longer, abroad, by_chance):
        item.refresh_from_db()
        assert item.status == Status.QUEUED
        assert item.event.parameters != []


@pytest.mark.parametrize("sender", [f"whatsapp:{NUMBER}", NUMBER[1:], f"rcs:{NUMBER}"])
def test_a_number_is_found_with_or_without_a_channel_prefix(sender: str) -> None:
    item = make.media(make.message(sender=sender))
    forget("--number", "+1 555 000 7788")
    item.refresh_from_db()
    assert item.event.sender == ""


USER_ID = "BR.AbCdEfGh01234xyz"


@pytest.mark.parametrize(
    ("target", "sender"),
    [
        ("US.13491208655302741918", "whatsapp:US.13491208655302741918"),
        (f"whatsapp:{USER_ID}", f"whatsapp:{USER_ID}"),
        (f"US.{'a1' * 64}", f"whatsapp:US.{'a1' * 64}"),
        ("messenger:1234567890", "messenger:1234567890"),
        ("1234567890", "messenger:1234567890"),
        ("ada+x@example.com", "Ada+x@example.com"),
        ("client:alice", "client:alice"),
        ("rcs:acme_agent", "rcs:acme_agent"),
    ],
)
@pytest.mark.parametrize("option", ["--number", "--sender"])
def test_a_sender_without_a_number_is_erased_by_its_address(
    option: str, target: str, sender: str, settings: Settings
) -> None:
    spooled(urlencode({"MessageSid": make.sid("MM"), "Body": "hi", "From": sender}))
    make.media(make.message(sender=sender, parameters=(("Author", sender), ("Body", TEXT))))
    receipt = forget(option, target)
    assert (len(receipt["events"]), receipt["spooled_webhooks"]) == (1, 1)
    left = all_stored_data(settings) + json.dumps(receipt)
    for word in (TEXT, sender, target):
        assert word not in left


def test_a_user_id_is_found_in_the_parameters_of_a_message_from_a_number() -> None:
    parent = "US.ENT.11815799212886844830"
    url = f"https://m.example/?ParentExternalUserId=whatsapp%3A{parent}&x=y"
    for name, value in (("ParentExternalUserId", f"whatsapp:{parent}"), ("ErrorUrl", url)):
        make.media(make.message(parameters=((name, value),)))
    assert len(forget("--number", parent)["events"]) == 2


@pytest.mark.parametrize(
    ("target", "other"),
    [
        (USER_ID, f"whatsapp:{USER_ID}1"),
        (USER_ID, f"whatsapp:{USER_ID.swapcase()}"),
        ("ada@example.com", "x.ada@example.com"),
        ("ada@example.com", "ada@example.com.au"),
        ("client:alice", "client:alice_2"),
        ("client:alice", "client:alice@example.com"),
    ],
)
def test_a_similar_address_of_another_sender_is_not_erased(target: str, other: str) -> None:
    item = make.media(make.message(sender=other, parameters=(("From", other),)))
    spooled(urlencode({"From": other, "MessageSid": "MM1"}))
    assert forget("--sender", target)["events"] == []
    item.event.refresh_from_db()
    assert item.event.sender == other
    assert len(spool.waiting()) == 1


def test_a_search_for_an_address_is_erased_from_the_logs(ada: User) -> None:
    audit_log.log_action(ada, "search", f"Exported 1 media item: search whatsapp:{USER_ID}.")
    BulkJob.create([], by=ada, chosen=f"search {USER_ID}")
    receipt = forget("--sender", USER_ID)
    assert (receipt["log_entries"], receipt["retry_jobs"]) == (1, 1)
    assert USER_ID not in f"{BulkJob.objects.get().chosen}{list(LogEntry.objects.values())}"


def test_a_number_is_found_in_any_parameter() -> None:
    item = make.media(make.message(sender="", parameters=(("ForwardedFrom", NUMBER),)))
    forget("--number", NUMBER)
    item.refresh_from_db()
    assert item.event.parameters == []


def test_a_call_is_erased_with_its_recordings() -> None:
    item = make.media(make.recording())
    receipt = forget("--call-sid", item.event.call_sid)
    assert [event["subject_sid"] for event in receipt["events"]] == [item.event.subject_sid]


def test_the_admin_pages_show_that_the_data_was_deleted_on_request(
    twilio: Simulator, admin_client: Client
) -> None:
    item = stored(twilio)
    forget("--number", NUMBER)
    for kind, pk in (("mediaitem", item.pk), ("webhookevent", item.event_id)):
        page = admin_client.get(reverse(f"admin:mediapipe_{kind}_change", args=[pk]))
        shown = page.content.decode()
        assert "eleted on request, " in shown
        assert "by retention" not in shown


def test_an_item_claimed_by_a_worker_is_reported_and_erased_by_a_second_run(
    twilio: Simulator, settings: Settings
) -> None:
    item = receive_picture(twilio)
    claimed = MediaItem.claim(item.pk)
    assert claimed is not None
    with pytest.raises(CommandError, match="run this again"):
        forget("--number", NUMBER)
    assert NUMBER in WebhookEvent.objects.get().sender
    assert forget("--number", NUMBER)["not_erased"] == []
    assert WebhookEvent.objects.get().sender == ""


def test_a_failing_storage_is_reported_and_the_payload_kept_until_the_next_run(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(name: str) -> None:
        raise PermissionError

    item = stored(twilio)
    with monkeypatch.context() as patch, pytest.raises(CommandError):
        patch.setattr(storages["media"], "delete", read_only)
        forget("--number", NUMBER)
    item.event.refresh_from_db()
    assert item.event.sender == NUMBER
    assert forget("--number", NUMBER)["not_erased"] == []


def test_incidents_keep_their_counts(twilio: Simulator) -> None:
    item = stored(twilio)
    observation = Observation(1.0, 1.0, "1 of 1", MediaItem.objects.filter(pk=item.pk))
    Incident.open_or_update(Cause.EARLY_404S, make.ACCOUNT, observation)
    receipt = forget("--number", NUMBER)
    assert IncidentMedia.objects.count() == 1
    assert receipt["kept"]["incidents_that_count_them"] == 1


def test_the_receipt_counts_media_that_twilio_may_still_have(twilio: Simulator) -> None:
    stored(twilio)
    assert forget("--number", NUMBER)["kept"]["media_items_that_twilio_may_still_have"] == 1
