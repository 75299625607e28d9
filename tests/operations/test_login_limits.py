"""Guessing passwords is slow for everyone, and the right password still works."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from mediapipe.operations import login_limits
from mediapipe.operations.login_limits import (
    BURST,
    FREE_FAILURES,
    INTERVAL_S,
    MAX_DELAY_S,
    MAX_HASHES,
    LoginLimits,
    TooManyAttempts,
)

PASSWORD = "a long pass phrase"
WRONG = "wrong"


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Make the login limits use a clock that the test sets."""
    clock = Clock()
    monkeypatch.setattr(login_limits, "limits", LoginLimits(clock))
    return clock


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_superuser("ada", password=PASSWORD)


def log_in(client: Client, name: str = "ada", password: str = WRONG) -> Any:
    return client.post(reverse("admin:login"), {"username": name, "password": password})


def statuses(client: Client, attempts: int, name: str = "ada") -> list[int]:
    return [log_in(client, name).status_code for _ in range(attempts)]


@pytest.mark.usefixtures("ada", "clock")
def test_a_user_can_log_in_after_a_few_mistyped_passwords() -> None:
    client = Client()
    assert statuses(client, FREE_FAILURES - 1) == [200] * (FREE_FAILURES - 1)
    assert log_in(client, password=PASSWORD).status_code == 302


@pytest.mark.usefixtures("ada")
def test_a_guess_after_several_failures_is_refused_before_hashing(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client()
    statuses(client, FREE_FAILURES)
    monkeypatch.setattr(User, "check_password", lambda *arguments: pytest.fail("it was hashed"))
    answer = log_in(client, password=PASSWORD)
    assert (answer.status_code, answer["Retry-After"]) == (429, "1")
    assert "Wait 1 s" in answer.content.decode()


@pytest.mark.usefixtures("ada")
def test_the_right_password_works_after_the_delay(clock: Clock) -> None:
    client = Client()
    statuses(client, FREE_FAILURES)
    clock.now_s += 1
    assert log_in(client, password=PASSWORD).status_code == 302


def test_no_user_is_locked_out_for_longer_than_the_longest_delay(clock: Clock) -> None:
    for _ in range(50):
        clock.now_s += MAX_DELAY_S
        login_limits.limits.check("name ada", lambda: None, is_known=False)
    clock.now_s += MAX_DELAY_S
    assert login_limits.limits.check("name ada", lambda: True, is_known=False)


def test_a_successful_login_resets_the_failure_count(clock: Clock) -> None:
    for _ in range(FREE_FAILURES):
        login_limits.limits.check("name ada", lambda: None, is_known=True)
        clock.now_s += MAX_DELAY_S
    login_limits.limits.check("name ada", lambda: True, is_known=True)
    login_limits.limits.check("name ada", lambda: None, is_known=True)
    assert login_limits.limits.check("name ada", lambda: True, is_known=True)


@pytest.mark.usefixtures("ada")
def test_failed_logins_under_many_names_share_one_limit(clock: Clock) -> None:
    client = Client()
    answers = [log_in(client, f"user{n}").status_code for n in range(BURST + 3)]
    assert answers == [200] * BURST + [429] * 3
    clock.now_s += INTERVAL_S
    assert statuses(client, 2, "another") == [200, 429]


@pytest.mark.usefixtures("ada", "clock")
def test_a_user_can_log_in_from_a_known_browser_while_others_guess() -> None:
    known = Client()
    log_in(known, password=PASSWORD)
    known.post(reverse("admin:logout"))
    assert 429 in statuses(Client(), 3 * BURST)
    assert log_in(known, password=PASSWORD).status_code == 302


@pytest.mark.usefixtures("ada", "clock")
def test_a_browser_known_for_one_user_is_unknown_for_another() -> None:
    User.objects.create_superuser("bob", password=PASSWORD)
    known = Client()
    log_in(known, password=PASSWORD)
    known.post(reverse("admin:logout"))
    statuses(Client(), FREE_FAILURES, "bob")
    assert log_in(known, "bob", PASSWORD).status_code == 429


@pytest.mark.usefixtures("ada", "clock")
def test_guesses_from_a_known_browser_are_limited() -> None:
    known = Client()
    log_in(known, password=PASSWORD)
    known.post(reverse("admin:logout"))
    assert statuses(known, FREE_FAILURES + 1)[-1] == 429


@pytest.mark.usefixtures("clock")
def test_a_failed_login_of_a_logged_in_user_sets_no_known_browser_cookie(
    ada: User, settings: Settings
) -> None:
    client = Client()
    client.force_login(ada)
    assert log_in(client).status_code == 200
    assert settings.KNOWN_BROWSER_COOKIE_NAME not in client.cookies


@pytest.mark.usefixtures("ada", "clock")
def test_a_forged_cookie_does_not_make_a_browser_known(settings: Settings) -> None:
    client = Client()
    client.cookies[settings.KNOWN_BROWSER_COOKIE_NAME] = "WyJhZGEiLCJ4Il0:1abcde:forged"
    assert statuses(client, FREE_FAILURES + 1)[-1] == 429


@pytest.mark.usefixtures("clock")
def test_guesses_of_the_old_password_at_a_password_change_are_limited(ada: User) -> None:
    client = Client()
    client.force_login(ada)
    form = {"old_password": "wrong", "new_password1": PASSWORD, "new_password2": PASSWORD}
    url = reverse("admin:password_change")
    answers = [client.post(url, form).status_code for _ in range(FREE_FAILURES + 1)]
    assert answers == [200] * FREE_FAILURES + [429]


@pytest.mark.usefixtures("clock")
def test_a_user_can_change_the_password(ada: User) -> None:
    client = Client()
    client.force_login(ada)
    new = "another long phrase"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert client.post(reverse("admin:password_change"), form).status_code == 302
    ada.refresh_from_db()
    assert ada.check_password(new)


def test_only_one_unknown_browser_is_served_at_a_time() -> None:
    limits = LoginLimits()

    def second() -> bool:
        with pytest.raises(TooManyAttempts):
            limits.check("name bob", lambda: True, is_known=False)
        return bool(limits.check("browser x", lambda: True, is_known=True))

    assert limits.check("name ada", second, is_known=False)


def test_the_number_of_threads_that_hash_at_once_is_limited(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PASSWORD_HASHERS = ["mediapipe.operations.login_limits.BoundedHasher"]
    monkeypatch.setattr(login_limits.BoundedHasher, "iterations", 1)
    monkeypatch.setattr(login_limits, "HASH_WAIT_S", 0.01)
    encoded = make_password(PASSWORD)
    assert check_password(PASSWORD, encoded)
    monkeypatch.setattr(login_limits, "_hashing", threading.BoundedSemaphore(MAX_HASHES))
    for _ in range(MAX_HASHES):
        login_limits._hashing.acquire()
    with pytest.raises(TooManyAttempts):
        check_password(PASSWORD, encoded)
