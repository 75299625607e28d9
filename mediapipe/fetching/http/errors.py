import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3

from mediapipe import providers
from mediapipe.failures import (
    BodyTruncated,
    CertificateUntrusted,
    ConnectionFailed,
    StorageFailed,
    TooSlow,
    TransientFailure,
    UnexpectedResponse,
)
from mediapipe.fetching.http.deadline import Deadline

# urllib3 and http.client raise ValueError for invalid headers, lengths and hosts.
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
    """Turn the exceptions of four libraries into a failure that names `host` and the exception.

    The original text is dropped, because it often contains the URL with its signature.
    """
    try:
        yield
    except NETWORK_ERRORS as error:
        chain = list(_chain(error))
        failure = TooSlow if deadline.remaining_s <= 0 else _failure_for(chain)
        # Twilio's own certificates are publicly trusted: the cause is our network or our clock.
        is_untrusted = isinstance(chain[-1], ssl.SSLCertVerificationError)
        if is_untrusted and providers.is_own_host(host.partition(":")[0]):
            failure = CertificateUntrusted
        raise failure(f"{host}: {type(chain[-1]).__name__}") from None


@contextmanager
def storage_failures() -> Iterator[None]:
    """Turn an OSError of our temporary file into StorageFailed."""
    try:
        yield
    except OSError as error:
        raise StorageFailed(error.strerror or type(error).__name__) from error


def _failure_for(chain: list[BaseException]) -> type[TransientFailure]:
    if any(isinstance(link, http.client.IncompleteRead) for link in chain):
        return BodyTruncated
    if any(isinstance(link, TIMEOUTS) for link in chain):
        return TooSlow
    # Every exception of requests is an OSError too, whatever the cause.
    if any(
        isinstance(link, OSError) and not isinstance(link, requests.RequestException)
        for link in chain
    ):
        return ConnectionFailed
    return UnexpectedResponse


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
