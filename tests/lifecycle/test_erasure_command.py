"""What `manage.py forget` asks, refuses and logs."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from mediapipe.simulator import Simulator
from tests.support import make
from tests.support.erasure import NUMBER, forget, stored
from tests.support.fetching import stored_files

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("ada")]


def test_a_dry_run_counts_what_would_be_erased_and_erases_nothing(
    twilio: Simulator, settings: Settings
) -> None:
    item = stored(twilio)
    out = StringIO()
    call_command("forget", "--number", NUMBER, "--dry-run", stdout=out)
    receipt = json.loads(out.getvalue())
    assert (receipt["dry_run"], receipt["files"]) == (True, 1)
    assert len(stored_files(settings)) == 1
    item.event.refresh_from_db()
    assert item.event.sender == NUMBER


def test_the_responsible_user_is_recorded_in_the_admin_log(twilio: Simulator, ada: User) -> None:
    stored(twilio)
    forget("--number", NUMBER)
    entry = LogEntry.objects.get()
    assert entry.user_id == ada.pk
    assert "Erased 1 event of" in entry.change_message
    assert NUMBER not in f"{entry.object_repr}{entry.change_message}"


def test_nothing_is_erased_without_a_responsible_user() -> None:
    with pytest.raises(CommandError, match="--by"):
        call_command("forget", "--number", NUMBER, "--noinput")


@pytest.mark.parametrize(("answer", "erased"), [("yes", True), ("y", False), ("", False)])
def test_the_command_erases_only_after_confirmation(
    monkeypatch: pytest.MonkeyPatch, answer: str, erased: bool
) -> None:
    item = make.media(make.message(sender=NUMBER))
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    if erased:
        call_command("forget", "--number", NUMBER, "--by", "ada", stdout=StringIO())
    else:
        with pytest.raises(CommandError, match="Nothing was erased"):
            call_command("forget", "--number", NUMBER, "--by", "ada")
    item.event.refresh_from_db()
    assert (item.event.sender == "") is erased


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("--number", "12"),
        ("--sender", "dave"),
        ("--message-sid", "RE" + "1" * 32),
        ("--call-sid", "CA1"),
    ],
)
def test_an_invalid_target_is_refused(name: str, value: str) -> None:
    with pytest.raises(CommandError):
        forget(name, value)
