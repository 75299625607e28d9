"""The words of the API: its errors, and what it says of a media item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import JsonResponse


class Refused(Exception):
    """A request that is answered with an error: its slug, and one sentence for who wrote it."""

    status: ClassVar[int] = 400
    error: ClassVar[str] = "bad_request"
    headers: ClassVar[Mapping[str, str]] = {}

    def answer(self) -> JsonResponse:
        """Return the answer that says so."""
        body = {"error": self.error, "detail": str(self)}
        return json_answer(body, status=self.status, headers=self.headers)


class NotAuthorized(Refused):
    """There is no token, or it is not a valid one."""

    status = 401
    error = "not_authorized"
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "Bearer"}


class TooManyWrongTokens(Refused):
    """Wrong tokens come faster than anybody mistypes one."""

    status = 429
    error = "too_many_wrong_tokens"
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "60"}


class NotFound(Refused):
    """There is no such media item, or no file of it."""

    status = 404
    error = "not_found"


def json_answer(
    body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> JsonResponse:
    """Return a document that no cache keeps."""
    return JsonResponse(
        dict(body), status=status, headers={"Cache-Control": "private, no-store", **(headers or {})}
    )
