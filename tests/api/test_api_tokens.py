"""A valid token opens the API; wrong ones are refused, rate-limited, and never logged."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from mediapipe.api import access
from mediapipe.api.access import MAX_WRONG_PER_MINUTE, WrongTokens
from mediapipe.models import ApiToken
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "/api/v1/media"
WRONG = "mediapipe_" + "x" * 43


@pytest.fixture(autouse=True)
def no_wrong_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "wrong_tokens", WrongTokens())


def made(name: str = "crm", *options: str) -> str:
    """Return a new token, as the command prints it."""
    out = StringIO()
    call_command("api_token", "make", name, *options, stdout=out, stderr=StringIO())
    return out.getvalue().strip()


def get(client: Client, token: str, url: str = URL) -> Any:
    return client.get(url, headers={"Authorization": f"Bearer {token}"})


def test_a_token_from_the_command_gives_access_to_the_api(client: Client) -> None:
    assert get(client, made()).status_code == 200


def test_only_the_hash_of_a_token_is_stored() -> None:
    token = made()
    assert token not in str(ApiToken.objects.values())


def test_the_last_use_of_a_token_is_recorded(client: Client) -> None:
    token = made()
    get(client, token)
    assert ApiToken.objects.get().last_used_at is not None


def test_a_revoked_token_is_refused(client: Client) -> None:
    token = made()
    call_command("api_token", "revoke", "crm", stdout=StringIO())
    assert get(client, token).status_code == 401


def test_an_expired_token_is_refused_with_its_expiry_time(client: Client) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        token = made("crm", "--expires", "90d")
        assert get(client, token).status_code == 200
        clock.shift(timedelta(days=90))
        answer = get(client, token)
        assert answer.status_code == 401
        assert answer.json()["detail"].startswith("The token expired at 2026-05-30T12:00:00Z:")


def test_the_expiry_of_a_token_is_read_in_the_configured_time_zone(settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    made("crm", "--expires", "2099-01-31T05:30")
    assert ApiToken.objects.get().expires_at == datetime(2099, 1, 31, tzinfo=UTC)


def test_expired_tokens_do_not_count_as_wrong_ones(client: Client) -> None:
    token = made("crm", "--expires", "1s")
    ApiToken.objects.update(expires_at=timezone.now())
    answers = {get(client, token).status_code for _ in range(MAX_WRONG_PER_MINUTE + 1)}
    assert answers == {401}


@pytest.mark.parametrize("text", ["2026-01-01", "0s", "never", "999999d", "9999-01-01"])
def test_an_invalid_or_past_expiry_is_refused_and_creates_no_token(text: str) -> None:
    with pytest.raises(CommandError, match="--expires"):
        made("crm", "--expires", text)
    assert not ApiToken.objects.exists()


def test_administrators_see_when_a_token_expires(admin_client: Client) -> None:
    made("crm", "--expires", "2099-01-31")
    page = admin_client.get("/admin/mediapipe/apitoken/").content.decode()
    assert "2099" in page


@pytest.mark.parametrize(
    "header", ["Bearer", f"Bearer {WRONG}", "Basic YTpi", "Bearer é", "x" * 999]
)
def test_a_header_without_a_valid_token_is_refused_with_a_401(client: Client, header: str) -> None:
    answer = client.get(URL, headers={"Authorization": header})
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["error"] == "not_authorized"


def test_the_error_for_a_missing_token_explains_how_to_send_one(client: Client) -> None:
    assert "Authorization: Bearer" in client.get(URL).json()["detail"]


def test_an_admin_login_gives_no_access_to_the_api(admin_client: Client) -> None:
    assert admin_client.get(URL).status_code == 401


def test_every_method_that_writes_is_refused_with_a_405() -> None:
    client = Client(enforce_csrf_checks=True)
    token = made()
    for method in (client.post, client.put, client.patch, client.delete):
        answer = method(URL, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 405


def test_too_many_wrong_tokens_get_a_429_while_a_valid_token_still_works(client: Client) -> None:
    token = made()
    answers = [get(client, WRONG).status_code for _ in range(MAX_WRONG_PER_MINUTE + 2)]
    assert answers == [401] * MAX_WRONG_PER_MINUTE + [429] * 2
    assert get(client, WRONG)["Retry-After"] == "60"
    assert get(client, token).status_code == 200


def test_a_flood_of_wrong_tokens_is_one_log_line_per_status_without_the_tokens(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        for _ in range(3 * MAX_WRONG_PER_MINUTE):
            get(client, WRONG)
    lines = [record for record in caplog.records if record.name.startswith("mediapipe")]
    assert len(lines) == 2
    assert WRONG not in caplog.text


def test_a_token_for_an_account_gives_access_only_to_its_media(client: Client) -> None:
    own, other = make.media(), make.store(make.claimed(make.message(account_sid=make.sid("AC"))))
    token = made("crm", "--account", make.ACCOUNT)
    assert [item["id"] for item in get(client, token).json()["media"]] == [own.pk]
    assert get(client, token, f"{URL}/{own.pk}").status_code == 200
    hidden = [f"{URL}?sid={other.media_sid}", f"{URL}?sid={other.account_sid}"]
    assert [get(client, token, url).json()["media"] for url in hidden] == [[], []]
    for url in (f"{URL}/{other.pk}", f"{URL}/{other.pk}/link"):
        assert get(client, token, url).json() == get(client, token, f"{URL}/9999").json()


def test_a_token_for_an_account_that_is_not_configured_is_not_created() -> None:
    with pytest.raises(CommandError, match=f"is not a configured account. Known: {make.ACCOUNT}"):
        made("crm", "--account", make.sid("AC"))
    assert not ApiToken.objects.exists()


def test_a_token_name_that_is_already_in_use_is_refused() -> None:
    made()
    with pytest.raises(CommandError, match="choose another one"):
        made()


def test_a_token_that_does_not_exist_cannot_be_revoked() -> None:
    with pytest.raises(CommandError, match="No valid token is named 'crm'"):
        call_command("api_token", "revoke", "crm")


def test_the_list_shows_each_token_without_its_text() -> None:
    text = made("crm")
    made("shop", "--account", make.ACCOUNT)
    call_command("api_token", "revoke", "shop", stdout=StringIO())
    out = StringIO()
    call_command("api_token", "list", stdout=out)
    assert out.getvalue().splitlines() == [
        "crm: valid, last used never, all accounts",
        f"shop: revoked, last used never, {make.ACCOUNT}",
    ]
    assert text not in out.getvalue()
