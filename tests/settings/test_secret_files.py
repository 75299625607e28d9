"""A secret can be in a file that NAME_FILE names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from pytest_django import Settings

from mediapipe.operations.error_pages import SecretsFilter
from mediapipe.settings import broker, database, storage
from mediapipe.settings.secret_files import SECRETS, with_secret_files
from tests.support.commands import ROOT, manage
from tests.support.configuration import CANARY, env, settings_names

# Names that look like those of secrets. A URL may contain a password, or be a secret itself.
LOOKS_SECRET = re.compile("TOKEN|SECRET|PASSWORD|DSN|_KEY$|_URL$|_PROXY$")
# A SID, a path, origins of Twilio, a bucket without a key, and a link that every user sees.
NO_SECRETS = {
    "DOCS_URL",
    "REMOTE_LOGOUT_URL",
    "STORAGE_URL",
    "TWILIO_API_KEY",
    "TWILIO_API_URL",
    "TWILIO_MCS_URL",
}


def written(folder: Path, content: str | bytes) -> str:
    path = folder / "secret"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def refusal(**environ: str) -> str:
    """Return the message for this environment; it never shows a secret."""
    with pytest.raises(ImproperlyConfigured) as raised:
        with_secret_files(environ)
    assert CANARY not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_can_be_in_a_file(name: str, tmp_path: Path) -> None:
    environ = {f"{name}_FILE": written(tmp_path, CANARY)}
    assert with_secret_files(environ)[name] == CANARY
    assert name not in environ


def test_a_line_break_at_the_end_of_the_file_is_not_part_of_the_secret(tmp_path: Path) -> None:
    environ = {"SENTRY_DSN_FILE": written(tmp_path, f"{CANARY}\r\n")}
    assert with_secret_files(environ)["SENTRY_DSN"] == CANARY


def test_an_empty_variable_is_treated_as_unset(tmp_path: Path) -> None:
    path = written(tmp_path, CANARY)
    assert with_secret_files({"SENTRY_DSN": "", "SENTRY_DSN_FILE": path})["SENTRY_DSN"] == CANARY
    assert with_secret_files({"SENTRY_DSN": "a", "SENTRY_DSN_FILE": ""})["SENTRY_DSN"] == "a"


def test_a_secret_that_is_set_both_directly_and_by_a_file_is_refused(tmp_path: Path) -> None:
    message = refusal(EMAIL_URL=CANARY, EMAIL_URL_FILE=written(tmp_path, CANARY))
    assert message.startswith("EMAIL_URL and EMAIL_URL_FILE are both set")


def test_a_missing_file_is_refused_with_its_name(tmp_path: Path) -> None:
    message = refusal(EMAIL_URL_FILE=f"{tmp_path}/absent")
    assert message.startswith(
        f"EMAIL_URL_FILE names {tmp_path}/absent, which cannot be read: No such file or directory."
    )


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    # Docker mounts a folder in place of a file that does not exist.
    assert "which cannot be read: Is a directory." in refusal(EMAIL_URL_FILE=str(tmp_path))


@pytest.mark.parametrize("content", ["", "\n", f"{CANARY}\n{CANARY}", f"{CANARY}\r{CANARY}"])
def test_a_file_without_exactly_one_line_is_refused(content: str, tmp_path: Path) -> None:
    message = refusal(EMAIL_URL_FILE=written(tmp_path, content))
    assert "which must have one line, the secret." in message


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    message = refusal(EMAIL_URL_FILE=written(tmp_path, f"{CANARY}\xff".encode("latin-1")))
    assert "which is not text in UTF-8." in message


def test_a_setting_whose_own_name_ends_in_file_is_not_read_as_a_secret_file(tmp_path: Path) -> None:
    environ = {"TWILIO_ACCOUNTS_FILE": written(tmp_path, "[]"), "HEARTBEAT_FILE": "/tmp/beat"}  # noqa: S108
    assert with_secret_files(environ) == environ


def test_every_setting_with_a_secret_looking_name_is_listed_as_a_secret() -> None:
    looks_secret = {name for name in settings_names() if LOOKS_SECRET.search(name)}
    assert looks_secret - NO_SECRETS == set(SECRETS)


def test_the_configuration_page_lists_every_secret() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    section = page.partition("## Secrets in files")[2].partition("\n## ")[0]
    lists = " ".join(re.findall(r"^\* .+(?:\n  .+)*", section, re.MULTILINE))
    assert sorted(re.findall(r"`([A-Z_]+)`", lists)) == sorted(SECRETS)


def test_a_secret_file_is_read_and_the_secret_is_not_put_in_the_environment(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a key of at least 32 characters.\n")
    done = manage(
        "shell",
        "--no-imports",
        "--command",
        "import os; from django.conf import settings; "
        "print(settings.SECRET_KEY, os.environ['DJANGO_SECRET_KEY'] or 'inherited nothing')",
        data_dir=tmp_path,
        DJANGO_SECRET_KEY_FILE=str(secret),
    )
    assert (done.stdout, done.stderr) == (
        "a key of at least 32 characters. inherited nothing\n",
        "",
    )


def test_a_bad_secret_file_stops_the_start_with_one_line(tmp_path: Path) -> None:
    done = manage("check", data_dir=tmp_path, DATABASE_URL_FILE=f"{tmp_path}/absent")
    assert done.returncode == 1
    assert done.stderr.startswith("error: DATABASE_URL_FILE names ")
    assert done.stderr.count("\n") == 1


def test_the_database_password_can_be_separate_from_the_url() -> None:
    url = "postgres://mediapipe@db:5432/mediapipe"
    options = database.connection(env(NAME=url), "NAME", Path("unused"), "p@ss/word")
    assert options["PASSWORD"] == "p@ss/word"
    assert options["USER"] == "mediapipe"


@pytest.mark.parametrize(
    ("url", "complete"),
    [
        ("amqp://mp@rabbit:5672/vhost", "amqp://mp:p%40ss%2Fword@rabbit:5672/vhost"),
        ("amqp://mp:old@rabbit:5672//", "amqp://mp:p%40ss%2Fword@rabbit:5672//"),
        ("rediss://redis:6379/0?a=b", "rediss://:p%40ss%2Fword@redis:6379/0?a=b"),
        ("redis+socket:///data/broker.sock", "redis+socket:///data/broker.sock"),
    ],
)
def test_the_broker_password_can_be_separate_from_the_url(url: str, complete: str) -> None:
    assert broker.with_password(url, "p@ss/word") == complete
    assert broker.with_password(url, "") == url


def test_the_secret_key_of_the_storage_is_passed_on_if_it_is_set() -> None:
    media = storage.media("s3://bucket", "", CANARY)
    assert media["OPTIONS"]["secret_key"] == CANARY
    assert "secret_key" not in storage.media("s3://bucket", "")["OPTIONS"]


def test_the_error_page_for_developers_shows_no_secret(settings: Settings) -> None:
    for name in SECRETS:
        setattr(settings, name, CANARY)
    settings.OTHER_BASE_URLS = [f"https://user:{CANARY}@media.example.com"]
    assert CANARY not in str(SecretsFilter().get_safe_settings())
    request = HttpRequest()
    request.META = dict.fromkeys(SECRETS, CANARY)
    assert CANARY not in str(SecretsFilter().get_safe_request_meta(request))
    assert settings.DEFAULT_EXCEPTION_REPORTER_FILTER.endswith(".SecretsFilter")
