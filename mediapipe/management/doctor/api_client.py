from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mediapipe.failures import Failure
from mediapipe.fetching.http.request import send_request
from mediapipe.providers.base import Credentials
from mediapipe.providers.twilio import resources
from mediapipe.providers.twilio.media import error_code

# A page of fifty phone numbers is some hundred kilobytes.
MAX_RESPONSE_BYTES = 2 * 1024 * 1024
# Pages of fifty: an account with more numbers than that shows its pattern in the first ones.
MAX_PAGES = 4


class Unreachable(Exception):
    """Twilio's API could not be reached; the message has host and reason."""


class AccessDenied(Exception):
    """These credentials may not read a resource; the message has Twilio's status."""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response of Twilio's API. `document` is empty unless it is a JSON object with status 200;
    `date` is the Date header."""

    status: int
    code: int | None
    document: dict[str, Any]
    date: str


def get(url: str, credentials: Credentials) -> ApiResponse:
    """Request one resource; raise Unreachable on a network failure."""
    try:
        response = send_request(resources.request(url, credentials), max_bytes=MAX_RESPONSE_BYTES)
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


def iter_items(url: str, credentials: Credentials, key: str) -> Iterator[dict[str, Any]]:
    """Yield the objects under `key` of the first pages; raise Unreachable or AccessDenied."""
    for _ in range(MAX_PAGES):
        page = get(url, credentials)
        items = page.document.get(key)
        if not isinstance(items, list):
            raise AccessDenied(f"{key}: HTTP {page.status}")
        yield from (item for item in items if isinstance(item, dict))
        url = resources.next_page(url, page.document)
        if not url:
            return


def get_str(document: dict[str, Any], key: str) -> str:
    """Return the string under this key, or "" if there is none or it is of another type."""
    value = document.get(key)
    return value if isinstance(value, str) else ""
