import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from mediapipe.providers.twilio.accounts import Account, accounts

FIRST, SECOND = "AC" + "1" * 32, "AC" + "2" * 32
SECRET = "c0ffee" * 6

Write = Callable[[str | bytes], None]


@pytest.fixture(autouse=True)
def no_account(settings: Settings) -> None:
    settings.TWILIO_ACCOUNT_SID = settings.TWILIO_AUTH_TOKEN = settings.TWILIO_ACCOUNTS_FILE = ""
    settings.TWILIO_API_KEY = settings.TWILIO_API_SECRET = ""


@pytest.fixture
def write(settings: Settings, tmp_path: Path) -> Write:
    def write_file(content: str | bytes) -> None:
        path = tmp_path / "accounts.json"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        settings.TWILIO_ACCOUNTS_FILE = str(path)

    return write_file


def pairs(account: Account) -> list[tuple[str, str]]:
    return [(one.username, one.password) for one in account.credentials()]


def problem() -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        accounts()
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_one_account_is_read_from_the_settings(settings: Settings) -> None:
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = FIRST, "new, old,"
    assert list(accounts()) == [FIRST]
    assert pairs(accounts()[FIRST]) == [(FIRST, "new"), (FIRST, "old")]


def test_there_are_no_accounts_if_none_is_configured() -> None:
    assert accounts() == {}


def test_an_api_key_is_tried_before_the_tokens(settings: Settings) -> None:
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = FIRST, "token"
    settings.TWILIO_API_KEY, settings.TWILIO_API_SECRET = "SK1", "secret"
    assert pairs(accounts()[FIRST]) == [("SK1", "secret"), (FIRST, "token")]


def test_more_accounts_are_read_from_the_accounts_file(settings: Settings, write: Write) -> None:
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = FIRST, "token"
    write(json.dumps([{"account_sid": SECOND, "api_key": "SK2", "api_secret": "secret"}]))
    assert list(accounts()) == [FIRST, SECOND]
    assert pairs(accounts()[SECOND]) == [("SK2", "secret")]


def test_a_byte_order_mark_in_the_accounts_file_is_ignored(write: Write) -> None:
    write(b"\xef\xbb\xbf[]")
    assert accounts() == {}


def test_the_accounts_are_read_once(write: Write) -> None:
    write("[]")
    assert accounts() is accounts()


def test_no_repr_shows_a_secret() -> None:
    account = Account(FIRST, (SECRET,), "SK1", SECRET)
    assert SECRET not in repr(account)
    assert SECRET not in repr(account.credentials())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f'[{{"account_sid": "{SECRET}"', "is not JSON: Expecting ',' delimiter in line 1"),
        (SECRET.encode() + b"\xff", "is not UTF-8"),
        (f'{{"{SECRET}": 1}}', "must hold a list"),
        (f'["{SECRET}"]', "entry 1 must be an object"),
        (f'[{{"account_sid": "{FIRST}", "{SECRET}": ""}}]', "entry 1 must be an object"),
        (f'[{{"auth_tokens": ["{SECRET}"]}}]', "the account SID must be AC"),
        (f'[{{"account_sid": "{SECRET}"}}]', "the account SID must be AC"),
        (f'[{{"account_sid": 7, "api_key": "{SECRET}"}}]', "every value must be a string"),
        (f'[{{"account_sid": "{FIRST}", "auth_tokens": "{SECRET}"}}]', "a list of strings"),
        (f'[{{"account_sid": "{FIRST}", "auth_tokens": [7]}}]', "every value must be a string"),
        (f'[{{"account_sid": "{FIRST}", "auth_tokens": [""]}}]', "a token is empty"),
        (f'[{{"account_sid": "{FIRST}", "auth_tokens": ["{SECRET} "]}}]', "blank or non-ASCII"),
        (f'[{{"account_sid": "{FIRST}", "auth_tokens": ["“{SECRET}”"]}}]', "blank or non-ASCII"),
        (f'[{{"account_sid": "{FIRST}", "api_secret": "{SECRET}"}}]', "go together"),
        (f'[{{"account_sid": "{FIRST}"}}, {{"account_sid": "{FIRST}"}}]', "configured twice"),
    ],
)
def test_the_error_for_a_malformed_accounts_file_shows_no_secret(
    write: Write, content: str | bytes, words: str
) -> None:
    write(content)
    assert words in problem()


def test_the_error_names_the_accounts_file_and_the_entry(settings: Settings, write: Write) -> None:
    write("[{}]")
    assert f"TWILIO_ACCOUNTS_FILE ({settings.TWILIO_ACCOUNTS_FILE}), entry 1" in problem()


def test_the_error_names_a_missing_accounts_file(settings: Settings, tmp_path: Path) -> None:
    settings.TWILIO_ACCOUNTS_FILE = str(tmp_path / "none.json")
    assert "none.json) cannot be read: No such file or directory" in problem()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TWILIO_ACCOUNT_SID", SECRET, "the account SID must be AC"),
        ("TWILIO_AUTH_TOKEN", SECRET, "the account SID must be AC"),
        ("TWILIO_API_KEY", SECRET, "the account SID must be AC"),
    ],
)
def test_an_incomplete_or_invalid_account_in_the_settings_is_refused(
    settings: Settings, name: str, value: str, words: str
) -> None:
    setattr(settings, name, value)
    assert words in problem()


def test_an_account_in_both_the_settings_and_the_file_is_refused(
    settings: Settings, write: Write
) -> None:
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = FIRST, SECRET
    write(json.dumps([{"account_sid": FIRST, "auth_tokens": [SECRET]}]))
    assert problem() == f"The Twilio account {FIRST} is configured twice."
