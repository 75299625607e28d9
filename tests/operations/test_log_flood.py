"""Requests without a login write no more log than one line per reason and ten seconds."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from django.conf import settings as plain_settings
from django.test import Client
from sentry_sdk.integrations.logging import _IGNORED_LOGGERS

from mediapipe.logs import STRANGERS_INTERVAL_S, StrangersLimit
from mediapipe.settings import sentry

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"
TOKEN = "a" * 32


class Kept(logging.Handler):
    """Keeps the names of the loggers whose records pass the filter of the real handler."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(StrangersLimit())
        self.names: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.names.append(record.name)


@pytest.fixture
def log() -> Iterator[Kept]:
    handler = Kept()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.fixture
def stranger() -> Client:
    client = Client(enforce_csrf_checks=True)
    client.cookies[plain_settings.CSRF_COOKIE_NAME] = TOKEN
    return client


def test_bodies_that_are_too_large_are_logged_once(log: Kept, stranger: Client) -> None:
    body = "x=" + "y" * 3_000_000
    form = "application/x-www-form-urlencoded"
    statuses = {stranger.post(LOGIN, body, content_type=form).status_code for _ in range(5)}
    assert statuses <= {400, 413}
    assert log.names == ["django.security.RequestDataTooBig"]


def test_forms_with_too_many_fields_are_logged_once(log: Kept, stranger: Client) -> None:
    fields = {f"field{n}": "" for n in range(plain_settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1)}
    for _ in range(3):
        assert stranger.post(LOGIN, fields).status_code == 400
    assert log.names == ["django.security.TooManyFieldsSent"]


def test_forms_without_a_token_are_logged_once(log: Kept, stranger: Client) -> None:
    for _ in range(5):
        assert stranger.post(LOGIN, {"username": "a"}).status_code == 403
    assert log.names == ["django.security.csrf"]


def test_after_a_while_the_next_one_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    limit, now = StrangersLimit(), [0.0]
    monkeypatch.setattr("mediapipe.logs.time.monotonic", lambda: now[0])
    record = logging.makeLogRecord({"name": "django.security.csrf"})
    passed = []
    for now[0] in (0.0, 1.0, STRANGERS_INTERVAL_S, STRANGERS_INTERVAL_S + 1):
        passed.append(limit.filter(record))
    assert passed == [True, False, True, False]


def test_our_own_lines_are_never_held_back() -> None:
    limit = StrangersLimit()
    record = logging.makeLogRecord({"name": "mediapipe.webhooks.views"})
    assert all(limit.filter(record) for _ in range(5))


def test_the_real_handler_has_the_filter() -> None:
    handlers = logging.getLogger().handlers
    assert any(isinstance(each, StrangersLimit) for it in handlers for each in it.filters)


def test_sentry_gets_no_event_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentry_sdk.init", lambda *args, **options: None)
    sentry.configure("https://key@sentry.example/1")
    assert "django.security*" in _IGNORED_LOGGERS
