from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from mediapipe.api.responses import ApiError, NotAuthorized, TooManyWrongTokens
from mediapipe.models import ApiToken

P = ParamSpec("P")
# The view gets the token too.
View = Callable[Concatenate[HttpRequest, ApiToken, P], HttpResponseBase]
Guarded = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

BEARER = re.compile(r"Bearer +([!-~]{1,200})", re.IGNORECASE)
# Per web process. Wrong tokens never limit valid ones.
MAX_WRONG_PER_MINUTE = 30


class WrongTokens:
    """Counts the wrong tokens of the current minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._count = 0

    def count(self) -> bool:
        """Count one more wrong token, and return whether there are too many."""
        minute = int(time.monotonic() // 60)
        with self._lock:
            if minute != self._minute:
                self._minute, self._count = minute, 0
            self._count += 1
            return self._count > MAX_WRONG_PER_MINUTE


wrong_tokens = WrongTokens()


def token_required(view: View[P]) -> Guarded[P]:
    """Require a valid token for this GET view, and return each ApiError as JSON.

    The view gets the token, and must query only `token.media()`.
    """

    @csrf_exempt
    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, _authenticated_token(request), *args, **kwargs)
        except ApiError as error:
            return error.response()

    return guarded


def _authenticated_token(request: HttpRequest) -> ApiToken:
    header = request.headers.get("Authorization", "")
    if not header:
        raise NotAuthorized("Send the header Authorization: Bearer, with a token.")
    bearer = BEARER.fullmatch(header)
    token = ApiToken.authenticate(bearer[1]) if bearer else None
    if token and not token.has_expired:
        return token
    if token:
        # Not counted as a wrong one: its sender once had access.
        raise NotAuthorized(
            f"The token expired at {token.expires_at:%Y-%m-%dT%H:%M:%SZ}: create another one with "
            "manage.py api_token."
        )
    if wrong_tokens.count():
        raise TooManyWrongTokens("Too many wrong tokens. Valid tokens are still accepted.")
    raise NotAuthorized("The token is not valid: it was not created here, or it was revoked.")
