"""Limits on guessing passwords, checked before a password is hashed.

Hashing deliberately takes a third of a second of CPU, so unlimited guesses would block webhooks.
All counts are per web process: N processes allow N times as much.
"""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

if TYPE_CHECKING:
    from django.contrib.auth.models import User

T = TypeVar("T")

# After this many failures in a row, each further one doubles the delay before the next attempt.
FREE_FAILURES = 5
MAX_DELAY_S = 30.0
FORGET_AFTER_S = 15 * 60.0
# For all names together: a burst of failures, then one per interval.
BURST = 10
INTERVAL_S = 3.0
# Unknown browsers get one of these; the other is for known ones and for changing a password.
MAX_HASHES = 2
HASH_WAIT_S = 1.0

KNOWN_BROWSER_S = 90 * 86400


class TooManyAttempts(Exception):
    """A password was not checked; the client may try again after `retry_after_s` seconds."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"too many attempts, try again in {retry_after_s:.0f} s")
        self.retry_after_s = max(1, math.ceil(retry_after_s))


class LoginLimits:
    """Counts failed logins per key (a user name or a known browser) and for all names together.

    A lockout would let anyone lock out any user, so failures of a key only delay its next attempt,
    by half a minute at most. A known browser has its own count and is exempt from the limit for all
    names: while others guess a user's password, that user can log in.
    https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._lock = threading.Lock()
        self._guess = threading.Lock()
        # Per key, the failures in a row and the time of the last one.
        self._failures: dict[str, tuple[int, float]] = {}
        # When all failures so far would have happened at one per interval.
        self._scheduled_s = 0.0

    def check(self, key: str, check: Callable[[], T | None], *, is_known: bool) -> T | None:
        """Call `check`, which checks a password, and return its result; a false one is a failure.

        Raise TooManyAttempts instead of waiting. Unknown browsers are served one at a time.
        """
        if not is_known and not self._guess.acquire(blocking=False):
            raise TooManyAttempts(1)
        try:
            self._raise_if_early(key, is_known=is_known)
            result = check()
            self._count(key, has_failed=not result, is_known=is_known)
        finally:
            if not is_known:
                self._guess.release()
        return result

    def _count(self, key: str, *, has_failed: bool, is_known: bool) -> None:
        now = self._now_s()
        with self._lock:
            self._failures = {
                each: (count, at)
                for each, (count, at) in self._failures.items()
                if now - at < FORGET_AFTER_S
            }
            failures, _ = self._failures.pop(key, (0, 0.0))
            if has_failed:
                self._failures[key] = (failures + 1, now)
            if has_failed and not is_known:
                self._scheduled_s = max(self._scheduled_s, now) + INTERVAL_S

    def _raise_if_early(self, key: str, *, is_known: bool) -> None:
        now = self._now_s()
        with self._lock:
            count, at = self._failures.get(key, (0, 0.0))
            waits = [at + _delay_s(count) - now]
            if not is_known:
                waits.append(self._scheduled_s - (BURST - 1) * INTERVAL_S - now)
        if max(waits) > 0:
            raise TooManyAttempts(max(waits))


def _delay_s(failures: int) -> float:
    if failures < FREE_FAILURES:
        return 0.0
    return min(2.0 ** min(failures - FREE_FAILURES, 10), MAX_DELAY_S)


limits = LoginLimits()
_hashing = threading.BoundedSemaphore(MAX_HASHES)


class PasswordBackend(ModelBackend):
    """Django's check of a name and password, within the limits."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user, or None; raise TooManyAttempts if the password was not checked."""
        if username is None or password is None:
            return None
        browser = known_browser(request, username)
        return limits.check(
            f"browser {browser}" if browser else f"name {username}",
            partial(super().authenticate, request, username, password),
            is_known=bool(browser),
        )


class BoundedHasher(PBKDF2PasswordHasher):
    """Django's hasher, for at most MAX_HASHES threads at a time, whatever page they serve."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return the hash; raise TooManyAttempts if other threads are hashing for over a second."""
        if not _hashing.acquire(timeout=HASH_WAIT_S):
            raise TooManyAttempts(1)
        try:
            return super().encode(password, salt, iterations)
        finally:
            _hashing.release()


def known_browser(request: HttpRequest | None, username: str) -> str:
    """Return the id of the browser if this user logged in from it before, or ""."""
    cookie = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE_NAME, "") if request else ""
    try:
        name, browser = signing.loads(
            cookie, salt=settings.KNOWN_BROWSER_COOKIE_NAME, max_age=KNOWN_BROWSER_S
        )
    except (signing.BadSignature, ValueError):
        return ""
    return str(browser) if name == username else ""


def remember_browser(response: HttpResponseBase, username: str) -> None:
    """Let the browser prove at its next login that this user logged in from it."""
    value = [username, secrets.token_urlsafe(16)]
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE_NAME,
        signing.dumps(value, salt=settings.KNOWN_BROWSER_COOKIE_NAME),
        max_age=KNOWN_BROWSER_S,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
