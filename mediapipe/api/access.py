"""Who may ask: holders of a token. Wrong ones are bounded and logged, and show up nowhere."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from mediapipe.api.responses import NotAuthorized, Refused, TooManyWrongTokens
from mediapipe.models import ApiToken
from mediapipe.models.media.item import MediaQuerySet

logger = logging.getLogger(__name__)

P = ParamSpec("P")
# What the token may see comes with the request.
View = Callable[Concatenate[HttpRequest, MediaQuerySet, P], HttpResponseBase]
Guarded = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

BEARER = re.compile(r"Bearer +([!-~]{1,200})", re.IGNORECASE)
# In each web process; a right token is never held up by wrong ones.
WRONG_A_MINUTE = 30


class WrongTokens:
    """Counts the wrong tokens of the current minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._count = 0

    def note(self) -> bool:
        """Count one more, and tell whether these are too many; one line a minute is logged."""
        minute = int(time.monotonic() // 60)
        with self._lock:
            if minute != self._minute:
                self._minute, self._count = minute, 0
            self._count += 1
            if self._count in (1, WRONG_A_MINUTE + 1):
                logger.warning("the API refused a wrong token, number %d a minute", self._count)
            return self._count > WRONG_A_MINUTE


wrong_tokens = WrongTokens()


def for_token_holders(view: View[P]) -> Guarded[P]:
    """Let this view be read with a valid token alone, and answer its errors as JSON.

    The view gets the media that the token may see, and looks at nothing else.
    """

    @csrf_exempt
    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        try:
            return view(request, _token(request).media(), *args, **kwargs)
        except Refused as refused:
            return refused.answer()

    return guarded


def _token(request: HttpRequest) -> ApiToken:
    header = request.headers.get("Authorization", "")
    if not header:
        raise NotAuthorized("Send the header Authorization: Bearer, with a token.")
    bearer = BEARER.fullmatch(header)
    token = ApiToken.authenticate(bearer[1]) if bearer else None
    if token:
        return token
    if wrong_tokens.note():
        raise TooManyWrongTokens("Too many wrong tokens; a right one is still taken.")
    raise NotAuthorized("The token is not valid: it was never made here, or it was revoked.")
