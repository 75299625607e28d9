"""The audit trail: a read-only page, and a log line for each entry."""

from __future__ import annotations

import logging

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from mediapipe.failures import TooLarge
from mediapipe.models import MediaItem
from mediapipe.operations import roles
from mediapipe.operations.audit_log import log_action, log_changes
from mediapipe.providers.base import Evidence
from tests.support import make
from tests.support.admin import client_with_role, page

pytestmark = pytest.mark.django_db

LIST = "admin_logentry_changelist"


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


def test_administrators_see_who_did_what(ada: User) -> None:
    log_action(ada, "the last 24 hours", "Exported 5 media items as csv.")
    shown = page(client_with_role(roles.ADMINISTRATOR), LIST)
    for part in ("ada", "the last 24 hours", "Exported 5 media items as csv."):
        assert part in shown


@pytest.mark.parametrize("role", [roles.VIEWER, roles.SUPPORT])
def test_other_roles_cannot_see_the_audit_trail(role: str) -> None:
    assert client_with_role(role).get(reverse(f"admin:{LIST}")).status_code == 403


@pytest.mark.parametrize("operation", ["change", "delete"])
def test_an_audit_entry_cannot_be_changed_or_deleted(
    admin_client: Client, ada: User, operation: str
) -> None:
    log_action(ada, "all", "Exported.")
    entry = LogEntry.objects.get()
    url = reverse(f"admin:admin_logentry_{operation}", args=[entry.pk])
    admin_client.post(url, {"change_message": "nothing", "post": "yes"})
    entry.refresh_from_db()
    assert entry.change_message == "Exported."


def test_an_audit_entry_is_also_logged_without_phone_numbers(
    ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="mediapipe.operations.audit_log")
    log_action(ada, "search: +15550000077", "Exported 1 media item.")
    (line,) = caplog.messages
    assert line.startswith("ada: change media item")
    assert line.endswith("Exported 1 media item.")
    assert "15550000077" not in line


def test_each_of_many_audit_entries_is_logged(ada: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="mediapipe.operations.audit_log")
    for _ in range(3):
        make.claimed().mark_failed(TooLarge(), Evidence())
    log_changes(ada, MediaItem.objects.all(), "Retried.")
    assert len(caplog.messages) == LogEntry.objects.count() == 3


def test_audit_entries_written_by_django_are_logged(
    admin_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="mediapipe.operations.audit_log")
    new = {"username": "eve", "password1": "a long pass phrase", "usable_password": "true"}
    url = reverse("admin:auth_user_add")
    admin_client.post(url, new | {"password2": new["password1"]})
    assert "admin: addition user eve" in caplog.text
