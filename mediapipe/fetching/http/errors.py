"""What the exceptions of four libraries below one GET mean in the words of mediapipe.failures."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3

from mediapipe.failures import (
    BodyTruncated,
    ConnectionFailed,
    StorageFailed,
    TooSlow,
    TransientFailure,
    UnexpectedResponse,
)
from mediapipe.fetching.http.deadline import Deadline

# ValueError is how urllib3 and http.client report headers, lengths and hosts that make no sense.
NETWORK_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)
TIMEOUTS = (TimeoutError, urllib3.exceptions.TimeoutError)


@contextmanager
def network_failures(host: str, deadline: Deadline) -> Iterator[None]:
    """Turn what the network below raises into a failure that names `host` and the exception.

    The text of the original often holds the URL with its signature, so it is not kept.
    """
    try:
        yield
    except NETWORK_ERRORS as error:
        failure = TooSlow if deadline.remaining_s <= 0 else _meaning(error)
        raise failure(f"{host}: {type(_origin(error)).__name__}") from None


@contextmanager
def storage_failures() -> Iterator[None]:
    """Turn an OSError of our own file into StorageFailed."""
    try:
        yield
    except OSError as error:
        raise StorageFailed(error.strerror or type(error).__name__) from error


def _meaning(error: BaseException) -> type[TransientFailure]:
    chain = list(_chain(error))
    if any(isinstance(link, http.client.IncompleteRead) for link in chain):
        return BodyTruncated
    if any(isinstance(link, TIMEOUTS) for link in chain):
        return TooSlow
    # Exceptions of requests are OSErrors too, whatever is the matter.
    if any(
        isinstance(link, OSError) and not isinstance(link, requests.RequestException)
        for link in chain
    ):
        return ConnectionFailed
    return UnexpectedResponse


def _origin(error: BaseException) -> BaseException:
    *_, last = _chain(error)
    return last


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
