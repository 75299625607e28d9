"""Every request has an id, by which its log lines are found, and those of its tasks."""

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from mediapipe import logs

HEADER = "X-Request-ID"
# What a proxy may have given it already; anything else could be somebody's way into the logs.
TAKEN_OVER = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIds:
    """Middleware that takes the id over from a proxy, or makes one, and tells it in the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        request_id = given if TAKEN_OVER.fullmatch(given) else uuid.uuid4().hex
        with logs.about(request_id=request_id):
            answer = self.get_response(request)
        answer[HEADER] = request_id
        return answer
