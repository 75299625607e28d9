"""The response to Twilio when an app answers a webhook: the app's answer, or ours instead."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin

from mediapipe.fetching.http.redirects import UNAMBIGUOUS
from mediapipe.gateway.cookies import for_our_path
from mediapipe.gateway.entries import Entry, OnFailure
from mediapipe.gateway.send import MAX_BODY_BYTES, Sent
from mediapipe.gateway.twiml import NoTwiml, with_absolute_urls
from mediapipe.providers.twilio.webhooks import reply

# Twilio reads these as TwiML, but sends text/plain to the sender as a message.
TWIML_TYPES = {"text/xml", "application/xml", "text/html"}
JSON_TYPE = "application/json"
# Twilio follows these.
REDIRECTS = {301, 302, 303, 307}
WITHOUT_BODY = {204, 205}


@dataclass(frozen=True, slots=True)
class TwilioAnswer:
    """The response to Twilio.

    `is_apps` means that it is the app's own answer. `lost` says why an answer of the app could not
    be used.
    """

    status: int = 200
    content_type: str | None = None
    body: bytes = field(default=b"", repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)
    location: str = field(default="", repr=False)
    is_apps: bool = False
    lost: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the response as JSON values."""
        body = b64encode(self.body).decode()
        return asdict(self) | {"body": body, "cookies": list(self.cookies)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TwilioAnswer:
        """Return the response that to_json() gave."""
        body, cookies = b64decode(values["body"]), tuple(values["cookies"])
        return cls(**{**values, "body": body, "cookies": cookies})


@dataclass(frozen=True, slots=True)
class Question:
    """The webhook to answer: its source, the path of our URL, and whether it is a pre-hook.

    A pre-hook of Conversations (classic) is an event that Twilio lets the app change or prevent.
    """

    source: str
    path: str
    is_pre_hook: bool = False


def our_answer(question: Question, lost: str = "") -> TwilioAnswer:
    """Return our own answer, after which Twilio does nothing further."""
    ours = reply(question.source)
    return TwilioAnswer(content_type=ours.content_type, body=ours.body.encode(), lost=lost)


def answer_to(question: Question, sent: Sent, entry: Entry) -> TwilioAnswer:
    """Return the response to Twilio after an attempt at the app, whether it answered or failed."""
    if question.source == "conversations":
        return _to_conversations(question, sent)
    if sent.status is not None and 200 <= sent.status < 300:
        return _content(question, sent, entry)
    if sent.status in REDIRECTS:
        location = urljoin(entry.url, sent.location)
        if UNAMBIGUOUS.fullmatch(location):
            return TwilioAnswer(sent.status or 0, location=location, is_apps=True)
    if entry.on_failure == OnFailure.PASS and (sent.status is None or sent.status >= 500):
        slow = sent.status is None and sent.connect_s is not None
        return TwilioAnswer(HTTPStatus.GATEWAY_TIMEOUT if slow else HTTPStatus.BAD_GATEWAY)
    return our_answer(question)


def _content(question: Question, sent: Sent, entry: Entry) -> TwilioAnswer:
    if sent.detail:
        return our_answer(question, sent.detail)
    content_type = sent.content_type
    if content_type is not None and not content_type.isprintable():
        return our_answer(question, "Its Content-Type has control characters.")
    answer = TwilioAnswer(
        status=sent.status or 200,
        content_type=content_type,
        body=b"" if sent.status in WITHOUT_BODY else sent.body,
        cookies=for_our_path(sent.cookies, question.path),
        is_apps=True,
    )
    if _media_type(content_type) not in TWIML_TYPES or not answer.body.strip():
        return answer
    try:
        body = with_absolute_urls(answer.body, entry.url)
    except NoTwiml as error:
        return our_answer(question, f"The answer is not TwiML: {error}.")
    if len(body) > MAX_BODY_BYTES:
        lost = f"With absolute URLs the answer is over {MAX_BODY_BYTES} bytes."
        return our_answer(question, lost)
    return replace(answer, body=body)


def _to_conversations(question: Question, sent: Sent) -> TwilioAnswer:
    # An error status would block the message, and Twilio ignores the answer to any other event.
    if not question.is_pre_hook or sent.status != HTTPStatus.OK:
        return our_answer(question)
    if sent.detail:
        return our_answer(question, sent.detail)
    try:
        is_object = isinstance(json.loads(sent.body), dict)
    except (ValueError, RecursionError):
        is_object = False
    if not is_object:
        # An empty answer means that the app leaves the message unchanged.
        return our_answer(question, "The answer is not a JSON object." if sent.body else "")
    return TwilioAnswer(content_type=JSON_TYPE, body=sent.body, is_apps=True)


def _media_type(content_type: str | None) -> str:
    return (content_type or "").partition(";")[0].strip().lower()
