"""What every command accepts as a time, as a period, and as the reply to a prompt."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command, load_command_class
from django.core.management.base import CommandError
from django.utils import timezone
from pytest_django import Settings

from mediapipe.management.arguments import check_period, point_in_time
from tests.support import make

NEAR = timedelta(seconds=5)
PERIOD_COMMANDS = [
    ["export_media"],
    ["retry"],
    ["delete_at_twilio"],
    ["retry_lab"],
    ["escalation_report", "--output", "."],
    ["reconcile"],
]


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("30m", timedelta(minutes=30)),
        ("1.5h", timedelta(minutes=90)),
        ("90s", timedelta(seconds=90)),
    ],
)
def test_a_duration_is_read_as_the_time_that_long_ago(text: str, ago: timedelta) -> None:
    assert abs(timezone.now() - ago - point_in_time(text)) < NEAR


@pytest.mark.parametrize(("text", "days"), [("today", 0), ("yesterday", 1)])
def test_today_and_yesterday_begin_at_midnight_in_the_time_zone(
    settings: Settings, text: str, days: int
) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    local = point_in_time(text).astimezone(timezone.get_default_timezone())
    assert local.date() == timezone.localdate() - timedelta(days=days)
    assert (local.hour, local.minute, local.second) == (0, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T12:00:00Z",
        "2026-03-01T14:00:00+02:00",
        "2026-03-01T17:30",
        "2026-03-01 17:30",
        "20260301T173000",
    ],
)
def test_a_time_without_an_offset_is_read_in_the_configured_time_zone(
    settings: Settings, text: str
) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    assert point_in_time(text) == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "24", "h", "1..5h", "7 d", "tomorrow", "9999999999d"])
def test_any_other_text_is_refused_as_a_time(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"use the form .* or 24h, 7d, today or yesterday"):
        point_in_time(text)


@pytest.mark.parametrize("command", PERIOD_COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize(
    ("period", "sentence"),
    [
        (["--since", "2100-01-01"], "--since is in the future: 2100-01-01T00:00:00"),
        (["--since", "1h", "--until", "7d"], "--since must be before --until; swap them"),
    ],
)
@pytest.mark.django_db
def test_a_future_or_reversed_period_is_an_error(
    command: list[str], period: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command(*command, *period)


def test_a_period_that_has_begun_is_accepted() -> None:
    check_period({"since": timezone.now() - NEAR, "until": None})


@pytest.mark.django_db
def test_a_relative_time_is_accepted_in_place_of_a_date() -> None:
    make.media(at=timezone.now() - timedelta(hours=2))
    out = StringIO()
    call_command("retry", "--since", "3h", "--until", "1h", "--dry-run", stdout=out)
    assert out.getvalue() == "0 media items would be retried.\n"
    call_command("export_media", "--since", "3h", stdout=out)
    assert out.getvalue().count("media_url") == 1


@pytest.mark.django_db
def test_an_account_without_media_is_an_error() -> None:
    with pytest.raises(CommandError, match="no media items of account AC1"):
        call_command("retry", "--account", "AC1")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("command", "prompt_function"),
    [
        (["forget", "--number", "+15550000077", "--by", "ada"], "builtins.input"),
        (["role", "bob", "viewer", "--new"], "mediapipe.management.commands.role.getpass"),
    ],
)
def test_end_of_input_at_a_prompt_counts_as_no(
    monkeypatch: pytest.MonkeyPatch,
    django_user_model: object,
    command: list[str],
    prompt_function: str,
) -> None:
    def closed(prompt: str) -> str:
        raise EOFError

    django_user_model.objects.create_user("ada")  # type: ignore[attr-defined]
    monkeypatch.setattr(prompt_function, closed)
    with pytest.raises(CommandError, match="Nothing was done"):
        call_command(*command)


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("0.0.0.0:8001", "http://127.0.0.1:8001"),
        (":8001", "http://127.0.0.1:8001"),
        ("[::]:8001", "http://[::1]:8001"),
        ("[::1]:8001", "http://[::1]:8001"),
        ("web.internal:80", "http://web.internal:80"),
    ],
)
def test_the_simulator_sends_to_the_address_that_web_listens_on(
    settings: Settings, bind: str, url: str
) -> None:
    settings.WEB_BIND = bind
    parser = load_command_class("mediapipe", "simulate_twilio").create_parser("manage.py", "x")
    assert parser.parse_args([]).webhook_base == url


@pytest.mark.parametrize(
    "arguments",
    [
        ["simulate_twilio", "--rate", "0"],
        ["seed_history", "--media", "3", "--days", "99999999"],
        ["seed_history", "--media", "3", "--until", "0001-01-02"],
    ],
)
@pytest.mark.django_db
def test_a_number_out_of_range_is_an_error(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command(*arguments)
