"""Finished media items are handed off at least once, until the receiver accepts them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import transaction
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from standardwebhooks import Webhook

from mediapipe.failures import StorageFailed, Unauthorized, Undelivered
from mediapipe.fetching.attempt import conclude
from mediapipe.lifecycle import hand_off as handing
from mediapipe.lifecycle.export import media_document
from mediapipe.models import HandOff, MediaItem
from mediapipe.models.hand_offs import UNCONFIRMED_AFTER
from mediapipe.models.outbox import DeliveryStatus
from mediapipe.operations import roles
from mediapipe.providers.base import Evidence
from mediapipe.simulator import Simulator
from tasks.fetch_media import fetch_media
from tasks.hand_off import confirm, hand_off
from tests.support import make
from tests.support.clock import later
from tests.support.fetching import picture
from tests.support.notifications import NOWHERE, SECRET
from tests.support.receivers import FakeServer, web_server

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def receiver(settings: Settings) -> Iterator[FakeServer]:
    """Run a web server that accepts everything, and make it the receiver of all hand-offs."""
    with web_server() as server:
        configure(settings, server.url)
        yield server


@pytest.fixture
def task(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[HandOff]:
    """Hand off stored items to a task, and collect the messages published for it."""
    messages: list[HandOff] = []
    settings.ON_STORED_TASK = "crm.tasks.archive"
    monkeypatch.setattr(handing, "publish_task", messages.append)
    return messages


def configure(settings: Settings, url: str) -> None:
    settings.HANDOFF_WEBHOOK_URL, settings.HANDOFF_WEBHOOK_SECRETS = url, [SECRET]


def failed() -> MediaItem:
    item = make.claimed()
    conclude(item, Unauthorized(), Evidence())
    return item


def test_the_stock_verifier_accepts_a_webhook(receiver: FakeServer) -> None:
    item = make.store(make.claimed())
    assert hand_off() == 1
    ((_, headers, body),) = receiver.requests
    message: Any = Webhook(SECRET).verify(body, headers)
    item.refresh_from_db()
    assert (message["type"], message["data"]) == ("media.stored", media_document(item))
    assert headers["webhook-id"] == HandOff.objects.get().key


def test_a_failure_is_sent_with_its_reason(receiver: FakeServer) -> None:
    failed()
    hand_off()
    message = json.loads(receiver.requests[0].body)
    assert (message["type"], message["data"]["error"]) == ("media.failed", "unauthorized")


def test_a_delivered_hand_off_is_not_sent_again(receiver: FakeServer) -> None:
    make.store(make.claimed())
    assert (hand_off(), hand_off()) == (1, 0)
    assert len(receiver.requests) == 1


def test_no_hand_off_is_enqueued_without_a_receiver() -> None:
    make.store(make.claimed())
    assert not HandOff.objects.exists()


def test_no_hand_off_is_enqueued_for_an_item_that_will_be_retried(receiver: FakeServer) -> None:
    conclude(make.claimed(), StorageFailed(), Evidence())
    assert not HandOff.objects.exists()


def test_a_hand_off_is_enqueued_in_the_transaction_that_ends_the_item(receiver: FakeServer) -> None:
    item = make.claimed()
    with pytest.raises(RuntimeError), transaction.atomic():
        make.store(item)
        raise RuntimeError
    assert not HandOff.objects.exists()


def test_a_retry_sends_the_same_message_with_the_same_id(settings: Settings) -> None:
    with web_server(503, 200) as receiver:
        configure(settings, receiver.url)
        make.store(make.claimed())
        hand_off()
        with later(minutes=1):
            hand_off()
    sent = {(headers["webhook-id"], body) for _, headers, body in receiver.requests}
    assert (len(receiver.requests), len(sent)) == (2, 1)
    assert HandOff.objects.get().status == DeliveryStatus.DELIVERED


def test_an_unreachable_receiver_is_contacted_only_once_per_run(settings: Settings) -> None:
    configure(settings, NOWHERE)
    for _ in range(3):
        make.store(make.claimed())
    assert hand_off() == 1
    assert HandOff.objects.pending().count() == 3


def test_a_refused_message_does_not_block_other_messages(settings: Settings) -> None:
    with web_server(400, 200) as receiver:
        configure(settings, receiver.url)
        for _ in range(2):
            make.store(make.claimed())
        assert hand_off() == 2
    assert sorted(HandOff.objects.values_list("status", flat=True)) == ["delivered", "failed"]


def test_an_unreachable_webhook_does_not_block_the_task(
    task: list[HandOff], settings: Settings
) -> None:
    configure(settings, NOWHERE)
    make.store(make.claimed())
    hand_off()
    assert len(task) == 1


def test_a_failure_is_not_sent_if_the_item_was_retried_meanwhile(receiver: FakeServer) -> None:
    item = failed()
    MediaItem.objects.filter(pk=item.pk).retry()
    hand_off()
    assert receiver.requests == []
    assert "retried before" in HandOff.objects.get().delivery_log[-1].result


def test_a_task_receives_only_stored_items(task: list[HandOff]) -> None:
    failed()
    item = make.store(make.claimed())
    hand_off()
    (message,) = task
    assert message.payload is not None
    assert message.payload["data"]["id"] == item.pk


def test_the_worker_that_stored_the_item_publishes_the_task_at_once(
    twilio: Simulator, task: list[HandOff]
) -> None:
    item = picture(twilio)
    fetch_media.apply(kwargs={"media_id": item.pk}, throw=True)
    assert [message.media_id for message in task] == [item.pk]
    assert hand_off() == 0


def test_an_item_is_stored_if_publishing_fails_and_the_next_run_publishes_it(
    twilio: Simulator, task: list[HandOff], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(hand_off: HandOff) -> None:
        raise Undelivered("The broker did not accept the message.", again=True)

    item = picture(twilio)
    with monkeypatch.context() as patch:
        patch.setattr(handing, "publish_task", fail)
        fetch_media.apply(kwargs={"media_id": item.pk}, throw=True)
    with later(minutes=1):
        assert hand_off() == 1
    assert [message.media_id for message in task] == [item.pk]


def test_an_exception_in_the_hand_off_does_not_affect_the_item(
    twilio: Simulator, task: list[HandOff], monkeypatch: pytest.MonkeyPatch
) -> None:
    item = picture(twilio)
    with monkeypatch.context() as patch:
        patch.setattr(handing, "publish_task", None)
        assert fetch_media.apply(kwargs={"media_id": item.pk}, throw=True).get() == "stored"
    # The hand-off's lease has to expire first.
    with later(minutes=5):
        assert hand_off() == 1


def test_a_webhook_is_sent_by_the_next_run_and_not_by_the_fetching_worker(
    twilio: Simulator, receiver: FakeServer
) -> None:
    fetch_media.apply(kwargs={"media_id": picture(twilio).pk}, throw=True)
    assert receiver.requests == []
    assert hand_off() == 1


def test_an_unconfirmed_task_is_sent_again_with_the_same_key(task: list[HandOff]) -> None:
    make.store(make.claimed())
    hand_off()
    with later(seconds=UNCONFIRMED_AFTER.total_seconds() - 10):
        assert hand_off() == 0
    with later(seconds=UNCONFIRMED_AFTER.total_seconds() * 2):
        assert hand_off() == 1
    assert len(task) == 2
    assert len({message.key for message in task}) == 1


def test_a_confirmed_task_is_not_sent_again(task: list[HandOff]) -> None:
    make.store(make.claimed())
    hand_off()
    message_id = str(HandOff.objects.get().message_id)
    assert confirm(message_id=message_id)
    assert not confirm(message_id=message_id)
    with later(days=1):
        assert hand_off() == 0
    assert HandOff.objects.get().status == DeliveryStatus.DELIVERED


def test_a_webhook_url_without_a_secret_is_refused_by_the_system_check(settings: Settings) -> None:
    settings.HANDOFF_WEBHOOK_URL, settings.HANDOFF_WEBHOOK_SECRETS = NOWHERE, []
    with pytest.raises(SystemCheckError, match="HANDOFF_WEBHOOK_SECRET is not"):
        call_command("check", stderr=StringIO())


def test_the_admin_shows_each_attempt(admin_client: Client, receiver: FakeServer) -> None:
    make.store(make.claimed())
    hand_off()
    handed = HandOff.objects.get()
    page = admin_client.get(reverse("admin:mediapipe_handoff_change", args=[handed.pk]))
    assert handed.key in page.content.decode()
    for shown in (page, admin_client.get(reverse("admin:mediapipe_handoff_changelist"))):
        assert handed.delivery_log[0].result in shown.content.decode()


def retry_failed(client: Client, handed: HandOff) -> None:
    data = {"action": "retry_failed", "_selected_action": [handed.pk]}
    client.post(reverse("admin:mediapipe_handoff_changelist"), data)
    handed.refresh_from_db()


@pytest.mark.parametrize(("role", "status"), [("Viewer", "failed"), ("Support", "waiting")])
def test_only_a_user_who_may_retry_can_resend_failed_hand_offs(
    client: Client, settings: Settings, role: str, status: str
) -> None:
    with web_server(400) as receiver:
        configure(settings, receiver.url)
        make.store(make.claimed())
        hand_off()
    user = User.objects.create_user("ada")
    roles.assign(user, role)
    client.force_login(user)
    handed = HandOff.objects.get()
    retry_failed(client, handed)
    assert handed.status == status


def test_a_hand_off_that_is_erased_while_it_is_claimed_is_not_sent(
    task: list[HandOff], monkeypatch: pytest.MonkeyPatch
) -> None:
    make.store(make.claimed())
    (pk,) = HandOff.objects.values_list("pk", flat=True)
    update = QuerySet.update

    def update_and_erase(rows: QuerySet[Any], **changes: Any) -> int:
        done = update(rows, **changes)
        HandOff.objects.all().delete()
        return done

    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "update", update_and_erase)
        assert HandOff.claim(pk) is None


def test_a_hand_off_that_is_erased_while_it_is_built_is_not_sent(
    task: list[HandOff], caplog: pytest.LogCaptureFixture
) -> None:
    make.store(make.claimed())
    claimed = HandOff.claim(HandOff.objects.get().pk)
    assert claimed is not None
    HandOff.objects.all().delete()
    assert handing.deliver(claimed)
    assert (task, "erased" in caplog.text) == ([], True)
