"""The API origin: api.twilio.com, and the media service of conversations (mcs.us1.twilio.com)."""

import base64
import binascii
import json
import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs

from mediapipe.simulator import bodies, control, errors, lists, resources
from mediapipe.simulator.exchange import RequestHandler
from mediapipe.simulator.script import MediaScript

_HEX = "[0-9a-fA-F]{32}"
RESOURCE = re.compile(
    rf"/2010-04-01/Accounts/(?P<account>AC{_HEX})/"
    rf"(?:Messages/(?P<parent>(?:MM|SM){_HEX})/Media/(?P<media>ME{_HEX})|Recordings/(?P<recording>RE{_HEX}))"
    r"(?P<extension>\.json|\.wav|\.mp3)?"
)
CONVERSATION = re.compile(rf"/v1/Services/(?P<service>IS{_HEX})/Media/(?P<media>ME{_HEX})")

JSON_ONLY = ("/v1/", "/v2/", "/conversations/")
REDIRECT_BODY = b"<?xml version='1.0' encoding='UTF-8'?><TwilioResponse></TwilioResponse>"


class ApiRequestHandler(RequestHandler):
    """One request to the API."""

    place = "api"

    def exchange(self) -> None:
        """Serve one request; those to the control API are not Twilio's, so they are not logged."""
        if self.path.startswith(control.PREFIX):
            control.serve(self)
        else:
            super().exchange()

    def find_script(self) -> MediaScript | None:
        """Return the media item at the path, if account, message and service match."""
        self.resource = RESOURCE.fullmatch(self.path_only)
        if self.resource is None:
            medium = CONVERSATION.fullmatch(self.path_only)
            script = self.server.state.find(medium["media"]) if medium else None
            matches = medium and script and script.service_sid == medium["service"]
            return script if matches else None
        found = self.resource.groupdict()
        script = self.server.state.find(found["media"] or found["recording"])
        if script is None or script.account_sid != found["account"]:
            return None
        belongs = found["parent"] in (None, script.parent_sid)
        return script if belongs and not script.is_conversation_media else None

    def respond(self) -> None:
        """Check the credentials, then serve the resource."""
        username, account_sid = self.credentials()
        if account_sid is None or resources.is_refused(self.path_only, username):
            self.reply_unauthorized(username)
        elif account_sid in self.server.state.test_accounts:
            message = "Resource not accessible with Test Account Credentials"
            self.reply(403, *errors.rest_exception(403, message, code=20008, as_json=True))
        elif document := resources.document(self.server.state, account_sid, self.path):
            self.serve_document(document)
        elif found := lists.LIST.fullmatch(self.path_only):
            self.serve_list(account_sid == found["account"])
        elif self.script is None or account_sid != self.script.account_sid:
            # With another account's credentials Twilio responds as if the resource did not exist.
            self.fail(404)
        elif self.command == "POST":
            self.fail(405)
        elif self.command != "DELETE" and self.extension == ".json":
            self.metadata(self.script)
        else:
            self.serve_media(self.script)

    def serve_list(self, is_own: bool) -> None:
        """Serve a page of the messages or recordings of the account."""
        if is_own:
            self.serve_document(lists.page(self.path_only, self.query, self.server.state.media()))
        else:
            self.fail(404)

    def serve_document(self, document: resources.Document) -> None:
        """Serve a page of a list or another resource, or the next list fault."""
        if fault := self.server.state.take_list_fault():
            self.entry.fault = type(fault).__name__
            fault.play(self)
        else:
            self.reply(200, "application/json", json.dumps(document).encode())

    def serve_normally(self) -> None:
        """Serve the bytes or a redirect to them, 404 before they are available; or delete them."""
        script = self.required_script
        if self.command == "DELETE":
            self.delete(script)
        elif script.is_conversation_media:
            self.metadata(script)
        elif not script.is_available():
            self.fail(404)
        elif script.is_recording and self.requests_more_channels(script):
            self.fail(400)
        elif script.redirect_status:
            link = self.server.state.link_to(script)
            self.reply(script.redirect_status, "application/xml", REDIRECT_BODY, Location=link)
        else:
            self.send_media()

    def requests_more_channels(self, script: MediaScript) -> bool:
        # Twilio docs, recording resource: a mono recording requested in stereo is a 400.
        stereo = parse_qs(self.query).get("RequestedChannels", ["1"])[0] == "2"
        return stereo and script.channels < 2

    @property
    def media_type(self) -> str:
        """The type of the requested extension, else that of the media."""
        return "audio/mpeg" if self.extension == ".mp3" else super().media_type

    @property
    def extension(self) -> str:
        return (self.resource["extension"] or "") if self.resource else ""

    def media_blocks(self) -> Iterator[bytes]:
        script = self.required_script
        return bodies.blocks(script.sid, self.media_type, script.size)

    def credentials(self) -> tuple[str, str | None]:
        """Return the user name of the Basic credentials, and their account or None if invalid."""
        if self.server.state.open_media and self.script and "Authorization" not in self.headers:
            return "", self.script.account_sid
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        try:
            username, _, password = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", None
        if scheme.lower() != "basic":
            return "", None
        return username, self.server.state.account_of(username, password)

    def reply_unauthorized(self, username: str) -> None:
        """Respond with Twilio's 401; its text differs for an unknown user and a wrong password."""
        state = self.server.state
        known = not username or username in state.accounts or username in state.api_keys
        message = "Authenticate" if known else "Authentication Error - invalid username"
        content_type, body = errors.rest_exception(
            401,
            message,
            detail="Your AccountSid or AuthToken was incorrect.",
            as_json=self.wants_json(),
        )
        challenge = {"WWW-Authenticate": 'Basic realm="Twilio API"'}
        self.reply(401, content_type, body, **challenge)

    def fail(self, status: int, **headers: str) -> None:
        """Respond with a RestException; a 404 names the resource as Twilio does."""
        as_json = self.wants_json()
        if status in (204, 304):
            self.start(status, headers)
        elif status == 404:
            content_type, body = errors.not_found(self.path_only, as_json=as_json)
            self.reply(status, content_type, body, **headers)
        else:
            phrase = self.responses[status][0] if status in self.responses else "Unknown"
            content_type, body = errors.rest_exception(status, phrase, as_json=as_json)
            self.reply(status, content_type, body, **headers)

    def wants_json(self) -> bool:
        return self.path_only.endswith(".json") or self.path_only.startswith(JSON_ONLY)

    def delete(self, script: MediaScript) -> None:
        """Delete: 204 the first time, then 404."""
        if script.deleted:
            self.fail(404)
            return
        script.deleted = True
        self.start(204, {})

    def metadata(self, script: MediaScript) -> None:
        """Serve the metadata; a recording's, with its status, is available before its bytes."""
        # Twilio docs, recording resource: IncludeSoftDeleted shows deleted recordings.
        soft = parse_qs(self.query).get("IncludeSoftDeleted", ["false"])[0].lower() == "true"
        if not script.has_metadata() and not (soft and script.deleted and script.is_recording):
            self.fail(404)
            return
        if script.is_conversation_media:
            document = _conversation_json(script, self.server.state.link_to(script))
        else:
            make = lists.recording if script.is_recording else lists.message_medium
            document = make(script)
        self.reply(200, "application/json", json.dumps(document).encode())

    def common_headers(self) -> dict[str, str]:
        """Return the headers of every response; Twilio Support asks for the request id."""
        return {
            "Twilio-Request-Id": self.entry.request_id,
            "Twilio-Request-Duration": f"{time.monotonic() - self.started_s:.3f}",
            "X-Home-Region": "us1",
        }


def _conversation_json(script: MediaScript, link: str) -> dict[str, object]:
    created = script.created_at.isoformat()
    return {
        "sid": script.sid,
        "service_sid": script.service_sid,
        "message_sid": script.parent_sid,
        "date_created": created,
        "date_updated": created,
        "content_type": script.content_type,
        "size": script.size,
        "filename": "photo.jpg",
        "author": "+15550000002",
        "category": "media",
        "is_multipart_upstream": False,
        "url": script.path,
        "links": {"content": f"{script.path}/Content", "content_direct_temporary": link},
    }
