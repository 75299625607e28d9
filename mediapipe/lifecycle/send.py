"""What we send to others as JSON over HTTP, and in which words the answer is kept."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from mediapipe.failures import Failure, TransientFailure, Undelivered
from mediapipe.fetching.http.post import post
from mediapipe.providers.base import Response
from mediapipe.redaction import host_of
from mediapipe.settings.signing_keys import signed_headers

# These say "not now"; every other 4xx says "never like this".
PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
SHOWN = 120


def send_json(url: str, document: Mapping[str, Any]) -> str:
    """POST the document and return in words what the answer was; raise Undelivered."""
    return _send(url, as_json(document), {})


def send_signed(
    url: str, document: Mapping[str, Any], *, message_id: str, secrets: Sequence[str]
) -> str:
    """Do the same with the headers of Standard Webhooks; `message_id` stays over all attempts."""
    body = as_json(document)
    now = datetime.now(UTC)
    return _send(url, body, signed_headers(body, message_id=message_id, at=now, secrets=secrets))


def as_json(document: Mapping[str, Any]) -> bytes:
    """Return the document as it is sent, always the same bytes for the same document."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _send(url: str, body: bytes, headers: Mapping[str, str]) -> str:
    try:
        answer = post(url, body, {"Content-Type": "application/json", **headers})
    except Failure as failure:
        again = isinstance(failure, TransientFailure)
        raise Undelivered(f"{failure.slug}: {failure.detail}", again=again) from None
    said = f"{host_of(url)}: {_in_words(answer)}"
    if 200 <= answer.status < 300:
        return said
    again = answer.status in PASSING or answer.status >= 500
    raise Undelivered(said, again=again, retry_after_s=answer.retry_after_s)


def _in_words(answer: Response) -> str:
    if 300 <= answer.status < 400:
        return f"{answer.status}, and redirects are not followed"
    text = re.sub(r"[^ -~]+", " ", answer.body_head[: 4 * SHOWN].decode(errors="replace"))
    return f"{answer.status} {text.strip()[:SHOWN]}".strip()
