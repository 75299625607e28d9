"""Sends a bad request to Django as the web server passes it on."""

from __future__ import annotations

import io
from typing import Any

from django.test import Client

from mediapipe.providers.base import WebhookRequest
from tests.support.bad_input.cases import ORIGIN


def send(request: WebhookRequest) -> Any:
    """Send a request as the web server passes it on: with the unchanged target in REQUEST_URI."""
    target = request.url.removeprefix(ORIGIN)
    path, _, query = target.partition("#")[0].partition("?")
    environ: dict[str, Any] = {
        "QUERY_STRING": query,
        "REQUEST_URI": target,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.input_terminated": True,
    }
    return Client().generic(
        request.method, path, request.body, headers=dict(request.headers), **environ
    )
