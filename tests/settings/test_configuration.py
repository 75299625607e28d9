"""Environment variables become settings, or cause one helpful error message."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from mediapipe.settings import broker, database, logging, values, web
from tests.support.commands import manage
from tests.support.configuration import CANARY, env

SQLITE = Path("/data/mediapipe.sqlite3")


def test_a_text_is_read_without_surrounding_whitespace() -> None:
    assert values.text(env(NAME=" a b\n"), "NAME") == "a b"


def test_an_empty_text_is_the_default() -> None:
    assert values.text(env(NAME=""), "NAME", "default") == "default"
    assert values.text(env(), "NAME", "default") == "default"


def test_a_secret_may_begin_with_a_dollar_sign() -> None:
    assert values.text(env(NAME="$ecret"), "NAME", "default") == "$ecret"


def test_the_items_of_a_list_are_read_without_surrounding_spaces() -> None:
    assert values.listed(env(NAME="a, b ,,c"), "NAME") == ["a", "b", "c"]
    assert values.listed(env(), "NAME") == []


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("true", True),
        ("YES", True),
        (" on ", True),
        ("1", True),
        ("false", False),
        ("No", False),
        ("off", False),
        ("0", False),
        ("", False),
    ],
)
def test_a_boolean_is_read_from_the_usual_words(word: str, meaning: bool) -> None:
    assert values.boolean(env(NAME=word), "NAME", default=False) is meaning


def test_a_missing_boolean_is_the_default() -> None:
    assert values.boolean(env(), "NAME", default=True) is True


@pytest.mark.parametrize("word", ["maybe", "2", "tru"])
def test_a_boolean_with_another_word_is_refused_with_an_example(word: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"NAME must be true or false.*NAME=true"):
        values.boolean(env(NAME=word), "NAME", default=False)


def test_a_whole_number_is_read() -> None:
    assert values.whole_number(env(NAME="17"), "NAME", default=3) == 17
    assert values.whole_number(env(NAME=""), "NAME", default=3) == 3


@pytest.mark.parametrize("value", ["x", "1.5", "-1", "0", "1e3", "\u0661", "9" * 5000])
def test_a_value_that_is_not_a_positive_whole_number_is_refused_with_an_example(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"NAME must be a whole number.*NAME=3"):
        values.whole_number(env(NAME=value), "NAME", default=3)


@pytest.mark.parametrize(("value", "factor"), [("1", 1), ("1.5", 1.5), ("10", 10), ("", 2)])
def test_a_factor_is_read(value: str, factor: float) -> None:
    assert values.factor(env(NAME=value), "NAME", default="2") == factor


@pytest.mark.parametrize("value", ["0.5", "-2", "11", "1,5", "x", "nan", "1e1"])
def test_a_factor_that_is_not_a_number_from_1_to_10_is_refused_with_an_example(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"NAME must be a number from 1 to 10.*NAME=2"):
        values.factor(env(NAME=value), "NAME", default="2")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5s", 1.5), ("10m", 600), (" 3 h ", 10800), ("2d", 172800), ("0", 0)],
)
def test_a_duration_is_read_with_its_unit(text: str, seconds: float) -> None:
    assert values.seconds(env(NAME=text), "NAME", default="1s") == seconds


def test_an_empty_duration_is_the_default() -> None:
    assert values.seconds(env(NAME=""), "NAME", default="5s") == 5


@pytest.mark.parametrize("text", ["x", "5 weeks", "-1s", "1,5s", "inf", "nan", "36501d", "9" * 400])
def test_an_invalid_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"NAME has .* not a duration; write 90"):
        values.seconds(env(NAME=text), "NAME", default="1s")


def test_a_list_of_durations_is_read_in_its_order() -> None:
    assert values.seconds_list(env(NAME="10m, 1h"), "NAME", default="1s") == (600, 3600)
    assert values.seconds_list(env(), "NAME", default="1s,2s") == (1, 2)


def test_an_empty_list_of_durations_is_empty_and_not_the_default() -> None:
    assert values.seconds_list(env(NAME=""), "NAME", default="1s") == ()


def test_each_item_of_a_parsed_list_is_read() -> None:
    networks = values.parsed(
        env(NAME="10.1.0.0/16, ::1/128"), "NAME", ipaddress.ip_network, example="127.0.0.0/8"
    )
    assert networks == [ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("::1/128")]


def test_a_list_item_that_cannot_be_parsed_is_refused_with_an_example() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"NAME: .*NAME=127\.0\.0\.0/8"):
        values.parsed(env(NAME="10.1.2.3/16"), "NAME", ipaddress.ip_network, example="127.0.0.0/8")


def test_a_missing_folder_is_created(tmp_path: Path) -> None:
    folder = values.folder(env(NAME=f"{tmp_path}/a/b"), "NAME", tmp_path)
    assert folder == tmp_path / "a" / "b"
    assert folder.is_dir()


def test_a_secret_key_is_created_once_and_is_readable_only_by_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    secret = web.secret_key(env(), "DJANGO_SECRET_KEY", path)
    assert len(secret) > 50
    assert web.secret_key(env(), "DJANGO_SECRET_KEY", path) == secret
    assert path.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [path]


def test_a_base_url_is_read_without_its_trailing_slash() -> None:
    assert values.base_url(env(NAME="https://h.example/"), "NAME") == "https://h.example"
    assert values.base_url(env(), "NAME") == ""


def configured(url: str = "") -> dict[str, Any]:
    return database.connection(env(NAME=url), "NAME", SQLITE)


def test_log_lines_are_formatted_as_text_or_as_json() -> None:
    for log_format in ("text", "json"):
        handler = logging.dict_config(log_format, "INFO")["handlers"]["stderr"]
        assert handler["formatter"] == log_format


@pytest.mark.parametrize(
    "url",
    [
        f"postgres://user:{CANARY}/@host/x",
        f"postgres://{CANARY}:5432:1/x",
        f"mysql://user:{CANARY}@host/x",
        f"sqlite://{CANARY}/x",
        CANARY,
    ],
)
def test_an_invalid_database_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"NAME is not .* NAME=postgres://") as raised:
        configured(url)
    assert CANARY not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize(
    "url", [f"kafka://user:{CANARY}@host", f"redis://:{CANARY}@host:99999/0", CANARY]
)
def test_an_invalid_broker_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"NAME is not .* NAME=amqp://") as raised:
        broker.broker_url(env(NAME=url), "NAME", "redis://default")
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["h.example", f"ftp://u:{CANARY}@h.example", f"https://u:{CANARY}@h.example:x", "https:"]
)
def test_an_invalid_base_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"NAME is not .* NAME=https://") as raised:
        values.base_url(env(NAME=url), "NAME")
    assert CANARY not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", f"postgres://user:{CANARY}@host:notaport/x"),
        ("CELERY_BROKER_URL", f"amqp://user:{CANARY}@host:notaport//"),
        ("PUBLIC_BASE_URL", f"user:{CANARY}@media.example.com"),
        ("PUBLIC_BASE_URL", f"https://a.example,https://user:{CANARY}@b.example/mediapipe"),
        ("DJANGO_ALLOWED_HOSTS", "https://mediapipe.corp"),
        ("DATA_DIR", "/dev/null/data"),
        ("DJANGO_DEBUG", "maybe"),
        ("DJANGO_HSTS_SECONDS", "1h"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "LOUD"),
        ("MEDIA_ALLOWED_NETWORKS", "10.1.2.3/16"),
        ("MEDIA_MAX_BYTES", "100 MiB"),
        ("MEDIA_READ_TIMEOUT", "soon"),
        ("REDISPATCH_INTERVAL", "often"),
        ("RETRY_SLOW_SCHEDULE", "10m,never"),
        ("SPOOL_MAX_FILES", "many"),
        ("STORAGE_URL", f"https://user:{CANARY}@bucket/prefix"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("WORKER_CONCURRENCY", "0"),
    ],
)
def test_an_invalid_value_stops_the_start_with_one_line_that_names_the_setting(
    tmp_path: Path, name: str, value: str
) -> None:
    # Some values are only used with https.
    public = {"PUBLIC_BASE_URL": "https://media.example.com"}
    ended = manage("check", data_dir=tmp_path, **public | {name: value})
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = ended.stderr.splitlines()
    assert re.match(rf"error: {name}\b", line)
    assert re.search("for example|write ", line, re.IGNORECASE)
    assert CANARY not in line


@pytest.mark.parametrize("command", ["migrate", "run"])
def test_every_command_reports_an_invalid_setting_in_one_line(tmp_path: Path, command: str) -> None:
    ended = manage(command, data_dir=tmp_path, LOG_FORMAT="xml")
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: LOG_FORMAT")
    assert len(ended.stderr.splitlines()) == 1


def test_a_short_secret_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="DJANGO_SECRET_KEY has 5 characters"):
        web.secret_key(env(DJANGO_SECRET_KEY="short"), "DJANGO_SECRET_KEY", tmp_path / "key")
