"""Misconfiguration is reported at startup with the name of the variable, and without secrets."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pytest_django import Settings

from mediapipe.fetching.http.proxy import Proxy
from mediapipe.operations import checks
from tests.support import make
from tests.support.commands import manage
from tests.support.configuration import CANARY, check_messages, only_message

PRODUCTION = {
    "PUBLIC_BASE_URL": "https://media.example.com",
    "DJANGO_SECRET_KEY": "k3y-" * 13 + "abcdefgh",
    "DATABASE_URL": "postgres://user:password@db.example/mediapipe",
    "CELERY_BROKER_URL": "amqps://user:password@mq.example//",
    "MONITORING_TOKEN": "t0ken-" * 8,
}
WARNINGS = [
    "mediapipe.W001",
    "mediapipe.W010",
    *(f"security.W{number:03}" for number in range(1, 30)),
]


def accounts_file(settings: Settings, tmp_path: Path, content: object) -> None:
    """Make this file the only place where accounts are configured."""
    path = tmp_path / "accounts.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    settings.TWILIO_ACCOUNT_SID = settings.TWILIO_AUTH_TOKEN = ""
    settings.TWILIO_ACCOUNTS_FILE = str(path)


def test_every_check_has_its_own_id() -> None:
    ids = re.findall(r'id="([^"]+)"', Path(checks.__file__).read_text())
    assert len(ids) == len(set(ids)) > 8


def test_a_valid_configuration_produces_no_messages() -> None:
    assert check_messages() == []


@pytest.mark.parametrize("name", ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"])
def test_without_any_account_the_error_names_both_settings(settings: Settings, name: str) -> None:
    settings.TWILIO_ACCOUNT_SID = settings.TWILIO_AUTH_TOKEN = ""
    assert name in only_message("mediapipe.E001")


@pytest.mark.parametrize("tokens", ["", ","])
def test_an_account_without_an_auth_token_is_an_error(settings: Settings, tokens: str) -> None:
    settings.TWILIO_AUTH_TOKEN = tokens
    settings.TWILIO_API_KEY, settings.TWILIO_API_SECRET = make.sid("SK"), CANARY
    assert only_message("mediapipe.E001").startswith("No value for TWILIO_AUTH_TOKEN:")


def test_accounts_may_be_configured_in_a_file_alone(settings: Settings, tmp_path: Path) -> None:
    accounts_file(settings, tmp_path, [{"account_sid": make.ACCOUNT, "auth_tokens": [CANARY]}])
    assert check_messages() == []


@pytest.mark.parametrize("content", [[], [{"account_sid": make.ACCOUNT}]])
def test_an_accounts_file_without_an_auth_token_is_an_error(
    settings: Settings, tmp_path: Path, content: object
) -> None:
    accounts_file(settings, tmp_path, content)
    assert "TWILIO_ACCOUNTS_FILE" in only_message("mediapipe.E001")


@pytest.mark.parametrize(
    "content",
    [
        f'[{{"auth_tokens": ["{CANARY}"',
        {"account_sid": make.ACCOUNT, "auth_tokens": [CANARY]},
        [{"account_sid": make.ACCOUNT, "auth_tokens": CANARY}],
        [{"account_sid": CANARY}],
        [{"account_sid": make.ACCOUNT, CANARY: "auth_tokens"}],
    ],
)
def test_an_invalid_accounts_file_is_an_error(
    settings: Settings, tmp_path: Path, content: object
) -> None:
    accounts_file(settings, tmp_path, content)
    assert str(tmp_path) in only_message("mediapipe.E005")


def test_a_missing_accounts_file_is_an_error(settings: Settings) -> None:
    settings.TWILIO_ACCOUNTS_FILE = "/nowhere/accounts.json"
    assert "No such file" in only_message("mediapipe.E005")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWILIO_ACCOUNT_SID", ""),
        ("TWILIO_ACCOUNT_SID", CANARY),
        ("TWILIO_AUTH_TOKEN", f"{CANARY} {CANARY}"),
        ("TWILIO_API_SECRET", CANARY),
    ],
)
def test_an_account_with_malformed_or_incomplete_settings_is_an_error(
    settings: Settings, name: str, value: str
) -> None:
    setattr(settings, name, value)
    assert "TWILIO_ACCOUNT_SID" in only_message("mediapipe.E005")


def test_a_media_folder_that_cannot_be_created_is_an_error(settings: Settings) -> None:
    settings.MEDIA_ROOT = "/dev/null/media"
    assert "MEDIA_ROOT /dev/null/media cannot be written" in only_message("mediapipe.E002")


def test_a_media_folder_that_is_read_only_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    # Tests may run as root, who may write everywhere.
    monkeypatch.setattr("mediapipe.operations.checks.os.access", lambda *_: False)
    assert "read-only" in only_message("mediapipe.E002")


def test_a_bucket_needs_no_media_folder(settings: Settings) -> None:
    settings.STORAGE_URL, settings.MEDIA_ROOT = "s3://bucket/prefix", "/dev/null/media"
    assert check_messages() == []


@pytest.mark.parametrize(("window_s", "ids"), [(3299, []), (3300, ["mediapipe.E003"])])
def test_the_fast_window_must_end_before_the_broker_redelivers_messages(
    settings: Settings, window_s: float, ids: list[str]
) -> None:
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
    settings.MEDIA_TOTAL_TIMEOUT_S, settings.RETRY_FAST_WINDOW_S = 300, window_s
    assert [message.id for message in check_messages()] == ids


def test_a_broker_that_never_redelivers_allows_any_fast_window(settings: Settings) -> None:
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {}
    settings.RETRY_FAST_WINDOW_S = 10**6
    assert check_messages() == []


def test_the_warning_about_a_low_recording_limit_states_it_in_minutes(settings: Settings) -> None:
    settings.MEDIA_MAX_RECORDING_BYTES = settings.MEDIA_MAX_BYTES
    message = only_message("mediapipe.W009")
    assert "longer than 54 minutes will fail as too_large" in message


def test_a_recording_limit_that_fits_the_longest_call_is_accepted(settings: Settings) -> None:
    settings.MEDIA_MAX_RECORDING_BYTES = 460_800_044
    assert check_messages() == []


@pytest.mark.parametrize("host", ["http://127.0.0.1:9701", "https://twilio.example"])
def test_an_http_or_https_origin_is_accepted_as_an_api_host(settings: Settings, host: str) -> None:
    settings.TWILIO_API_HOSTS = [host]
    assert check_messages() == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1:9701", "ftp://h", "http://h/path", f"http://user:{CANARY}@h", "http://"]
)
def test_an_api_host_that_is_not_an_origin_is_an_error(settings: Settings, host: str) -> None:
    settings.TWILIO_API_HOSTS = ["http://127.0.0.1:9701", host]
    assert "TWILIO_API_HOSTS, entry 2" in only_message("mediapipe.E004")


@pytest.mark.parametrize("url", ["", "http://media.example.com"])
def test_a_deployment_without_https_is_a_warning(settings: Settings, url: str) -> None:
    settings.PUBLIC_BASE_URL = url
    assert [message.id for message in check_messages(deploy=True)] == ["mediapipe.W001"]
    assert check_messages() == []


def test_a_deployment_behind_https_produces_no_warnings(tmp_path: Path) -> None:
    ended = manage("check", "--deploy", "--fail-level=WARNING", data_dir=tmp_path, **PRODUCTION)
    assert ended.returncode == 0, ended.stderr
    assert "no issues" in ended.stdout


@pytest.mark.parametrize(
    ("change", "ids"),
    [
        ({"DJANGO_HSTS_SECONDS": "0"}, ["security.W004"]),
        ({"DJANGO_DEBUG": "true"}, ["security.W018"]),
        ({"MONITORING_TOKEN": ""}, ["mediapipe.W010"]),
        ({"DJANGO_SECRET_KEY": "k" * 40}, ["security.W009"]),
        (
            {"PUBLIC_BASE_URL": ""},
            ["mediapipe.W001", "security.W004", "security.W012", "security.W016"],
        ),
    ],
)
def test_an_unsafe_deployment_setting_fails_the_check_with_a_warning(
    tmp_path: Path, change: dict[str, str], ids: list[str]
) -> None:
    environment = PRODUCTION | change
    ended = manage("check", "--deploy", "--fail-level=WARNING", data_dir=tmp_path, **environment)
    assert ended.returncode == 1
    assert [id for id in WARNINGS if id in ended.stderr] == ids


def test_a_missing_auth_token_is_reported_without_a_traceback_or_secrets(tmp_path: Path) -> None:
    ended = manage("check", data_dir=tmp_path, TWILIO_AUTH_TOKEN="", TWILIO_API_SECRET=CANARY)
    assert ended.returncode == 1
    assert "TWILIO_AUTH_TOKEN" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert CANARY not in ended.stderr


@pytest.mark.parametrize(
    ("public", "believed"),
    [("https://media.example.com", "True"), ("http://media.example.com", "False"), ("", "False")],
)
def test_x_forwarded_proto_is_trusted_only_with_an_https_public_base_url(
    tmp_path: Path, public: str, believed: str
) -> None:
    question = (
        "from django.test import RequestFactory; "
        "print(RequestFactory().get('/', headers={'X-Forwarded-Proto': 'https'}).is_secure())"
    )
    result = manage("shell", "-v0", "-c", question, data_dir=tmp_path, PUBLIC_BASE_URL=public)
    assert result.stdout.strip() == believed


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_variable_that_the_service_ignores_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, f"http://ann:{CANARY}@proxy.example:3128")
    message = only_message("mediapipe.W003")
    assert f": {variable.upper()}. " in message
    assert "MEDIA_PROXY" in message


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_ca_variable_that_the_service_ignores_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "/etc/ssl/company-ca.pem")
    message = only_message("mediapipe.W003")
    assert f": {variable}. " in message
    assert "MEDIA_CA_FILE" in message


def test_proxy_and_ca_variables_cause_no_warning_with_our_own_settings(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/ssl/company-ca.pem")
    settings.MEDIA_PROXY = Proxy("proxy.example", 3128)
    settings.MEDIA_CA_CERTIFICATES = "PEM"
    assert check_messages() == []
