"""The list of deliveries to apps, and sending again what an app did not accept."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from mediapipe.models import AttemptResult, GatewayDelivery, GatewayStatus, MediaItem
from mediapipe.operations import roles
from mediapipe.simulator.payloads import Webhook
from tests.support import gateway
from tests.support.admin import client_with_role
from tests.support.webhooks import mms, send

pytestmark = [pytest.mark.django_db, pytest.mark.database]

LIST = reverse("admin:mediapipe_gatewaydelivery_changelist")


@pytest.fixture(autouse=True)
def tasks(
    settings: Settings, tmp_path: Path, published: list[int], monkeypatch: pytest.MonkeyPatch
) -> list[int]:
    """Put an app behind the gateway, and collect the ids of the deliveries that are published."""
    gateway.configure(settings, tmp_path, {"answer": "empty", "media": "leave"})
    ids: list[int] = []
    monkeypatch.setattr("mediapipe.gateway.dispatch.publish", lambda new, gap_s=0.0: None)
    monkeypatch.setattr("mediapipe.admin.deliveries.publish", ids.extend)
    return ids


def ended(status: GatewayStatus = GatewayStatus.REFUSED, webhook: Webhook | None = None) -> int:
    send(webhook or mms())
    delivery = GatewayDelivery.objects.latest("pk")
    assert delivery.claim()
    delivery.finish(status, AttemptResult("The app responded with 403.", 403))
    return delivery.pk


def change_page(pk: int) -> str:
    return reverse("admin:mediapipe_gatewaydelivery_change", args=[pk])


def send_again_url(pk: int) -> str:
    return reverse("admin:mediapipe_gatewaydelivery_send_again", args=[pk])


def states() -> list[str]:
    return list(GatewayDelivery.objects.order_by("pk").values_list("status", flat=True))


def send_selected(client: Client, *pks: int, **fields: str) -> None:
    selected = {"action": "send_again", "_selected_action": list(pks), **fields}
    assert client.post(LIST, selected).status_code == 302


def test_the_list_shows_app_status_response_and_media_of_a_delivery() -> None:
    ended()
    page = client_with_role(roles.VIEWER).get(LIST).content.decode()
    for text in ("bot", "refused", "The app responded with 403.", "1 queued"):
        assert text in page


def test_no_page_shows_the_request() -> None:
    webhook = mms().changed(Body="a private text")
    pk = ended(webhook=webhook)
    client = client_with_role(roles.ADMINISTRATOR)
    for page in (LIST, change_page(pk)):
        text = client.get(page).content.decode()
        assert "a private text" not in text
        assert GatewayDelivery.objects.get().request not in text


def test_one_delivery_is_sent_again_at_once(tasks: list[int]) -> None:
    pk = ended()
    client = client_with_role(roles.SUPPORT)
    assert send_again_url(pk) in client.get(change_page(pk)).content.decode()
    client.post(send_again_url(pk))
    assert (states(), tasks) == (["waiting"], [pk])
    assert LogEntry.objects.get().change_message == "Sent again."


def test_only_the_selected_deliveries_are_sent_again() -> None:
    first, _ = ended(), ended()
    send_selected(client_with_role(roles.SUPPORT), first)
    assert states() == ["waiting", "refused"]


def test_all_deliveries_that_match_the_filters_are_sent_again() -> None:
    first = ended()
    ended(GatewayStatus.UNKNOWN)
    ended()
    client = client_with_role(roles.SUPPORT)
    selected = {"action": "send_again", "_selected_action": [first], "select_across": "1"}
    client.post(f"{LIST}?status__exact=refused", selected)
    assert states() == ["waiting", "unknown", "waiting"]


def test_a_delivered_message_cannot_be_sent_again(tasks: list[int]) -> None:
    pk = ended(GatewayStatus.DELIVERED)
    client = client_with_role(roles.SUPPORT)
    assert send_again_url(pk) not in client.get(change_page(pk)).content.decode()
    client.post(send_again_url(pk))
    assert (states(), tasks) == (["delivered"], [])


def test_a_viewer_cannot_send_a_delivery_again() -> None:
    pk = ended()
    client = client_with_role(roles.VIEWER)
    assert send_again_url(pk) not in client.get(change_page(pk)).content.decode()
    assert client.post(send_again_url(pk)).status_code == 403
    assert states() == ["refused"]


def test_the_page_of_a_media_item_shows_its_deliveries() -> None:
    pk = ended()
    media = reverse("admin:mediapipe_mediaitem_change", args=[MediaItem.objects.get().pk])
    assert change_page(pk) in client_with_role(roles.VIEWER).get(media).content.decode()


def test_the_overview_counts_undelivered_messages() -> None:
    ended()
    client = client_with_role(roles.VIEWER)
    index = reverse("admin:index")
    assert "1 message not delivered" in client.get(index).content.decode()
    GatewayDelivery.objects.update(request="")
    assert "all messages delivered" in client.get(index).content.decode()
