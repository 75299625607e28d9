"""The cases of C: a request, its response, and the resulting state of its media."""

from __future__ import annotations

from mediapipe.providers.base import WebhookRequest
from tests.support.bad_input.cases import RECORDING, BadRequest, Pairs, signed

PICTURE = ("queued",)


def message(name: str, pairs: Pairs, media: tuple[str, ...] = PICTURE) -> BadRequest:
    return BadRequest(name, signed(pairs), 200, media=media)


def recording(name: str, pairs: Pairs, media: tuple[str, ...] = PICTURE) -> BadRequest:
    return BadRequest(name, signed(pairs, url=RECORDING), 200, media=media)


def unreadable(name: str, request: WebhookRequest, reason: str, status: int = 400) -> BadRequest:
    return BadRequest(name, request, status, reason)


def bad_message(name: str, pairs: Pairs, reason: str = "message_sid") -> BadRequest:
    return unreadable(name, signed(pairs), reason)


def bad_recording(name: str, pairs: Pairs, reason: str = "recording_sid") -> BadRequest:
    return unreadable(name, signed(pairs, url=RECORDING), reason)
