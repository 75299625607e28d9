"""The API origin: api.twilio.com with message media, recordings and their metadata.

The media service of conversations (mcs.us1.twilio.com) is at the same origin here.
"""

import base64
import binascii
import json
import re
import time
from collections.abc import Iterator
from urllib.parse import parse_qs

from mediapipe.simulator import bodies, control, errors, lists, resources
from mediapipe.simulator.exchange import Exchange
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


class ApiExchange(Exchange):
    """One request to the API."""

    place = "api"

    def exchange(self) -> None:
        """Serve one request; those of the remote control are not Twilio's and not logged."""
        if self.path.startswith(control.PREFIX):
            control.serve(self)
        else:
            super().exchange()

    def find_script(self) -> MediaScript | None:
        """Return the media item of the path, if account and message agree with it."""
        self.resource = RESOURCE.fullmatch(self.path_only)
        if self.resource is None:
            return self.find_of_conversation()
        found = self.resource.groupdict()
        script = self.server.state.find(found["media"] or found["recording"])
        if script is None or script.account_sid != found["account"]:
            return None
        belongs = found["parent"] in (None, script.parent_sid)
        return script if belongs and not script.is_of_conversation else None

    def find_of_conversation(self) -> MediaScript | None:
        """Return the medium of a conversation that the path names, if the service agrees."""
        found = CONVERSATION.fullmatch(self.path_only)
        script = self.server.state.find(found["media"]) if found else None
        return script if found and script and script.service_sid == found["service"] else None

    def respond(self) -> None:
        """Check the credentials, then the resource."""
        username, account_sid = self.credentials()
        if account_sid is None or resources.is_refused(self.path_only, username):
            self.refuse(username)
        elif account_sid in self.server.state.test_accounts:
            self.fail_for_test_credentials()
        elif document := resources.document(self.server.state, account_sid, self.path):
            self.answer(200, "application/json", json.dumps(document).encode())
        elif found := lists.LIST.fullmatch(self.path_only):
            self.give_list(account_sid == found["account"])
        elif self.script is None or account_sid != self.script.account_sid:
            # To another account's credentials a resource does not exist.
            self.fail(404)
        elif self.command == "POST":
            self.fail(405)
        elif self.command != "DELETE" and self.extension == ".json":
            self.metadata(self.script)
        else:
            self.play_or_behave(self.script)

    def give_list(self, is_own: bool) -> None:
        """Answer with a page of a list, after the faults that lists have."""
        state = self.server.state
        if not is_own:
            self.fail(404)
        elif fault := state.take_list_fault():
            self.entry.fault = type(fault).__name__
            fault.play(self)
        else:
            document = lists.page(self.path_only, self.query, state.media())
            self.answer(200, "application/json", json.dumps(document).encode())

    def behave(self) -> None:
        """Give the bytes, or lead to them; 404 until they are there. Or delete them."""
        script = self.known_script
        if self.command == "DELETE":
            self.delete(script)
        elif script.is_of_conversation:
            self.metadata(script)
        elif not script.is_available():
            self.fail(404)
        elif script.is_recording and self.wanted_channels() > script.channels:
            self.fail(400)
        elif script.redirect_status:
            link = self.server.state.link_to(script)
            self.answer(script.redirect_status, "application/xml", REDIRECT_BODY, Location=link)
        else:
            self.send_media()

    def wanted_channels(self) -> int:
        """Return how many channels are asked for (Twilio: recording resource)."""
        values = parse_qs(self.query).get("RequestedChannels", ["1"])
        return 2 if values[0] == "2" else 1

    @property
    def media_type(self) -> str:
        """The type that the extension asks for, else that of the media."""
        return "audio/mpeg" if self.extension == ".mp3" else super().media_type

    @property
    def extension(self) -> str:
        """The extension of the path, or ""."""
        return (self.resource["extension"] or "") if self.resource else ""

    def media_blocks(self) -> Iterator[bytes]:
        """Yield the bytes in the type that is asked for."""
        script = self.known_script
        return bodies.blocks(script.sid, self.media_type, script.size)

    def credentials(self) -> tuple[str, str | None]:
        """Return the user name of the Basic credentials, and the account they open, if any."""
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        try:
            username, _, password = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", None
        if scheme.lower() != "basic":
            return "", None
        return username, self.server.state.account_of(username, password)

    def refuse(self, username: str) -> None:
        """Answer 401 in Twilio's words, which tell an unknown user name from a wrong password."""
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
        self.answer(401, content_type, body, **challenge)

    def fail(self, status: int, **headers: str) -> None:
        """Answer with a RestException; a 404 names the resource as Twilio does."""
        as_json = self.wants_json()
        if status in (204, 304):
            self.start(status, headers)
        elif status == 404:
            content_type, body = errors.not_found(self.path_only, as_json=as_json)
            self.answer(status, content_type, body, **headers)
        else:
            phrase = self.responses[status][0] if status in self.responses else "Unknown"
            content_type, body = errors.rest_exception(status, phrase, as_json=as_json)
            self.answer(status, content_type, body, **headers)

    def fail_for_test_credentials(self) -> None:
        """Answer 403 as to test credentials, which may read nothing."""
        message = "Resource not accessible with Test Account Credentials"
        self.answer(403, *errors.rest_exception(403, message, code=20008, as_json=True))

    def wants_json(self) -> bool:
        """Tell whether the path asks for JSON."""
        return self.path_only.endswith(".json") or self.path_only.startswith(JSON_ONLY)

    def delete(self, script: MediaScript) -> None:
        """Delete for good: 204, and 404 ever after."""
        if script.deleted:
            self.fail(404)
            return
        script.deleted = True
        self.start(204, {})

    def metadata(self, script: MediaScript) -> None:
        """Answer with metadata; a recording has some before it has bytes, with its status."""
        if not script.has_metadata() and not self.wants_deleted(script):
            self.fail(404)
            return
        if script.is_of_conversation:
            document = _conversation_json(script, self.server.state.link_to(script))
        else:
            make = lists.recording if script.is_recording else lists.message_medium
            document = make(script)
        self.answer(200, "application/json", json.dumps(document).encode())

    def wants_deleted(self, script: MediaScript) -> bool:
        """Tell whether a deleted recording is asked for as such (Twilio: recording resource)."""
        asked = parse_qs(self.query).get("IncludeSoftDeleted", ["false"])[0].lower() == "true"
        return asked and script.deleted and script.is_recording

    def house_headers(self) -> dict[str, str]:
        """Return the headers that Twilio Support asks for, on every answer."""
        return {
            "Twilio-Request-Id": self.entry.request_id,
            "Twilio-Request-Duration": f"{time.monotonic() - self.begun_s:.3f}",
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
