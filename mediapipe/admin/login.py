"""The login form, and the pages for who may not try again yet."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import lru_cache, partial

from django.contrib.admin.forms import AdminAuthenticationForm, AdminPasswordChangeForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse

from mediapipe.admin.errors import refused
from mediapipe.operations import login_limits
from mediapipe.operations.login_limits import TooManyAttempts

logger = logging.getLogger("mediapipe.operations.access_log")

TOO_MANY = (
    "Passwords are checked slowly after several failures, and few at a time. Wait {seconds} s, "
    "go back and send the form again."
)
KNOWN_BROWSERS = (
    "A browser from which you logged in before does not wait for the failures of others. If you "
    "forgot your password, ask an administrator for a new one."
)


class LoginForm(AdminAuthenticationForm):
    """The form of the login page."""

    def confirm_login_allowed(self, user: User) -> None:
        """Raise ValidationError for a user without access to the admin, and log it."""
        try:
            super().confirm_login_allowed(user)
        except ValidationError:
            logger.warning("refused the login of %s, who has no role", user.get_username())
            raise


class OwnPasswordForm(AdminPasswordChangeForm):
    """The form in which users change their own password, with a limit on the old one."""

    def clean_old_password(self) -> str:
        """Return the old password; raise ValidationError if it is wrong."""
        old: str = self.cleaned_data["old_password"]
        key = f"user {self.user.get_username()}"
        check = partial(self.user.check_password, old)
        if not login_limits.limits.check(key, check, is_known=True):
            wrong = "password_incorrect"
            raise ValidationError(self.error_messages[wrong], code=wrong)
        return old


class LoginErrors:
    """Middleware that responds 429 where a password was not checked."""

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
    # Rendering it takes longer than all else that a refused guess costs.
    remedies = [TOO_MANY.format(seconds=seconds), KNOWN_BROWSERS]
    return refused(429, "Too many login attempts", remedies).content
