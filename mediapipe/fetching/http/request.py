import requests

from mediapipe.fetching.http.deadline import Deadline
from mediapipe.fetching.http.download import ERROR_BYTES, basic, read_response
from mediapipe.fetching.http.errors import network_failures
from mediapipe.fetching.http.session import session
from mediapipe.providers.base import MediaRequest, Response
from mediapipe.redaction import host_of

TIMEOUT_S = 5.0


def send_request(
    request: MediaRequest,
    *,
    method: str = "GET",
    timeout_s: float | None = None,
    max_bytes: int = ERROR_BYTES,
) -> Response:
    """Return the response with up to `max_bytes` of its body, within `timeout_s` (default: 5 s).

    Each pair of credentials is tried while the status is 401. No redirect is followed. Raises the
    TransientFailure of a network error.
    """
    limit_s = TIMEOUT_S if timeout_s is None else timeout_s
    with Deadline(limit_s) as deadline, network_failures(host_of(request.url), deadline):
        for credentials in request.credentials or (None,):
            deadline.check()
            raw: requests.Response = session().request(
                method,
                request.url,
                auth=basic(credentials),
                timeout=deadline.remaining_s,
                stream=True,
                allow_redirects=False,
            )
            response = read_response(raw, max_bytes)
            if response.status != 401:
                break
    return response
