"""The requests of Twilio's client, within our bounds: checked addresses, deadlines, patience."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Mapping
from time import sleep
from typing import Any
from urllib.parse import urlencode, urlsplit

from twilio.http import HttpClient
from twilio.http.response import Response as TwilioResponse

from mediapipe import providers
from mediapipe.failures import (
    AddressRefused,
    Failure,
    TransientFailure,
    TransientMedia404,
    UnexpectedResponse,
)
from mediapipe.fetching.http.request import send_request
from mediapipe.providers.base import Credentials, MediaRequest, Response
from mediapipe.providers.twilio.media import is_twilio

logger = logging.getLogger(__name__)

TIMEOUT_S = 30.0
# A page of 200 long messages has about one.
MOST_BYTES = 8 * 1024 * 1024
# Some two minutes of rate limits or trouble are waited out: 1, 2, 4 ... seconds.
MOST_TRIES = 8
LONGEST_WAIT_S = 60.0


class BoundedHttpClient(HttpClient):  # type: ignore[misc]  # the package has no types
    """Sends GETs alone, to Twilio alone, with one of the account's credentials after the other."""

    def __init__(self, credentials: tuple[Credentials, ...]) -> None:
        super().__init__(logger, is_async=False)
        self.credentials = credentials

    def request(
        self, method: str, uri: str, params: Mapping[str, Any] | None = None, **others: Any
    ) -> TwilioResponse:
        """Return Twilio's answer with status 200; raise the Failure that any other means.

        A rate limit, and trouble of the network or of Twilio's, is waited out for a while.
        """
        url = f"{uri}?{urlencode(params)}" if params else uri
        for tries in range(1, MOST_TRIES + 1):
            try:
                return self._answer(method, url)
            except TransientMedia404:
                raise
            except TransientFailure as failure:
                if tries == MOST_TRIES:
                    raise
                wait_s = wait_after(failure, tries)
                logger.warning("Twilio's list: %s; again in %.1f s", failure.slug, wait_s)
                sleep(wait_s)
        raise AssertionError(url)

    def _answer(self, method: str, url: str) -> TwilioResponse:
        parts = urlsplit(url)
        if method != "GET" or not is_twilio(f"{parts.scheme}://{parts.netloc}"):
            raise AddressRefused("Lists are read at Twilio's API alone.")
        request = MediaRequest(url, self.credentials, may_redirect_to=lambda _: False)
        answer = send_request(request, timeout_s=TIMEOUT_S, most_bytes=MOST_BYTES)
        if failure := meaning(answer):
            raise failure
        return TwilioResponse(
            answer.status, answer.body_head.decode(errors="replace"), answer.headers
        )


def meaning(answer: Response) -> Failure | None:
    """Return the failure that an answer means; a 200 has to be a whole document."""
    if failure := providers.get("twilio").classify(answer):
        return failure
    try:
        document = json.loads(answer.body_head)
    except (ValueError, RecursionError):
        document = None
    return None if isinstance(document, dict) else UnexpectedResponse("The list is no JSON object.")


def wait_after(failure: TransientFailure, tries: int) -> float:
    """Return the seconds to wait after so many tries, as Twilio asks if it does."""
    if failure.retry_after_s is not None:
        return min(failure.retry_after_s, LONGEST_WAIT_S)
    wait_s: float = min(2.0 ** (tries - 1), LONGEST_WAIT_S)
    return wait_s * random.uniform(0.85, 1.15)  # noqa: S311  (spreads requests, hides nothing)
