"""One question to Twilio's REST API: bounded, with one pair of credentials, its answer judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mediapipe.failures import Failure
from mediapipe.fetching.http.request import send_request
from mediapipe.providers.base import Credentials, Response
from mediapipe.providers.twilio import resources
from mediapipe.providers.twilio.media import error_code

# Fifty phone numbers are some hundred kilobytes.
MOST_BYTES = 2 * 1024 * 1024
# So many pages of fifty are looked at; who has more numbers sees enough from these.
MOST_PAGES = 4


class Unreachable(Exception):
    """Twilio could not be reached; the message names host and reason."""


class Unreadable(Exception):
    """Twilio gives nothing to these credentials; the message says what it answered."""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """What Twilio said: its status, its error code, the JSON object of a success, its clock."""

    status: int
    code: int | None
    document: dict[str, Any]
    date: str


def told(url: str, credentials: Credentials) -> ApiResponse:
    """Ask for one resource; raise Unanswered if the network does not deliver."""
    try:
        answer = send_request(resources.request(url, credentials), most_bytes=MOST_BYTES)
    except Failure as failure:
        raise Unreachable(failure.detail) from failure
    date = answer.headers.get("date", "")
    return ApiResponse(answer.status, error_code(answer), _document(answer), date)


def entries(url: str, credentials: Credentials, key: str) -> Iterator[dict[str, Any]]:
    """Yield the objects under `key` of some pages; raise Unanswered or Unreadable."""
    for _ in range(MOST_PAGES):
        page = told(url, credentials)
        objects = page.document.get(key)
        if not isinstance(objects, list):
            raise Unreadable(f"{key} answer {page.status}")
        yield from (entry for entry in objects if isinstance(entry, dict))
        url = resources.next_page(url, page.document)
        if not url:
            return


def text(document: dict[str, Any], key: str) -> str:
    """Return the text under this key; "" where there is another thing, or nothing."""
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _document(answer: Response) -> dict[str, Any]:
    if answer.status != 200:
        return {}
    try:
        document = json.loads(answer.body_head)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
