"""Notification variables are valid, or cause one error message that shows no secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django import VERSION
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends import console
from pytest_django import Settings

from mediapipe.settings import outgoing as reading
from tests.support.commands import manage
from tests.support.configuration import CANARY, check_messages, env, only_message
from tests.support.notifications import OTHER, SECRET, configure, use_mail_server
from tests.support.receivers import mail_server, web_server


def read(reader: Callable[..., Any], value: str, *rest: str) -> Any:
    return reader(env(NAME=value), "NAME", *rest)


def mail_connection(settings: Settings, url: str) -> Any:
    """Return the connection that Django sends mail with."""
    use_mail_server(settings, url)
    return mail.mailers.default if VERSION >= (6, 1) else mail.get_connection()


def test_recipients_are_a_list_of_e_mail_addresses() -> None:
    found = read(reading.addresses, "ann@example.com, bob@example.com")
    assert found == ["ann@example.com", "bob@example.com"]
    assert read(reading.addresses, "") == []


@pytest.mark.parametrize("value", ["ann", "ann@", "Ann <ann@example.com>", "a@b.example\nBcc: x"])
def test_an_invalid_e_mail_address_is_refused_with_the_number_of_its_entry(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="NAME, entry 2, is not an e-mail address"):
        read(reading.addresses, f"bob@example.com,{value}")


@pytest.mark.parametrize(
    ("value", "public", "sender"),
    [
        ("", "https://media.example.com", "mediapipe@media.example.com"),
        ("", "", "mediapipe@localhost"),
        ("", "http://127.0.0.1:8000", "mediapipe@localhost"),
        ("", "http://[::1]:8000", "mediapipe@localhost"),
        ("", "http://web:8000", "mediapipe@localhost"),
        ("Media <m@example.com>", "", "Media <m@example.com>"),
    ],
)
def test_the_sender_defaults_to_an_address_at_the_public_host(
    value: str, public: str, sender: str
) -> None:
    assert read(reading.sender, value, public) == sender


@pytest.mark.parametrize("value", ["nobody", "Media <m@>", "a@example.com\nBcc: b@example.com"])
def test_an_invalid_sender_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="NAME is not an e-mail address"):
        read(reading.sender, value, "")


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://mail.example", 25, False, False),
        ("smtp+tls://mail.example", 587, True, False),
        ("smtp+ssl://mail.example", 465, False, True),
        ("smtp+tls://mail.example:2525", 2525, True, False),
    ],
)
def test_the_mail_server_is_configured_by_a_url(
    settings: Settings, url: str, port: int, tls: bool, ssl: bool
) -> None:
    server = mail_connection(settings, url)
    assert (server.host, server.port) == ("mail.example", port)
    assert (server.use_tls, server.use_ssl) == (tls, ssl)
    assert server.timeout == reading.MAIL_TIMEOUT_S


def test_without_a_url_the_mail_server_is_on_this_machine(settings: Settings) -> None:
    server = mail_connection(settings, "")
    assert (server.host, server.port) == ("localhost", 25)
    assert server.timeout == reading.MAIL_TIMEOUT_S


def test_e_mails_can_be_printed(settings: Settings) -> None:
    connection = mail_connection(settings, "consolemail://")
    assert isinstance(connection, console.EmailBackend)


def test_the_mail_password_may_contain_any_character(settings: Settings) -> None:
    url = "smtp+tls://me%40example.com:p%40ss%2F%3A@mail.example:587"
    server = mail_connection(settings, url)
    assert server.username == "me@example.com"
    assert server.password == "p@ss/:"


@pytest.mark.parametrize(
    "value",
    [
        f"mail.example:{CANARY}",
        f"smtps://u:{CANARY}@mail.example",
        f"smtp+tls://u:{CANARY}/@mail.example",
        f"smtp://u:{CANARY}@",
        f"http://u:{CANARY}@mail.example",
        f"smtp://u:{CANARY}@mail.example:99999",
    ],
)
def test_an_invalid_mail_server_url_is_refused_without_showing_the_password(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="NAME is not the URL of a mail server") as error:
        read(reading.mail_server, value)
    assert CANARY not in str(error.value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "https://hooks.slack.com/services/T0/B0/x",
        "https://10.0.0.7:8443/in?token=x",
        "http://127.0.0.1:9000/",
        "http://localhost/",
        "http://[::1]:9000/",
    ],
)
def test_a_receiver_must_use_https_or_be_on_this_machine(value: str) -> None:
    assert read(reading.receiver, value) == value


@pytest.mark.parametrize(
    "value",
    [
        f"hooks.slack.com/{CANARY}",
        f"http://example.com/{CANARY}",
        f"http://10.0.0.7/{CANARY}",
        f"http://127.0.0.1.example.com/{CANARY}",
        f"ftp://127.0.0.1/{CANARY}",
        f"https:///{CANARY}",
        f"https://example.com/a b{CANARY}",
        f"https://example.com\\@evil.example/{CANARY}",
        f"https://example.com/#{CANARY}",
        f"https://example.com:99999/{CANARY}",
    ],
)
def test_an_invalid_receiver_is_refused_without_showing_its_url(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="NAME is not the URL of a webhook") as error:
        read(reading.receiver, value)
    assert CANARY not in str(error.value)


def test_two_signing_secrets_are_read_as_a_list() -> None:
    assert read(reading.signing_secrets, f"{SECRET}, {OTHER}") == [SECRET, OTHER]


@pytest.mark.parametrize("value", [CANARY, f"whsec_{CANARY}", "whsec_"])
def test_an_invalid_signing_secret_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"NAME, entry 2: .*NAME=whsec_") as error:
        read(reading.signing_secrets, f"{SECRET},{value}")
    assert CANARY not in str(error.value)
    assert SECRET not in str(error.value)


def test_e_mails_need_a_mail_server(settings: Settings) -> None:
    configure(settings, mail=25)
    settings.EMAIL_URL = ""
    assert "EMAIL_URL is not" in only_message("mediapipe.E007")


def test_a_webhook_needs_a_secret(settings: Settings) -> None:
    configure(settings, webhook=f"https://example.com/{CANARY}")
    settings.ESCALATION_WEBHOOK_SECRETS = []
    assert "ESCALATION_WEBHOOK_SECRET is not" in only_message("mediapipe.E007")


def test_a_channel_without_a_public_url_causes_a_warning(settings: Settings) -> None:
    configure(settings, slack=f"https://example.com/{CANARY}")
    assert check_messages() == []
    settings.PUBLIC_BASE_URL = ""
    assert "PUBLIC_BASE_URL" in only_message("mediapipe.W002")


def test_an_invalid_value_stops_the_start_and_is_not_shown(tmp_path: Path) -> None:
    url = f"http://hooks.example.com/{CANARY}"
    ended = manage("check", data_dir=tmp_path, ESCALATION_SLACK_URL=url)
    assert ended.returncode != 0
    assert "ESCALATION_SLACK_URL is not the URL of a webhook" in ended.stderr
    assert CANARY not in ended.stderr + ended.stdout


def test_the_test_message_is_delivered_over_every_channel(tmp_path: Path) -> None:
    with web_server() as webhook, web_server() as slack, mail_server() as mail:
        ended = manage(
            "notify_test",
            data_dir=tmp_path,
            PUBLIC_BASE_URL="https://media.example.com",
            ESCALATION_EMAILS="ann@example.com",
            EMAIL_URL=f"smtp://127.0.0.1:{mail.port}",
            ESCALATION_WEBHOOK_URL=webhook.url,
            ESCALATION_WEBHOOK_SECRET=SECRET,
            ESCALATION_SLACK_URL=slack.url,
        )
    assert ended.returncode == 0, ended.stderr
    assert [line.partition(":")[0] for line in ended.stdout.splitlines()] == [
        "E-mail",
        "Webhook",
        "Slack",
    ]
    assert ended.stdout.count(": delivered. ") == 3
    assert len(webhook.requests) == len(slack.requests) == len(mail.messages) == 1


def test_notify_test_reports_a_failed_channel_beside_the_delivered_one(tmp_path: Path) -> None:
    with web_server() as webhook, web_server(404) as slack:
        ended = manage(
            "notify_test",
            data_dir=tmp_path,
            PUBLIC_BASE_URL="https://media.example.com",
            ESCALATION_WEBHOOK_URL=webhook.url,
            ESCALATION_WEBHOOK_SECRET=SECRET,
            ESCALATION_SLACK_URL=slack.url,
        )
    assert ended.returncode == 1
    assert "Webhook: delivered. " in ended.stdout
    assert "Slack: failed. 127.0.0.1" in ended.stdout
    assert "1 of 2 channels" in ended.stderr
    assert "s3cret" not in ended.stdout + ended.stderr


def test_notify_test_without_a_channel_names_the_setting(tmp_path: Path) -> None:
    ended = manage("notify_test", data_dir=tmp_path)
    assert ended.returncode == 1
    assert "ESCALATION_SLACK_URL" in ended.stderr
