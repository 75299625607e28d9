"""Login by password or through an identity proxy, and the pages for refused logins."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial

from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.contrib.auth import logout
from django.contrib.auth.middleware import RemoteUserMiddleware
from django.contrib.auth.models import User
from django.core.exceptions import MiddlewareNotUsed, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from mediapipe.admin.errors import refused
from mediapipe.operations import login_limits
from mediapipe.operations.company_login import NoAccess, is_trusted, role_of
from mediapipe.operations.login_limits import TooManyAttempts

logger = logging.getLogger("mediapipe.operations.access_log")
# Session key of the role with which the user logged in.
ROLE = "role"
TOO_MANY = (
    "After several failures passwords are checked slowly, and only a few at a time. Wait "
    "{seconds} s, go back and send the form again."
)
KNOWN_BROWSERS = (
    "Failed logins of others do not delay a browser from which you have logged in before. If you "
    "forgot your password, ask an administrator for a new one."
)


class LoginForm(AdminAuthenticationForm):
    """The login form, which logs the refusal of users without a role."""

    def confirm_login_allowed(self, user: User) -> None:
        """Raise ValidationError for a user without access to the admin, and log it."""
        try:
            super().confirm_login_allowed(user)
        except ValidationError:
            logger.warning("refused the login of %s, who has no role", user.get_username())
            raise


class OwnPasswordForm(AdminPasswordChangeForm):
    """The form in which users change their own password; guesses of the old one are limited."""

    def clean_old_password(self) -> str:
        """Return the old password; raise ValidationError if it is wrong, or TooManyAttempts."""
        old: str = self.cleaned_data["old_password"]
        key = f"user {self.user.get_username()}"
        check = partial(self.user.check_password, old)
        if not login_limits.limits.check(key, check, is_known=True):
            wrong = "password_incorrect"
            raise ValidationError(self.error_messages[wrong], code=wrong)
        return old


class LoginErrors:
    """Middleware that responds with 429 if limits kept a password from being checked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the page for TooManyAttempts, and None for any other exception."""
        if not isinstance(error, TooManyAttempts):
            return None
        seconds = str(error.retry_after_s)
        headers = {"Retry-After": seconds, "Cache-Control": "private, no-store"}
        return HttpResponse(_too_many(seconds), status=429, headers=headers)


@lru_cache
def _too_many(seconds: str) -> bytes:
    # Cached: rendering takes longer than everything else that a refused guess costs.
    remedies = [TOO_MANY.format(seconds=seconds), KNOWN_BROWSERS]
    return refused(429, "Too many login attempts", remedies).content


class CompanyLogin(RemoteUserMiddleware):
    """Middleware that logs in the user whom the identity proxy names, in the admin only.

    It is used if REMOTE_USER_HEADER is set. The headers of any other peer are ignored. Without the
    header the user is logged out; a user whose role changed is logged out and in again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.REMOTE_USER_HEADER:
            raise MiddlewareNotUsed
        super().__init__(get_response)
        self.header = f"HTTP_{settings.REMOTE_USER_HEADER.upper().replace('-', '_')}"  # type: ignore[misc]

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if not request.path.startswith(reverse("admin:index")):
            return self.get_response(request)
        try:
            self.process_request(request)
        except NoAccess as reason:
            return refused(403, "You have no access", [str(reason)])
        if not request.user.is_authenticated:
            return refused(403, "You are not logged in", _remedies(request, self.header))
        return self.get_response(request)

    def process_request(self, request: HttpRequest) -> None:
        """Set request.user; raise NoAccess for a user who may not use the admin."""
        if not is_trusted(request):
            request.META.pop(self.header, None)
        role = role_of(request)
        if request.user.is_authenticated and request.session.get(ROLE) != role:
            logout(request)
        super().process_request(request)
        if request.user.is_authenticated and ROLE not in request.session:
            request.session[ROLE] = role


def _remedies(request: HttpRequest, header: str) -> list[str]:
    if header in request.META:
        return ["Your user was deactivated. Ask an administrator."]
    peer = request.META.get("REMOTE_ADDR") or "a Unix socket"
    return [
        f"Open the admin through the identity proxy, which sends {settings.REMOTE_USER_HEADER}.",
        f"If you did: this request came from {peer}. The header is ignored unless that address is "
        "in TRUSTED_PROXIES.",
    ]
