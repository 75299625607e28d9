"""Logins and refusals are logged, and an outsider cannot flood the log."""

from __future__ import annotations

import logging
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from mediapipe.operations import roles
from tests.support.webhooks import mms, send

pytestmark = pytest.mark.django_db

LOGGER = "mediapipe.operations.access_log"
PASSWORD = "a long pass phrase"


@pytest.fixture
def ada() -> User:
    user = User.objects.create_user("ada", password=PASSWORD)
    roles.assign(user, roles.VIEWER)
    return user


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def log_in(name: str = "ada", password: str = PASSWORD) -> Client:
    client = Client()
    client.post(reverse("admin:login"), {"username": name, "password": password})
    return client


def lines(log: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in log.records if record.name == LOGGER]


@pytest.mark.usefixtures("ada")
def test_a_login_and_a_logout_are_logged_in_one_line_each(log: pytest.LogCaptureFixture) -> None:
    log_in().post(reverse("admin:logout"))
    assert lines(log) == ["ada logged in", "ada logged out"]


@pytest.mark.usefixtures("ada")
def test_a_failed_login_is_logged(log: pytest.LogCaptureFixture) -> None:
    log_in(password="wrong")
    assert lines(log) == ["failed login as ada"]


@pytest.mark.usefixtures("ada")
def test_a_password_typed_as_the_user_name_is_not_logged(log: pytest.LogCaptureFixture) -> None:
    log_in(name=PASSWORD)
    assert lines(log) == ["failed login as an unknown user"]
    assert PASSWORD not in log.text


def test_the_refused_login_of_a_user_without_a_role_is_logged(
    log: pytest.LogCaptureFixture,
) -> None:
    User.objects.create_user("eve", password=PASSWORD)
    log_in("eve")
    assert lines(log) == ["refused the login of eve, who has no role"]


def test_every_page_refused_to_a_user_is_logged(ada: User, log: pytest.LogCaptureFixture) -> None:
    client = Client()
    client.force_login(ada)
    url = reverse("admin:auth_user_changelist")
    for _ in range(2):
        assert client.get(url).status_code == 403
    assert lines(log)[1:] == [f"refused GET '{url}' to ada: 403"] * 2


def test_api_requests_without_a_token_share_one_log_line(log: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        assert Client().get("/api/v1/media").status_code == 401
    assert lines(log) == ["refused GET '/api/v1/media' to an unknown client: 401"]


def test_the_next_log_line_counts_the_requests_that_were_not_logged(
    log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        Client().get("/api/v1/media")
    monkeypatch.setattr("mediapipe.operations.access_log.LOG_EVERY_S", 0.0)
    Client().get("/api/v1/media")
    assert lines(log)[1].endswith(": 401; other requests since the last such line: 2")


def test_forms_without_a_csrf_token_share_one_log_line(log: pytest.LogCaptureFixture) -> None:
    client = Client(enforce_csrf_checks=True)
    for _ in range(20):
        assert client.post(reverse("admin:login"), {"username": "x"}).status_code == 403
    assert [record.name for record in log.records if record.name != "django.request"] == [LOGGER]


@pytest.mark.parametrize(
    ("fields", "host"),
    [
        ({f"field{n}": "x" for n in range(110)}, "localhost"),
        ({f"file{n}": BytesIO(b"x") for n in range(101)}, "localhost"),
        ({}, "evil.example"),
    ],
)
def test_malformed_requests_share_one_log_line_without_a_traceback(
    log: pytest.LogCaptureFixture, settings: Settings, fields: dict[str, Any], host: str
) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 100
    for _ in range(5):
        answer = Client().post(reverse("admin:login"), fields, headers={"Host": host})
        assert answer.status_code == 400
    (line,) = [record for record in log.records if record.name != "django.request"]
    assert (line.name, line.exc_info) == (LOGGER, None)


def test_refused_webhooks_are_not_logged_twice(log: pytest.LogCaptureFixture) -> None:
    assert send(mms(), signature="wrong").status_code == 403
    assert lines(log) == []
