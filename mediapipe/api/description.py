"""The OpenAPI description, written by hand; tests check the API against it.

With django-ninja this package had 504 lines instead of 607, but without the 400s that say what to
do and the refusal of repeated parameters; a web process took 18 MiB more memory and started 2 s
later. Reconsider it when the API gets endpoints that write.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from mediapipe.api.listing import CURSOR, DEFAULT_LIMIT, MAX_LIMIT, SID
from mediapipe.lifecycle.export import KEYS, MESSAGE_KEYS
from mediapipe.models import Status
from mediapipe.providers.base import Kind

Schema = dict[str, Any]

TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
NUMBER: Schema = {"type": ["integer", "null"]}
TEXT: Schema = {"type": ["string", "null"]}
COUNT: Schema = {"type": "integer", "minimum": 0}
# All other keys are texts, or null if unknown.
TYPES: dict[str, Schema] = {
    "kind": {"type": "string", "enum": [kind.value for kind in Kind]},
    "account_sid": {"type": "string"},
    "status": {"type": "string", "enum": Status.values},
    "webhook_received_at": TIME | {"description": "null if reconciliation found it"},
    "attempts": COUNT,
    "not_found_count": COUNT,
    "http_status": NUMBER,
    "twilio_code": NUMBER,
    "size": NUMBER | {"description": "in bytes"},
    "sha256": TEXT | {"description": "in hex, of the file as Twilio served it"},
    "sender": TEXT | {"description": "the address of its sender; null once it is erased"},
    "recipient": TEXT | {"description": "an address; null once it is erased"},
    "text": TEXT | {"description": "the text of the message; null once it is erased"},
}


def description() -> Schema:
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mediapipe",
            "version": settings.VERSION,
            "description": "Read-only access to the media that Twilio's webhooks announced. "
            "Times have an offset; keys may be added, none is renamed. "
            "A token that is restricted to accounts sees no media of other accounts.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": {
            "/api/v1/media": {"get": _list()},
            "/api/v1/media/{id}": {"get": _item()},
            "/api/v1/media/{id}/link": {"get": _link()},
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Media": _media(),
                "Page": _object(
                    media={"type": "array", "items": _ref("Media")},
                    next=TEXT | {"description": "the URL of the next page"},
                ),
                "Link": _object(
                    url={"type": "string", "description": "opens without a token"},
                    expires_at={"type": "string", "format": "date-time"},
                ),
                "Error": _object(error={"type": "string"}, detail={"type": "string"}),
            },
        },
    }


def _list() -> Schema:
    return {
        "operationId": "listMedia",
        "summary": "Media items, newest first",
        "parameters": [
            _query(
                "sid",
                {"type": "string", "pattern": f"^{SID.pattern}$"},
                "of the account, message, call, recording or media",
            ),
            _query("status", {"type": "string", "enum": Status.values}, "the state of the item"),
            _query("since", _moment(), "webhook received at or after this time"),
            _query("until", _moment(), "webhook received before this time"),
            _query(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
                "maximum number of items per page",
            ),
            _query(
                "cursor",
                {"type": "string", "pattern": f"^{CURSOR.pattern}$"},
                "from `next`; do not build it yourself",
            ),
        ],
        "responses": _responses("Page", 400),
    }


def _item() -> Schema:
    return {
        "operationId": "getMedia",
        "summary": "One media item",
        "parameters": [_number()],
        "responses": _responses("Media", 404),
    }


def _link() -> Schema:
    return {
        "operationId": "getLink",
        "summary": "A link that opens the file without a token for a short time",
        "parameters": [_number()],
        "responses": _responses("Link", 404),
    }


def _media() -> Schema:
    times = {key: TIME for key in KEYS if key.endswith("_at")}
    # A setting of the installation decides whether responses have them.
    keys = (*KEYS, *MESSAGE_KEYS) if settings.SHARE_SENDER_AND_TEXT else KEYS
    properties = {key: TYPES.get(key, times.get(key, TEXT)) for key in keys}
    return _object(id={"type": "integer"}, **properties)


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _query(name: str, schema: Schema, meaning: str) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": meaning}


def _number() -> Schema:
    schema = {"type": "integer", "minimum": 0}
    return {"name": "id", "in": "path", "required": True, "schema": schema}


def _moment() -> Schema:
    return {"type": "string", "format": "date-time"}


def _responses(schema: str, *errors: int) -> Schema:
    meanings = {
        400: "A parameter is not valid.",
        401: "There is no valid token.",
        404: "The media item does not exist, or has no file.",
        429: "There were too many wrong tokens.",
    }
    refusals = {str(status): _response(meanings[status], "Error") for status in (*errors, 401, 429)}
    return {"200": _response("Success.", schema), **refusals}


def _response(meaning: str, schema: str) -> Schema:
    content = {"application/json": {"schema": _ref(schema)}}
    return {"description": meaning, "content": content}


def _ref(schema: str) -> Schema:
    return {"$ref": f"#/components/schemas/{schema}"}
