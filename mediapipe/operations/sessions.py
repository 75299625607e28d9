from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

# Keys of the session, in seconds since 1970.
BEGAN, SEEN = "began_at", "seen_at"
# The precision of the idle time; each step is a write to the database.
STEP_S = 60.0


@receiver(user_logged_in)
def _begin(request: HttpRequest, **kwargs: Any) -> None:
    # The login saves the session anyway.
    request.session[BEGAN] = request.session[SEEN] = time.time()


class SessionLimits:
    """Middleware that logs out a user who was idle, or logged in, for too long.

    Django has no idle limit: SESSION_COOKIE_AGE counts from the last change of a session. Both
    limits are settings (OWASP ASVS 7.3.1 and 7.3.2).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Only a request with the cookie loads the session: webhooks and probes have none.
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            self._check(request, time.time())
        return self.get_response(request)

    def _check(self, request: HttpRequest, now: float) -> None:
        session = request.session
        idle_s, age_s = now - session.get(SEEN, 0.0), now - session.get(BEGAN, 0.0)
        if idle_s > settings.ADMIN_IDLE_TIMEOUT_S or age_s > settings.ADMIN_SESSION_LIFETIME_S:
            logout(request)
        elif idle_s > STEP_S:
            session[SEEN] = now
