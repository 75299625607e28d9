"""An error in the admin has a page that says what to do and links back; others stay plain."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mediapipe.admin.media import MediaItemAdmin
from mediapipe.operations import roles
from tests.support import make
from tests.support.admin import client_with_role

pytestmark = [pytest.mark.django_db, pytest.mark.database]

ITEM = "admin:mediapipe_mediaitem_change"
OVERVIEW_LINK = '<a class="button" href="/admin/">Overview</a>'


def test_the_error_page_names_the_row_that_does_not_exist(admin_client: Client) -> None:
    response = admin_client.get(reverse(ITEM, args=[4711]))
    assert response.status_code == 404
    html = response.content.decode()
    assert "There is no media item with the number 4711." in html
    assert OVERVIEW_LINK in html


def test_the_error_page_of_a_wrong_address_shows_no_django_details(admin_client: Client) -> None:
    html = admin_client.get("/admin/nothing/").content.decode()
    assert OVERVIEW_LINK in html
    assert "tried" not in html


def test_a_user_without_permission_sees_their_role_and_is_referred_to_an_administrator() -> None:
    response = client_with_role(roles.VIEWER).get(reverse("admin:mediapipe_mediaitem_retry_all"))
    assert response.status_code == 403
    html = response.content.decode()
    assert "with the role Viewer." in html
    assert "Ask an administrator for another role" in html


def test_a_user_without_a_role_sees_that_they_have_none(client: Client) -> None:
    client.force_login(User.objects.create_user("ann", is_staff=True))
    response = client.get(reverse("admin:mediapipe_mediaitem_changelist"))
    assert response.status_code == 403
    assert "You are logged in as ann, without a role." in response.content.decode()


def test_a_superuser_is_not_referred_to_another_role(admin_client: Client) -> None:
    response = admin_client.post(reverse(ITEM, args=[make.media().pk]))
    assert response.status_code == 403
    html = response.content.decode()
    assert "The admin does not permit this" in html
    assert "role assigns it" not in html


def test_the_page_of_a_server_error_shows_the_request_id_and_needs_no_database(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(MediaItemAdmin, "show", fail)
    monkeypatch.setattr(MediaItemAdmin, "get_object", lambda *args: object())
    admin_client.raise_request_exception = False
    with CaptureQueriesContext(connection) as captured:
        response = admin_client.get(reverse(ITEM, args=[1]))
    assert response.status_code == 500
    assert f"request ID {response['X-Request-ID']}." in response.content.decode()
    # For the session and the user, before the bug.
    assert len(captured) <= 2


@pytest.mark.parametrize("path", ["/webhooks/twilio/nothing/", "/nothing"])
def test_a_wrong_address_outside_the_admin_gets_the_plain_page(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert OVERVIEW_LINK not in response.content.decode()
