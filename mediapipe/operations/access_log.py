"""One line per login, failed login, logout and refused request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import DatabaseError, InterfaceError
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from mediapipe.redaction import redact

logger = logging.getLogger(__name__)

REFUSED = (400, 401, 403, 429)
# Per status and process, so that unauthenticated requests do not fill the disk.
LOG_EVERY_S = 10.0
MAX_PATH = 200
# Per status, the time of the last line and the number of refusals not logged since.
_refusals: dict[int, tuple[float, int]] = {}


@receiver(user_logged_in)
def _logged_in(user: AbstractBaseUser, **kwargs: Any) -> None:
    logger.info("%s logged in", user.get_username())


@receiver(user_logged_out)
def _logged_out(user: AbstractBaseUser | None, **kwargs: Any) -> None:
    if user:
        logger.info("%s logged out", user.get_username())


@receiver(user_login_failed)
def _login_failed(credentials: dict[str, Any], **kwargs: Any) -> None:
    # Imported here: this module is loaded before the models.
    from django.contrib.auth.models import User

    name = str(credentials.get("username", ""))
    # Some people type their password into the user name field.
    is_known = User.objects.filter(username=name).exists()
    logger.warning("failed login as %s", name if is_known else "an unknown user")


class RefusalLog:
    """Middleware that logs the responses 400, 401, 403 and 429 of pages, API and download links.

    Each refusal of a logged-in user gets a line; all others share one per status and LOG_EVERY_S,
    with the number of those in between. Webhooks have their own log.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code in REFUSED and not request.path.startswith("/webhooks/"):
            _log_refusal(request, response.status_code)
        return response


def _log_refusal(request: HttpRequest, status: int) -> None:
    who, more = _user_of(request), ""
    if not who:
        now = time.monotonic()
        last, unlogged = _refusals.get(status, (-LOG_EVERY_S, 0))
        if now - last < LOG_EVERY_S:
            _refusals[status] = last, unlogged + 1
            return
        _refusals[status] = now, 0
        who = "an unknown client"
        more = f"; other requests since the last such line: {unlogged}" if unlogged else ""
    path = redact(request.path[:MAX_PATH])
    logger.warning("refused %s %r to %s: %d%s", request.method, path, who, status, more)


def _user_of(request: HttpRequest) -> str:
    """Return the name of the logged-in user, or ""."""
    # Without the cookie there is no user, and the database need not be read.
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or not hasattr(request, "user"):
        return ""
    try:
        return request.user.get_username()
    except (DatabaseError, InterfaceError):
        return ""
