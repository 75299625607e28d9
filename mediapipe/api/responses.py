from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import JsonResponse


class ApiError(Exception):
    """An error response: its status, its slug, and a sentence for the client's developer."""

    status: ClassVar[int] = 400
    error: ClassVar[str] = "bad_request"
    headers: ClassVar[Mapping[str, str]] = {}

    def response(self) -> JsonResponse:
        body = {"error": self.error, "detail": str(self)}
        return json_response(body, status=self.status, headers=self.headers)


class NotAuthorized(ApiError):
    status = 401
    error = "not_authorized"
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": "Bearer"}


class TooManyWrongTokens(ApiError):
    status = 429
    error = "too_many_wrong_tokens"
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "60"}


class NotFound(ApiError):
    status = 404
    error = "not_found"


def json_response(
    body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> JsonResponse:
    """Return a JSON response that must not be cached."""
    return JsonResponse(
        dict(body), status=status, headers={"Cache-Control": "private, no-store", **(headers or {})}
    )
