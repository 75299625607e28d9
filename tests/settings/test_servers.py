"""Settings of broker, database and storage: no message is lost, and no call blocks forever."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from mediapipe.settings import broker, database, storage
from tests.support.configuration import env

SQLITE = Path("/data/mediapipe.sqlite3")


def test_the_embedded_broker_listens_in_the_data_folder() -> None:
    assert broker.socket_path(Path("/data")) == Path("/data/broker.sock")


def test_a_long_data_folder_path_gets_its_own_short_socket_path() -> None:
    deep, other = (broker.socket_path(Path("/" + name * 99)) for name in "ab")
    assert len(str(deep)) <= broker.MAX_SOCKET_PATH
    assert deep != other


@pytest.mark.parametrize("url", ["amqp://h", "amqps://h//", "redis://h:6379/0", "rediss://h"])
def test_a_supported_broker_url_is_accepted(url: str) -> None:
    assert broker.broker_url(env(NAME=url), "NAME", "redis://default") == url


def test_the_embedded_broker_is_the_default() -> None:
    url = broker.broker_url(env(), "NAME", "redis+socket:///data/broker.sock")
    assert url == "redis+socket:///data/broker.sock"


@pytest.mark.parametrize(
    ("url", "option", "value"),
    [
        ("amqp://h", "confirm_publish", True),
        ("amqps://h", "confirm_publish", True),
        ("redis://h", "visibility_timeout", 3600),
        ("rediss://h", "visibility_timeout", 3600),
        ("redis+socket:///s", "visibility_timeout", 3600),
    ],
)
def test_each_broker_is_configured_not_to_lose_messages(
    url: str, option: str, value: object
) -> None:
    assert broker.transport_options(url)[option] == value


@pytest.mark.parametrize(
    ("url", "option"),
    [
        ("amqp://h", "read_timeout"),
        ("amqp://h", "write_timeout"),
        ("redis://h", "socket_timeout"),
        ("redis://h", "socket_connect_timeout"),
        ("redis://h", "health_check_interval"),
        ("redis+socket:///s", "socket_timeout"),
    ],
)
def test_every_call_to_an_unresponsive_broker_has_a_timeout(url: str, option: str) -> None:
    assert 0 < broker.transport_options(url)[option] <= 10


def configured(url: str = "") -> dict[str, Any]:
    return database.connection(env(NAME=url), "NAME", SQLITE)


def test_the_default_database_is_sqlite_with_immediate_transactions_and_wal() -> None:
    options = configured()
    assert options["NAME"] == str(SQLITE)
    assert options["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in options["OPTIONS"]["init_command"]


def test_the_path_of_the_database_may_contain_special_characters() -> None:
    strange = Path("/data/a+b%20c?d#e/x.sqlite3")
    assert database.connection(env(), "NAME", strange)["NAME"] == str(strange)


def test_every_wait_for_a_postgresql_database_is_bounded() -> None:
    options = configured("postgres://u:p%40%2F@h:5433/name?sslmode=require&connect_timeout=9")
    named = [options[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")]
    assert named == ["u", "p@/", "h", 5433, "name"]
    assert options["CONN_HEALTH_CHECKS"] is True
    assert options["OPTIONS"]["tcp_user_timeout"] == 5000
    # For a thread that waits, and has nothing in flight.
    probes = options["OPTIONS"]["keepalives_idle"], options["OPTIONS"]["keepalives_interval"]
    assert sum(probes) < 5
    assert options["OPTIONS"] | {"sslmode": "require", "connect_timeout": 9} == options["OPTIONS"]


def test_server_side_cursors_are_disabled_by_default() -> None:
    assert configured("postgres://h/name")["DISABLE_SERVER_SIDE_CURSORS"] is True


@pytest.mark.parametrize("option", sorted(database.BOOLEANS))
@pytest.mark.parametrize(
    ("word", "value"), [("false", False), ("False", False), ("0", False), ("true", True)]
)
def test_a_boolean_option_in_the_database_url_is_parsed(
    option: str, word: str, value: bool
) -> None:
    assert configured(f"postgres://h/name?{option}={word}")[option] is value


def test_an_invalid_boolean_option_is_refused_with_the_setting_and_the_option() -> None:
    with pytest.raises(ImproperlyConfigured, match="NAME: ATOMIC_REQUESTS must be true or false"):
        configured("postgres://h/name?ATOMIC_REQUESTS=maybe")


def test_media_is_stored_in_a_folder_without_a_url() -> None:
    options = storage.media("", "/media")["OPTIONS"]
    assert (options["location"], options["base_url"]) == ("/media", None)


def test_media_is_stored_in_the_configured_bucket_under_the_configured_prefix() -> None:
    options = storage.media("s3://bucket/a/b/", "")["OPTIONS"]
    assert (options["bucket_name"], options["location"]) == ("bucket", "a/b")
