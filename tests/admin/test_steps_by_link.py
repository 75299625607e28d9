"""A step whose address is opened as a link changes nothing, and leads to the page with its button.

A browser opens it so after the login, if the session expired before the button was pressed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from mediapipe.models import Cause, GatewayDelivery, Incident
from mediapipe.operations import roles
from tests.support import make
from tests.support.admin import client_with_role, text_of

pytestmark = pytest.mark.django_db

NOT_CHANGED = "Nothing was changed yet: press the button again."


def incident() -> int:
    opened = Incident.open_or_update(Cause.CREDENTIALS, make.ACCOUNT)
    assert opened
    return opened.pk


def delivery() -> int:
    now = datetime.now(UTC)
    times = {"hold_until": now, "received_at": now, "sweep_at": now}
    event = make.event()
    row = GatewayDelivery(event=event, entry="app", holds_for_media=True, **times)
    row.save()
    return row.pk


def open_step(step: str, *args: Any) -> Any:
    return client_with_role(roles.SUPPORT).get(reverse(f"admin:{step}", args=args), follow=True)


def redirected_without_change(answer: Any, page: str, *args: Any) -> bool:
    """Return whether the answer is this page with the message, and nothing was logged as done."""
    path = reverse(f"admin:{page}", args=args)
    assert answer.redirect_chain[-1:] == [(path, 302)]
    return NOT_CHANGED in text_of(answer) and not LogEntry.objects.exists()


def test_a_retry_by_link_redirects_to_its_item() -> None:
    pk = make.media().pk
    answer = open_step("mediapipe_mediaitem_retry", pk)
    assert redirected_without_change(answer, "mediapipe_mediaitem_change", pk)


def test_an_incident_step_by_link_redirects_to_the_incident() -> None:
    pk = incident()
    answer = open_step("mediapipe_incident_step", pk, "resolve")
    assert redirected_without_change(answer, "mediapipe_incident_change", pk)


def test_sending_a_message_again_by_link_redirects_to_its_delivery() -> None:
    pk = delivery()
    answer = open_step("mediapipe_gatewaydelivery_send_again", pk)
    assert redirected_without_change(answer, "mediapipe_gatewaydelivery_change", pk)


def test_resuming_an_account_by_link_redirects_to_the_list_of_accounts() -> None:
    assert redirected_without_change(
        open_step("resume_account"), "mediapipe_accounthealth_changelist"
    )


def test_reading_the_urls_at_twilio_by_link_redirects_to_the_webhook_setup() -> None:
    assert redirected_without_change(
        open_step("refresh_webhook_routes"), "mediapipe_webhookroute_changelist"
    )


@pytest.mark.usefixtures("admin_user")
def test_a_button_pressed_without_a_session_redirects_to_its_page_after_login(
    client: Client,
) -> None:
    pk = make.media().pk
    login = client.post(reverse("admin:mediapipe_mediaitem_retry", args=[pk]))["Location"]
    name_and_password = {"username": "admin", "password": "password"}
    answer = client.post(login, name_and_password, follow=True)
    assert redirected_without_change(answer, "mediapipe_mediaitem_change", pk)


@pytest.mark.parametrize("role", roles.ROLES)
def test_an_unknown_step_of_an_incident_is_not_found(role: str) -> None:
    url = reverse("admin:mediapipe_incident_step", args=[incident(), "package"])
    assert client_with_role(role).get(url).status_code == 404
