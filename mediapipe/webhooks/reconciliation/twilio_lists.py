from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from twilio.rest import Client

from mediapipe.failures import TransientMedia404, UnexpectedResponse
from mediapipe.providers import twilio
from mediapipe.providers.base import InboundMessage, Kind
from mediapipe.providers.twilio.accounts import Account
from mediapipe.providers.twilio.metadata import is_elsewhere
from mediapipe.webhooks.reconciliation.twilio_client import BoundedHttpClient

PAGE_SIZE = 200


@dataclass(frozen=True, slots=True)
class ListedSubject:
    """A message or recording in a list; `created_at` is Twilio's time (UTC).

    `load` returns the message that its webhook would have announced, None if its media has been
    deleted. For a message it sends another request.
    """

    kind: Kind
    account_sid: str
    sid: str
    created_at: datetime
    media: int
    load: Callable[[], InboundMessage | None]


class TwilioLists:
    """The lists of one account, by page; times are in UTC, and every method may raise a Failure."""

    def __init__(self, account: Account) -> None:
        credentials = account.credentials()
        self._sid = account.sid
        self._client = Client(
            credentials[0].username,
            credentials[0].password,
            account.sid,
            http_client=BoundedHttpClient(credentials),
        )
        self._client.api.base_url = settings.TWILIO_API_URL
        # The client would take them from the environment, and then call another host.
        self._client.region = self._client.edge = None

    def messages(self, since: datetime, until: datetime) -> Iterator[list[ListedSubject]]:
        """Yield the incoming messages that have media."""
        period = {"date_sent_after": since, "date_sent_before": until}
        for page in _pages(self._client.messages.page(page_size=PAGE_SIZE, **period)):
            yield [self._message(message) for message in page if _has_media(message)]

    def recordings(self, since: datetime, until: datetime) -> Iterator[list[ListedSubject]]:
        """Yield the recordings that are finished and kept at Twilio."""
        period = {"date_created_after": since, "date_created_before": until}
        for page in _pages(self._client.recordings.page(page_size=PAGE_SIZE, **period)):
            yield [self._recording(one) for one in page if _is_at_twilio(one)]

    def _message(self, message: Any) -> ListedSubject:
        return ListedSubject(
            kind=Kind.MESSAGE,
            account_sid=self._sid,
            sid=message.sid,
            created_at=_utc(message.date_created or message.date_sent),
            media=int(message.num_media),
            load=lambda: self._load_message(message),
        )

    def _load_message(self, message: Any) -> InboundMessage | None:
        try:
            media = self._client.messages(message.sid).media.list(page_size=PAGE_SIZE)
        except TransientMedia404:
            return None
        if not media:
            return None
        path = f"/2010-04-01/Accounts/{self._sid}/Messages/{message.sid}/Media"
        pairs = [
            ("MessageSid", message.sid),
            ("AccountSid", self._sid),
            ("MessagingServiceSid", message.messaging_service_sid),
            ("From", message.from_),
            ("To", message.to),
            ("Body", message.body),
            ("NumMedia", str(len(media))),
        ]
        for number, item in enumerate(media):
            pairs.append((f"MediaUrl{number}", f"{settings.TWILIO_API_URL}{path}/{item.sid}"))
            pairs.append((f"MediaContentType{number}", item.content_type))
        return _parse("messaging", pairs)

    def _recording(self, recording: Any) -> ListedSubject:
        path = f"/2010-04-01/Accounts/{self._sid}/Recordings/{recording.sid}"
        pairs = [
            ("RecordingSid", recording.sid),
            ("AccountSid", self._sid),
            ("CallSid", recording.call_sid),
            ("ConferenceSid", recording.conference_sid),
            ("RecordingUrl", f"{settings.TWILIO_API_URL}{path}"),
            ("RecordingStatus", recording.status),
            ("RecordingDuration", recording.duration),
            ("RecordingChannels", recording.channels),
            ("RecordingSource", recording.source),
        ]
        return ListedSubject(
            kind=Kind.RECORDING,
            account_sid=self._sid,
            sid=recording.sid,
            created_at=_utc(recording.date_created),
            media=1,
            load=lambda: _parse("recording", pairs),
        )


def _pages(page: Any) -> Iterator[Any]:
    seen = set()
    while page is not None:
        yield page
        if page.next_page_url in seen:
            raise UnexpectedResponse("The pages of the list form a loop.")
        seen.add(page.next_page_url)
        page = page.next_page()


def _has_media(message: Any) -> bool:
    # A message that was sent from the account has no incoming webhook.
    return message.direction == "inbound" and str(message.num_media or "0") not in ("", "0")


def _is_at_twilio(recording: Any) -> bool:
    # The webhook of an unfinished recording is still to come, and a recording in the customer's
    # own bucket cannot be fetched from Twilio.
    return recording.status == "completed" and not is_elsewhere(recording.media_url)


def _utc(time: datetime | None) -> datetime:
    if time is None:
        raise UnexpectedResponse("The list has an entry without a time.")
    return time.astimezone(UTC)


def _parse(source: str, pairs: list[tuple[str, Any]]) -> InboundMessage | None:
    """Return what a webhook with these parameters would have announced, checked like one."""
    given = tuple((name, str(value)) for name, value in pairs if value is not None)
    return twilio.parse(source, given)
