"""One small question about a media item, in much less time than its download may take."""

import requests

from mediapipe.fetching.http.deadline import Deadline
from mediapipe.fetching.http.download import ERROR_BYTES, basic, read_response
from mediapipe.fetching.http.errors import network_failures
from mediapipe.fetching.http.session import session
from mediapipe.providers.base import Credentials, MediaRequest, Response
from mediapipe.redaction import host_of

TIMEOUT_S = 5.0


def send_request(
    request: MediaRequest,
    *,
    method: str = "GET",
    timeout_s: float | None = None,
    max_bytes: int = ERROR_BYTES,
) -> Response:
    """Return the answer with the first 16 KiB of its body, five seconds from now at most.

    No redirect is followed. Raises the TransientFailure of a network that does not deliver.
    """
    first, *others = request.credentials or (None,)
    bound_s = TIMEOUT_S if timeout_s is None else timeout_s
    with Deadline(bound_s) as deadline, network_failures(host_of(request.url), deadline):
        answer = _ask(method, request.url, first, deadline, max_bytes)
        for credentials in others:
            if answer.status != 401:
                break
            answer = _ask(method, request.url, credentials, deadline, max_bytes)
    return answer


def _ask(
    method: str, url: str, credentials: Credentials | None, deadline: Deadline, max_bytes: int
) -> Response:
    deadline.check()
    response: requests.Response = session().request(
        method,
        url,
        auth=basic(credentials),
        timeout=deadline.remaining_s,
        stream=True,
        allow_redirects=False,
    )
    return read_response(response, max_bytes)
