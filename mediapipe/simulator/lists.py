"""The lists of messages, their media, and recordings, newest first as at Twilio.

The messages are those to which the registered media belong.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from mediapipe.simulator.script import MediaScript

_HEX = "[0-9a-fA-F]{32}"
LIST = re.compile(
    rf"/2010-04-01/Accounts/(?P<account>AC{_HEX})/"
    rf"(?:(?P<kind>Messages|Recordings)|Messages/(?P<message>(?:MM|SM){_HEX})/Media)\.json"
)
MAX_PAGE_SIZE = 1000

Document = dict[str, Any]


def page(path: str, query: str, media: Sequence[MediaScript]) -> Document:
    """Return the requested page; `path` must match LIST, `media` is every media item."""
    params = {name: values[0] for name, values in parse_qs(query).items()}
    found = LIST.fullmatch(path)
    if found is None:
        raise LookupError(path)
    own = [script for script in media if script.account_sid == found["account"]]
    own = [script for script in own if not script.deleted and not script.is_conversation_media]
    if found["message"]:
        key, entries = (
            "media_list",
            [message_medium(script) for script in own if script.parent_sid == found["message"]],
        )
    elif found["kind"] == "Recordings":
        key, entries = "recordings", list(_recordings(own, params))
    else:
        key, entries = "messages", list(_messages(own, params))
    return _paginate(path, params, key, entries)


def _paginate(path: str, params: dict[str, str], key: str, entries: list[Document]) -> Document:
    size, number = min(int(params.get("PageSize", 50)), MAX_PAGE_SIZE), int(params.get("Page", 0))
    begin = number * size
    more = len(entries) > begin + size
    after = params | {"Page": str(number + 1), "PageToken": f"PA{number + 1}"}
    return {
        key: entries[begin : begin + size],
        "page": number,
        "page_size": size,
        "start": begin,
        "end": begin + size - 1,
        "uri": f"{path}?{urlencode(params)}",
        "first_page_uri": f"{path}?{urlencode(params | {'Page': '0'})}",
        "previous_page_uri": None,
        "next_page_uri": f"{path}?{urlencode(after)}" if more else None,
    }


def _messages(media: Sequence[MediaScript], params: dict[str, str]) -> Iterator[Document]:
    of_message: dict[str, list[MediaScript]] = {}
    for script in _sorted(media):
        if not script.is_recording and _within(script, params, "DateSent"):
            of_message.setdefault(script.parent_sid, []).append(script)
    for sid, scripts in of_message.items():
        first = scripts[0]
        at = format_datetime(first.created_at)
        yield {
            "sid": sid,
            "account_sid": first.account_sid,
            "api_version": "2010-04-01",
            "body": "",
            "date_created": at,
            "date_sent": at,
            "date_updated": at,
            "direction": first.direction,
            "from": "+15550000002",
            "to": "+15550000001",
            "messaging_service_sid": None,
            "num_media": str(len(scripts)),
            "num_segments": "1",
            "status": "received" if first.direction == "inbound" else "delivered",
            "uri": f"/2010-04-01/Accounts/{first.account_sid}/Messages/{sid}.json",
        }


def _recordings(media: Sequence[MediaScript], params: dict[str, str]) -> Iterator[Document]:
    for script in _sorted(media):
        if script.is_recording and _within(script, params, "DateCreated"):
            yield recording(script)


def message_medium(script: MediaScript) -> Document:
    """Return a message medium as its metadata and the list show it."""
    created = format_datetime(script.created_at)
    return {
        "account_sid": script.account_sid,
        "parent_sid": script.parent_sid,
        "sid": script.sid,
        "content_type": script.content_type,
        "date_created": created,
        "date_updated": created,
        "uri": f"{script.path}.json",
    }


def recording(script: MediaScript) -> Document:
    """Return a recording as its metadata and the list show it."""
    created = format_datetime(script.created_at)
    is_conference = script.parent_sid.startswith("CF")
    return {
        "account_sid": script.account_sid,
        "api_version": "2010-04-01",
        "call_sid": None if is_conference else script.parent_sid,
        "conference_sid": script.parent_sid if is_conference else None,
        "sid": script.sid,
        "status": _status(script),
        "channels": script.channels,
        "duration": "11",
        "source": "Conference" if is_conference else "StartCallRecordingAPI",
        "start_time": created,
        "date_created": created,
        "date_updated": created,
        "media_url": script.external_url or script.url,
        "uri": f"{script.path}.json",
    }


def _status(script: MediaScript) -> str:
    if script.deleted:
        return "deleted"
    uploads = script.recording_status == "completed" and not script.external_url
    return "processing" if uploads and not script.is_available() else script.recording_status


def _sorted(media: Sequence[MediaScript]) -> list[MediaScript]:
    return sorted(media, key=lambda script: script.created_at, reverse=True)


def _within(script: MediaScript, params: dict[str, str], name: str) -> bool:
    """Return whether the media is in the requested period, compared in whole seconds."""
    at = script.created_at.replace(microsecond=0)
    since, until = params.get(f"{name}>"), params.get(f"{name}<")
    return not (since and at < _moment(since)) and not (until and at > _moment(until))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
