from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mediapipe.failures import Failure
from mediapipe.fetching.http.request import send_request
from mediapipe.providers.base import Credentials
from mediapipe.providers.twilio import resources
from mediapipe.providers.twilio.media import error_code

# A page of 100 phone numbers is about 200 kB.
MAX_RESPONSE_BYTES = 4 * 1024 * 1024
# Pages of a list: 5,000 phone numbers.
MAX_PAGES = 50


class ReadError(Exception):
    """A resource could not be read, which says nothing about what it contains."""


class Unreachable(ReadError):
    """Twilio's API could not be reached; the message has host and reason."""


class OutOfTime(ReadError):
    """The deadline has passed; nothing was requested."""


class AccessDenied(ReadError):
    """Twilio returned something other than the resource; the message has the status."""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response of Twilio's API. `document` is empty unless it is a JSON object with status 200;
    `date` is the Date header."""

    status: int
    code: int | None
    document: dict[str, Any]
    date: str


class TwilioApi:
    """Reads resources with these credentials, each pair in turn while the status is 401.

    A list ends early at MAX_PAGES, or at `deadline_s` (of `time.monotonic()`); `is_cut_off` then
    is True. Nothing is requested after the deadline.
    """

    def __init__(self, *credentials: Credentials, deadline_s: float = math.inf) -> None:
        self.credentials = credentials
        self.deadline_s = deadline_s
        self.is_cut_off = False

    def get(self, url: str) -> ApiResponse:
        """Request one resource; raise Unreachable on a network failure, or OutOfTime."""
        if time.monotonic() > self.deadline_s:
            raise OutOfTime("out of time")
        request = resources.request(url, *self.credentials)
        try:
            response = send_request(request, max_bytes=MAX_RESPONSE_BYTES)
        except Failure as failure:
            raise Unreachable(failure.detail) from failure
        document = None
        if response.status == 200:
            # Deep nesting makes the parser raise RecursionError.
            with suppress(ValueError, RecursionError):
                document = json.loads(response.body_head)
        return ApiResponse(
            response.status,
            error_code(response),
            document if isinstance(document, dict) else {},
            response.headers.get("date", ""),
        )

    def iter_items(self, url: str, key: str) -> Iterator[dict[str, Any]]:
        """Yield the objects under `key` of each page; raise ReadError."""
        for _ in range(MAX_PAGES):
            page = self.get(url)
            items = page.document.get(key)
            if not isinstance(items, list):
                raise AccessDenied(f"{key}: HTTP {page.status}")
            yield from (item for item in items if isinstance(item, dict))
            url = resources.next_page(url, page.document)
            if not url:
                return
            if time.monotonic() > self.deadline_s:
                break
        self.is_cut_off = True


def get_str(document: dict[str, Any], key: str) -> str:
    """Return the string under this key, or "" if there is none or it is of another type."""
    value = document.get(key)
    return value if isinstance(value, str) else ""
