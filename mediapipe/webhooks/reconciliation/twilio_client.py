from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from time import sleep
from typing import Any
from urllib.parse import urlencode, urlsplit

from twilio.http import HttpClient
from twilio.http.response import Response as TwilioResponse

from mediapipe.backoff import Backoff
from mediapipe.failures import (
    AddressRefused,
    TransientFailure,
    TransientMedia404,
    UnexpectedResponse,
)
from mediapipe.fetching.http.request import send_request
from mediapipe.providers import twilio
from mediapipe.providers.base import Credentials, MediaRequest
from mediapipe.providers.twilio.media import is_twilio

logger = logging.getLogger(__name__)

TIMEOUT_S = 30.0
# A page of 200 long messages is about 1 MiB.
MAX_BYTES = 8 * 1024 * 1024
# Together about two minutes of rate limits or errors.
MAX_ATTEMPTS = 8
BACKOFF = Backoff(first_s=1.0, factor=2.0, max_s=60.0, jitter=0.15)


class BoundedHttpClient(HttpClient):  # type: ignore[misc]  # the package has no types
    """Sends only GETs, only to Twilio, with each of the account's credentials in turn."""

    def __init__(self, credentials: tuple[Credentials, ...]) -> None:
        super().__init__(logger, is_async=False)
        self.credentials = credentials

    def request(
        self, method: str, uri: str, params: Mapping[str, Any] | None = None, **others: Any
    ) -> TwilioResponse:
        """Return Twilio's response with status 200; raise the Failure for any other.

        After rate limits, network errors and errors of Twilio it makes up to MAX_ATTEMPTS attempts.
        """
        url = f"{uri}?{urlencode(params)}" if params else uri
        for attempts in range(1, MAX_ATTEMPTS + 1):
            try:
                return self._get(method, url)
            except TransientMedia404:
                # Not a delay here: a resource that is listed and then not found has been deleted.
                raise
            except TransientFailure as failure:
                if attempts == MAX_ATTEMPTS:
                    raise
                if failure.retry_after_s is not None:
                    delay_s = min(failure.retry_after_s, BACKOFF.max_s)
                else:
                    delay_s = BACKOFF.delay_s(attempts - 1)
                logger.warning("Twilio's list: %s; retrying in %.1f s", failure.slug, delay_s)
                sleep(delay_s)
        raise AssertionError(url)

    def _get(self, method: str, url: str) -> TwilioResponse:
        parts = urlsplit(url)
        # The URL of the next page comes from Twilio's response, and would get the credentials.
        if method != "GET" or not is_twilio(f"{parts.scheme}://{parts.netloc}"):
            raise AddressRefused("Lists are read only from Twilio's API.")
        request = MediaRequest(url, self.credentials, may_redirect_to=lambda _: False)
        response = send_request(request, timeout_s=TIMEOUT_S, max_bytes=MAX_BYTES)
        if failure := twilio.classify(response):
            raise failure
        # For a truncated document the client would raise an error that looks like a bug.
        try:
            document = json.loads(response.body_head)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise UnexpectedResponse("The list is not a JSON object.")
        text = response.body_head.decode(errors="replace")
        return TwilioResponse(response.status, text, response.headers)
