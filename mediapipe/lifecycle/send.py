import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from mediapipe.failures import Failure, TransientFailure, Undelivered
from mediapipe.fetching.http.post import post
from mediapipe.redaction import host_of
from mediapipe.settings.signing_keys import signed_headers

# The other 4xx mean that the same request will never be accepted.
TRANSIENT_4XX = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
JSON = {"Content-Type": "application/json"}
# Characters of a response body that are kept.
SHOWN = 120


def send_json(url: str, document: Mapping[str, Any]) -> str:
    """POST the document; return a summary of the response, or raise Undelivered."""
    return _post(url, _encode(document), JSON)


def send_text(url: str, text: str, *, timeout_s: float) -> str:
    """POST the text, as in send_json(), for at most `timeout_s` seconds."""
    return _post(url, text.encode(), {"Content-Type": "text/plain; charset=utf-8"}, timeout_s)


def send_signed(
    url: str,
    document: Mapping[str, Any],
    *,
    message_id: str,
    secrets: Sequence[str],
    keeps_response: bool = True,
) -> str:
    """Do as send_json(), with Standard Webhooks headers; `message_id` is equal for all attempts.

    Without `keeps_response` the summary does not quote the response body.
    """
    body = _encode(document)
    now = datetime.now(UTC)
    signed = signed_headers(body, message_id=message_id, at=now, secrets=secrets)
    return _post(url, body, {**JSON, **signed}, shown=SHOWN if keeps_response else 0)


def _encode(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    timeout_s: float | None = None,
    *,
    shown: int = SHOWN,
) -> str:
    try:
        response = post(url, body, headers, timeout_s)
    except Failure as failure:
        again = isinstance(failure, TransientFailure)
        raise Undelivered(f"{failure.slug}: {failure.detail}", again=again) from None
    # The URL may contain a secret, as Slack's do, so only the host is shown.
    if 300 <= response.status < 400:
        summary = f"{host_of(url)}: {response.status}, and redirects are not followed"
    else:
        head = response.body_head[: 4 * SHOWN].decode(errors="replace")
        text = re.sub(r"[^ -~]+", " ", head).strip()[:shown]
        summary = f"{host_of(url)}: {response.status} {text}".strip()
    if 200 <= response.status < 300:
        return summary
    again = response.status in TRANSIENT_4XX or response.status >= 500
    raise Undelivered(summary, again=again, retry_after_s=response.retry_after_s)
