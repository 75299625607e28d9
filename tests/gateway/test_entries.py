"""GATEWAY_FILE is parsed into entries, or its author gets one sentence about the error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from mediapipe.gateway.entries import Answer, Entry, Media, entries, entries_for, entry_named
from tests.support import make
from tests.support.configuration import check_messages, only_message
from tests.support.gateway import configure

SECRET = "pa55word"
OTHER = "AC" + "b2" * 16


@pytest.fixture(autouse=True)
def origin(settings: Settings) -> None:
    settings.PUBLIC_BASE_URL = "https://media.example.com"


def problem(settings: Settings, folder: Path, *given: Any) -> str:
    configure(settings, folder, *given)
    with pytest.raises(ImproperlyConfigured) as raised:
        entries()
    assert SECRET not in str(raised.value)
    return str(raised.value)


def test_an_entry_with_only_name_and_url_has_the_defaults(
    settings: Settings, tmp_path: Path
) -> None:
    configure(settings, tmp_path, {})
    assert entries() == (Entry("bot", "https://bot.example/twilio"),)
    assert (entries()[0].answer, entries()[0].media) == (Answer.APP, Media.HOLD)


def test_every_value_can_be_set(settings: Settings, tmp_path: Path) -> None:
    given = {
        "connect": "http://bot:3000/",
        "accounts": [make.ACCOUNT],
        "to": ["+15550000001", "whatsapp:+15550000001"],
        "sources": ["messaging"],
        "answer": "empty",
        "media": "leave",
        "hold": "2m",
        "sign": "keep",
        "retry": "all",
        "on_failure": "pass",
        "pace": "0.5/s",
    }
    configure(settings, tmp_path, given)
    (entry,) = entries()
    assert (entry.connect, entry.hold_s, entry.pace) == ("http://bot:3000", 120.0, 0.5)
    assert (entry.sign, entry.retry, entry.on_failure) == ("keep", "all", "pass")
    assert check_messages() == []


def test_there_are_no_entries_without_a_gateway_file() -> None:
    assert entries() == ()


def test_a_webhook_matches_entries_by_account_number_and_source(
    settings: Settings, tmp_path: Path
) -> None:
    one = {"name": "one", "to": ["+15550000001"], "sources": ["messaging"]}
    configure(settings, tmp_path, one, {"name": "all", "answer": "empty"})

    def names(to: str, source: str) -> list[str]:
        return [entry.name for entry in entries_for(make.ACCOUNT, to, source)]

    assert names("+15550000001", "messaging") == ["one", "all"]
    assert names("+15550000009", "messaging") == ["all"]
    assert names("+15550000001", "recording") == ["all"]


def test_an_entry_is_found_by_name_and_an_unknown_name_returns_none(
    settings: Settings, tmp_path: Path
) -> None:
    configure(settings, tmp_path, {})
    assert entry_named("bot") == entries()[0]
    assert entry_named("another") is None


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("bot", "must be an object with no keys but name, url, connect"),
        ({"ulr": "x"}, "must be an object with no keys but name, url, connect"),
        ({"name": "A bot"}, "name must be up to 40 lower-case letters"),
        ({"name": None}, "name must be up to 40 lower-case letters"),
        ({"url": None}, "(bot): url must be an https URL such as"),
        ({"url": "chat.example"}, "(bot): url must be an https URL such as"),
        ({"url": "ftp://chat.example"}, "(bot): url must be an https URL such as"),
        ({"url": "https://bot.example:0/"}, "(bot): url must be an https URL such as"),
        ({"url": f"http://u:{SECRET}@bot.example/"}, "(bot): url must be https: plain http"),
        ({"url": "https://bot.example/#rc=2"}, "(bot): url must not have a fragment"),
        ({"url": "https://media.example.com/x"}, "(bot): url leads to this service itself"),
        ({"url": "http://localhost:8000/x"}, "(bot): url leads to this service itself"),
        ({"connect": "http://media.example.com"}, "(bot): connect leads to this service itself"),
        ({"connect": "http://127.0.0.1:8000"}, "(bot): connect leads to this service itself"),
        ({"connect": "http://bot:3000/path"}, "(bot): connect must be an origin"),
        ({"connect": f"http://u:{SECRET}@bot:3000"}, "(bot): connect must not have a user"),
        ({"connect": 3000}, "(bot): connect must be an origin"),
        ({"accounts": ["AC1"]}, "(bot): accounts must be a list of account SIDs"),
        ({"to": "+15550000001"}, "(bot): to must be a list of addresses"),
        ({"to": ["+1 555"]}, "(bot): to must be a list of addresses"),
        ({"sources": ["voice"]}, "sources must be a list of messaging or recording or conv"),
        ({"answer": "later"}, "(bot): answer must be app or empty"),
        ({"answer": ["app"]}, "(bot): answer must be app or empty"),
        ({"media": "link"}, "(bot): media must be hold or leave"),
        ({"sign": "both"}, "(bot): sign must be url or keep"),
        ({"retry": "never"}, "(bot): retry must be sure or all"),
        ({"on_failure": "502"}, "(bot): on_failure must be later or pass"),
        ({"hold": "soon"}, "(bot): hold must be a duration"),
        ({"hold": 60}, "(bot): hold must be a duration"),
        ({"hold": "2h"}, "(bot): hold must be a duration such as 60s, up to 1h"),
        ({"pace": "2"}, "(bot): pace must be deliveries per second"),
        ({"pace": "0/s"}, "(bot): pace must be deliveries per second"),
    ],
    ids=str,
)
def test_an_invalid_value_is_refused_with_an_explanation(
    settings: Settings, tmp_path: Path, entry: Any, sentence: str
) -> None:
    error = problem(settings, tmp_path, entry)
    assert f"GATEWAY_FILE ({settings.GATEWAY_FILE}), entry 1" in error
    assert sentence in error
    assert only_message("mediapipe.E012").startswith(error)


def test_plain_http_is_accepted_for_this_machine_or_with_connect(
    settings: Settings, tmp_path: Path
) -> None:
    connected = {"name": "b", "url": "http://bot.lan/", "connect": "http://10.0.0.5:3000"}
    here = {"name": "c", "url": "http://127.0.0.1:3000/", "answer": "empty"}
    configure(settings, tmp_path, connected, here)
    assert len(entries()) == 2


def test_two_entries_with_the_same_name_are_refused(settings: Settings, tmp_path: Path) -> None:
    assert "two entries are named bot" in problem(settings, tmp_path, {}, {"answer": "empty"})


def test_two_apps_cannot_both_answer_one_webhook(settings: Settings, tmp_path: Path) -> None:
    one, two = {"to": ["+1555", "+1556"]}, {"name": "two", "to": ["+1556"]}
    error = problem(settings, tmp_path, one, two)
    assert "bot and two both have answer app, and one webhook could fit both" in error


@pytest.mark.parametrize(
    "entry_pair",
    [
        ({"to": ["+1555"]}, {"to": ["+1556"]}),
        ({"accounts": [make.ACCOUNT]}, {"accounts": [OTHER]}),
        ({"sources": ["messaging"]}, {"sources": ["recording"]}),
        ({}, {"answer": "empty"}),
    ],
    ids=str,
)
def test_two_apps_may_answer_different_webhooks(
    settings: Settings, tmp_path: Path, entry_pair: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    configure(settings, tmp_path, entry_pair[0], entry_pair[1] | {"name": "two"})
    assert len(entries()) == 2


def test_an_account_without_an_auth_token_is_refused(settings: Settings, tmp_path: Path) -> None:
    configure(settings, tmp_path, {"accounts": [OTHER]})
    assert f"bot names the account {OTHER}" in only_message("mediapipe.E014")


def test_deleting_media_at_twilio_before_the_app_could_fetch_it_is_refused(
    settings: Settings, tmp_path: Path
) -> None:
    configure(settings, tmp_path, {})
    settings.TWILIO_AFTER_STORING, settings.TWILIO_DELETE_AFTER_S = "delete", 3600.0
    assert "could fetch it: bot." in only_message("mediapipe.E015")
    settings.TWILIO_DELETE_AFTER_S = 86400.0
    assert check_messages() == []


@pytest.mark.parametrize("budget_s", [0.0, 15.0])
def test_a_budget_of_zero_or_beyond_twilios_timeout_is_refused(
    settings: Settings, budget_s: float
) -> None:
    settings.GATEWAY_BUDGET_S = budget_s
    assert "GATEWAY_BUDGET" in only_message("mediapipe.E013")
