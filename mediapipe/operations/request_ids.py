import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from mediapipe import logs

HEADER = "X-Request-ID"
# An id that a proxy assigned. Anything else could inject text into the logs.
VALID_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIds:
    """Middleware that gives each request an id for its log lines and those of its tasks.

    It accepts the id of a proxy or makes one, and returns it in the response.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        request_id = given if VALID_ID.fullmatch(given) else uuid.uuid4().hex
        with logs.about(request_id=request_id):
            response = self.get_response(request)
        response[HEADER] = request_id
        return response
