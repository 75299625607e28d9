"""A refused form or host gets a page that says what was received and what to set."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

CORP = "mediapipe.corp"


@pytest.fixture(autouse=True)
def admin_at_another_host(settings: Settings) -> None:
    """Serve the admin at its own host, as with DJANGO_ALLOWED_HOSTS=mediapipe.corp."""
    settings.PUBLIC_BASE_URL = "https://media.example.com"
    settings.ALLOWED_HOSTS = ["media.example.com", CORP]
    settings.CSRF_TRUSTED_ORIGINS = ["https://media.example.com", f"https://{CORP}"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def log_in(headers: dict[str, str], *, cookie: bool = True, token: str = "") -> Any:
    """Send the form of the login page with these headers, as a browser would."""
    client = Client(enforce_csrf_checks=True, headers={"Host": CORP})
    page = client.get(reverse("admin:login")).content.decode()
    (found,) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    if not cookie:
        client.cookies.clear()
    form = {"csrfmiddlewaretoken": token or found, "username": "ann", "password": "secret"}
    return client.post(reverse("admin:login"), form, headers=headers)


def shown(response: Any) -> str:
    """Return the text of a page without its tags."""
    return html.unescape(re.sub(r"<[^>]+>", "", response.content.decode()))


@pytest.mark.django_db
@pytest.mark.parametrize("proto", [{}, {"X-Forwarded-Proto": "http"}])
def test_the_admin_works_at_an_allowed_host_behind_a_tls_proxy(proto: dict[str, str]) -> None:
    User.objects.create_superuser("ann", password="secret")
    assert log_in({"Origin": f"https://{CORP}", **proto}).status_code == 302


@pytest.mark.parametrize(
    ("origin", "expected_text"),
    [
        ("https://else.example", "add it to DJANGO_ALLOWED_HOSTS, as else.example, and restart"),
        ("https://else.example:443", "as else.example, and restart web"),
        (f"https://{CORP}:8443", f"add it to DJANGO_ALLOWED_HOSTS, as {CORP}:8443, and restart"),
        (f"http://{CORP}:8080", "proxy_set_header Host $http_host;"),
        ("null", "make it forward the value that this service sets, same-origin"),
        ("https://[::1", "The browser did not send the origin of the form"),
    ],
)
def test_a_form_from_another_origin_is_refused_with_instructions(
    origin: str, expected_text: str
) -> None:
    response = log_in({"Origin": origin})
    assert response.status_code == 403
    assert expected_text in shown(response)
    assert "Origin checking failed" in shown(response)
    assert re.search(rf"Origin\s*{re.escape(origin)}\s*Host\s*{CORP}", shown(response))


@pytest.mark.parametrize(
    ("headers", "expected_text"),
    [
        ({}, "The browser did not send the origin of the form"),
        ({"Referer": "https://else.example/x?secret=1"}, "as else.example, and restart web"),
    ],
)
def test_a_form_without_an_origin_is_checked_by_its_referer_over_https(
    headers: dict[str, str], expected_text: str
) -> None:
    response = log_in({"X-Forwarded-Proto": "https", **headers})
    assert response.status_code == 403
    assert expected_text in shown(response)
    assert "secret" not in shown(response)


def test_the_refusal_of_a_form_without_a_cookie_is_explained() -> None:
    assert "sent over https only" in shown(log_in({"Origin": f"https://{CORP}"}, cookie=False))


def test_the_refusal_of_an_outdated_form_is_explained() -> None:
    assert "older than your last login" in shown(log_in({}, token="x" * 64))


def test_the_refusal_page_escapes_and_truncates_the_origin() -> None:
    response = log_in({"Origin": "https://<script>" + "x" * 5000})
    assert "<script>" not in response.content.decode()
    assert "&lt;script&gt;" in response.content.decode()
    assert "x" * 201 not in response.content.decode()


@pytest.mark.parametrize("host", ["backend.internal:8000", "mediapipe_web", "not a host"])
def test_the_refusal_of_an_unknown_host_is_explained(client: Client, host: str) -> None:
    response = client.get(reverse("admin:login"), headers={"Host": host})
    assert response.status_code == 400
    assert f"If {host} is an address of this service" in shown(response)
    assert "Make the proxy forward the Host header unchanged" in shown(response)


@pytest.mark.django_db
def test_a_refusal_needs_no_database(client: Client) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        client.get(reverse("admin:login"), headers={"Host": "else.example"})
        Client(enforce_csrf_checks=True).post(reverse("admin:login"), headers={"Host": CORP})
    assert len(queries) == 0


@pytest.mark.django_db
def test_the_refusal_of_unknown_filters_is_explained(admin_client: Client) -> None:
    response = admin_client.get(
        reverse("admin:mediapipe_mediaitem_retry_all"), {"nothing": "1"}, headers={"Host": CORP}
    )
    assert response.status_code == 400
    assert "set the filters again." in shown(response)
