"""pause_account, resume_account, retry and give_up on the command line."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from mediapipe.models import AccountHealth, MediaItem, Status
from tests.support import make

pytestmark = pytest.mark.django_db

BY = ("--by", "ada", "--reason", "sent again")


@pytest.fixture(autouse=True)
def ada() -> User:
    return User.objects.create_user("ada")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command(*arguments)
    return capsys.readouterr().out.strip()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as caught:
        call_command(*arguments)
    return str(caught.value)


def test_an_account_is_paused_and_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    output = run(capsys, "pause_account", make.ACCOUNT, *BY)
    assert output == f"{make.ACCOUNT} is paused until manage.py resume_account {make.ACCOUNT}."
    health = AccountHealth.objects.get()
    assert (health.paused_by, health.pause_reason) == ("ada", "sent again")
    output = run(capsys, "resume_account", make.ACCOUNT, "--by", "ada")
    assert output == f"{make.ACCOUNT} is resumed; due items start within seconds."
    assert not AccountHealth.objects.degraded()


def test_pausing_or_resuming_an_account_twice_is_an_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(capsys, "pause_account", make.ACCOUNT, *BY)
    assert "is already paused by a user" in refused("pause_account", make.ACCOUNT, *BY)
    run(capsys, "resume_account", make.ACCOUNT, "--by", "ada")
    assert "No user has paused" in refused("resume_account", make.ACCOUNT, "--by", "ada")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("pause_account", "AC" + "f" * 32, *BY), "no credentials and no media items"),
        (("pause_account", make.ACCOUNT, "--by", "ada"), "--reason: Enter a reason"),
        (("pause_account", make.ACCOUNT, "--reason", "x"), "--by must name an admin user"),
        (("give_up", "--by", "nobody", "--reason", "x"), "--by: there is no user 'nobody'"),
        (("retry_lab", "--account", "AC" + "f" * 32), "no media items of account"),
        (("give_up", "--by", "ada"), "--reason: Enter a reason"),
        (("retry", "--by", "bob"), "--by: there is no user 'bob'"),
    ],
)
def test_a_missing_or_unknown_argument_is_named_and_changes_nothing(
    arguments: tuple[str, ...], why: str
) -> None:
    item = make.media()
    assert why in refused(*arguments)
    item.refresh_from_db()
    assert item.status == Status.QUEUED
    assert not AccountHealth.objects.exists()


def test_a_dry_run_counts_and_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    make.media()
    assert run(capsys, "give_up", "--dry-run") == "1 media item would be given up."
    assert MediaItem.objects.queued().count() == 1


def test_a_retry_is_logged_for_the_user_given_with_by(
    capsys: pytest.CaptureFixture[str], ada: User
) -> None:
    item = make.media()
    make.media()
    run(capsys, "give_up", "--noinput", "--sid", item.media_sid, *BY)
    assert run(capsys, "retry", "--by", "ada") == "1 media item queued for retry."
    entry = LogEntry.objects.get(change_message="Retried.")
    assert (entry.user, entry.object_id) == (ada, str(item.pk))


def test_a_retry_without_a_user_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    make.media()
    run(capsys, "give_up", "--noinput", *BY)
    assert run(capsys, "retry") == "1 media item queued for retry."
    assert not LogEntry.objects.filter(change_message="Retried.").exists()


def test_unfinished_items_are_given_up_and_logged(capsys: pytest.CaptureFixture[str]) -> None:
    item, stored = make.media(), make.store(make.claimed())
    output = run(capsys, "give_up", "--noinput", *BY)
    assert output == "1 media item given up."
    item.refresh_from_db()
    assert (item.status, item.error, item.detail) == ("failed", "given_up", "ada: sent again")
    assert MediaItem.objects.stored().get() == stored
    assert LogEntry.objects.get().change_message == "Given up: sent again"
    assert run(capsys, "give_up", "--noinput", *BY) == "0 media items given up."


def test_only_the_selected_items_are_given_up(capsys: pytest.CaptureFixture[str]) -> None:
    one, two, late = make.media(), make.media(), make.media()
    make.media()
    MediaItem.objects.filter(pk=late.pk).update(error="not_ready")
    run(capsys, "give_up", "--noinput", "--sid", one.media_sid, two.identity, *BY)
    run(capsys, "give_up", "--noinput", "--error", "not_ready", *BY)
    assert set(MediaItem.objects.failed()) == {one, two, late}


@pytest.mark.parametrize(("reply", "given_up"), [("yes", 1), ("no", 0), ("", 0)])
def test_give_up_asks_for_confirmation_and_proceeds_only_on_yes(
    reply: str, given_up: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make.media()
    prompts: list[str] = []

    def answer(prompt: str) -> Any:
        prompts.append(prompt)
        return reply

    monkeypatch.setattr("builtins.input", answer)
    if given_up:
        call_command("give_up", *BY)
    else:
        assert refused("give_up", *BY) == "Nothing was given up."
    assert prompts == ["Give up on 1 media item? [yes/no] "]
    assert MediaItem.objects.failed().count() == given_up
