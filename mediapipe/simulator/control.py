"""The control API, for a simulator that runs in another process; on the API origin.

POST /_simulator/media                 add a media item: JSON with the keys of MediaOptions, with
                                       "kind": "recording" or "conversation" for one of those,
                                       "faults": [{"fault": "Status", "code": 503}], and
                                       "announce": false to start its delay later
GET  /_simulator/media/{sid}           its SIDs, URL, size, hash and availability
POST /_simulator/media/{sid}/announce  start its delay: its webhook is being sent
POST /_simulator/media/{sid}/release   end its hanging responses
GET  /_simulator/log?sid={sid}         the requests, in order of arrival
"""

import ipaddress
import json
import re
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

from mediapipe.simulator.faults import fault_from_json
from mediapipe.simulator.script import (
    MediaOptions,
    MediaScript,
    conversation_media,
    message_media,
    recording,
)

if TYPE_CHECKING:
    from mediapipe.simulator.origin import Origin
    from mediapipe.simulator.state import State

PREFIX = "/_simulator/"
_FACTORIES = {"message": message_media, "recording": recording, "conversation": conversation_media}
_MEDIA = re.compile(r"/_simulator/media/(?P<sid>\w+)(?:/(?P<verb>announce|release))?")


def serve(request: BaseHTTPRequestHandler) -> None:
    """Serve a control request from this machine; 403 for any other."""
    status: int
    document: object
    body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
    if not ipaddress.ip_address(request.client_address[0]).is_loopback:
        status, document = 403, _error("The control API accepts requests from this machine only.")
    else:
        state = cast("Origin", request.server).state
        status, document = _dispatch(state, request.command, request.path, body)
    data = json.dumps(document).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    request.wfile.write(data)


def _dispatch(state: "State", command: str, path: str, body: bytes) -> tuple[int, object]:
    address = urlsplit(path)
    match command, address.path:
        case "POST", "/_simulator/media":
            return _add(state, body)
        case "GET", "/_simulator/log":
            sids = parse_qs(address.query).get("sid")
            entries = state.log.of(sids[0]) if sids else state.log.all()
            return 200, [entry.as_json() for entry in entries]
    found = _MEDIA.fullmatch(address.path)
    script = state.find(found["sid"]) if found else None
    if not found or not script or (command == "POST") != bool(found["verb"]):
        return 404, _error(f"No such endpoint or media item: {command} {address.path}")
    if found["verb"] == "announce":
        script.announce()
    elif found["verb"] == "release":
        script.release()
    return 200, describe(script)


def _add(state: "State", body: bytes) -> tuple[int, object]:
    try:
        document: dict[str, Any] = json.loads(body)
        announce = document.pop("announce", True)
        make = _FACTORIES[document.pop("kind", "message")]
        document["faults"] = [fault_from_json(fault) for fault in document.get("faults", [])]
        options = cast(MediaOptions, document)
        script = make(**options)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return 400, _error(f"Invalid media item: {error!r}")
    state.register(script)
    if announce:
        script.announce()
    return 201, describe(script)


def describe(script: MediaScript) -> dict[str, object]:
    """Return what a test in another process must know to verify a media item."""
    return {
        "sid": script.sid,
        "parent_sid": script.parent_sid,
        "account_sid": script.account_sid,
        "url": script.url,
        "content_type": script.content_type,
        "size": script.size,
        "sha256": script.sha256,
        "available_at": script.available_at and script.available_at.isoformat(),
        "deleted": script.deleted,
    }


def _error(message: str) -> dict[str, str]:
    return {"error": message}
