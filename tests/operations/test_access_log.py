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
def test_login_and_logout_have_a_line_each(log: pytest.LogCaptureFixture) -> None:
    log_in().post(reverse("admin:logout"))
    assert lines(log) == ["ada logged in", "ada logged out"]


@pytest.mark.usefixtures("ada")
def test_a_failed_login_has_a_line(log: pytest.LogCaptureFixture) -> None:
    log_in(password="wrong")
    assert lines(log) == ["failed login as ada"]


@pytest.mark.usefixtures("ada")
def test_a_password_in_the_field_of_the_name_is_not_logged(log: pytest.LogCaptureFixture) -> None:
    log_in(name=PASSWORD)
    assert lines(log) == ["failed login as an unknown user"]
    assert PASSWORD not in log.text


def test_the_login_of_a_user_without_a_role_has_a_line(log: pytest.LogCaptureFixture) -> None:
    User.objects.create_user("eve", password=PASSWORD)
    log_in("eve")
    assert lines(log) == ["refused the login of eve, who has no role"]


def test_each_refused_page_of_a_user_has_a_line(ada: User, log: pytest.LogCaptureFixture) -> None:
    client = Client()
    client.force_login(ada)
    url = reverse("admin:auth_user_changelist")
    for _ in range(2):
        assert client.get(url).status_code == 403
    assert lines(log)[1:] == [f"refused GET '{url}' to ada: 403"] * 2


def test_wrong_tokens_of_the_api_share_a_line(log: pytest.LogCaptureFixture) -> None:
    for _ in range(20):
        assert Client().get("/api/v1/media").status_code == 401
    assert lines(log) == ["refused GET '/api/v1/media' to an unknown client: 401"]


def test_the_next_line_has_the_number_of_those_between(
    log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        Client().get("/api/v1/media")
    monkeypatch.setattr("mediapipe.operations.access_log.LOG_EVERY_S", 0.0)
    Client().get("/api/v1/media")
    assert lines(log)[1].endswith(": 401; other requests since the last such line: 2")


def test_forms_without_a_token_share_a_line(log: pytest.LogCaptureFixture) -> None:
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
def test_malformed_requests_share_a_line_without_a_traceback(
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
