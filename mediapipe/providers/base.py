"""What every provider translates its webhooks into, and what the fetch asks of it."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from django.utils.http import parse_http_date_safe

from mediapipe.failures import Absence, FinalFailure, TransientFailure


class Kind(StrEnum):
    """What a media item belongs to."""

    MESSAGE = "message"
    RECORDING = "recording"
    CONVERSATION = "conversation"


class PostStorePolicy(StrEnum):
    """What an account wishes for what the provider still has of a stored item."""

    KEEP = "keep"
    DRY_RUN = "dry-run"
    DELETE = "delete"


class NotFoundCause(StrEnum):
    """Whose fault a 404 is, as far as the metadata of the same resource tells."""

    PROPAGATING = "propagating"
    PROCESSING = "processing"
    ABSENT = "absent"
    DELETED = "deleted"
    EXTERNAL_STORAGE = "external_storage"
    CREDENTIALS_SUSPECTED = "credentials_suspected"


class WebhookRefused(Exception):
    """A rejected webhook: `reason` is counted, `status` is the HTTP status of the response."""

    status: ClassVar[int] = 400

    def __init__(self, reason: str, sentence: str) -> None:
        self.reason = reason
        self.sentence = sentence
        super().__init__(f"{reason}: {sentence}")


class WebhookUnreadable(WebhookRefused):
    """The request cannot be parsed."""


class WebhookForged(WebhookRefused):
    """The request does not prove that Twilio sent it."""

    status = 403


class WebhookTooLarge(WebhookRefused):
    """The body exceeds the limit and was not read."""

    status = 413


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One HTTP request as it arrived, before anything about it is believed.

    `url` is the address as configured at the provider (scheme, host, path, raw query);
    `headers` have lower-case names.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class AnnouncedMedia:
    """One media item named by a webhook.

    `identity` is unique within the event: the media's own SID where the URL is well formed.
    `declared_size` is in bytes. `failure` is set where there is nothing to fetch: a URL that is
    refused, a recording that never came to be.
    """

    identity: str
    url: str
    media_sid: str = ""
    declared_content_type: str = ""
    declared_size: int | None = None
    failure: FinalFailure | Absence | None = None


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A webhook in the words of this project; `parameters` keep every pair as received."""

    kind: Kind
    source: str
    account_sid: str
    subject_sid: str
    parameters: tuple[tuple[str, str], ...]
    call_sid: str = ""
    conference_sid: str = ""
    conversation_sid: str = ""
    sender: str = ""
    recipient: str = ""
    media: tuple[AnnouncedMedia, ...] = ()


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password for HTTP Basic; the password never shows in a repr."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Link:
    """Where the bytes of a media item are for a while, as its metadata says; `size` in bytes."""

    url: str = field(repr=False)
    size: int | None = None


@dataclass(frozen=True, slots=True)
class MediaRequest:
    """How one media item is asked for.

    The credentials go to `url` alone, one pair after the other while the answer is 401;
    a redirect is followed without credentials, and only where `may_redirect_to` allows.

    With `link_in` the answer at `url` is metadata, in which `link_in` finds the link to the bytes,
    or nothing; the link is then followed as a redirect would be.
    """

    url: str
    credentials: tuple[Credentials, ...]
    may_redirect_to: Callable[[str], bool]
    link_in: Callable[["Response"], Link | None] | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """What the provider said to one GET; header names are lower-case.

    `body_head` has the first bytes of an error document, or of metadata.
    """

    status: int
    headers: Mapping[str, str]
    body_head: bytes
    redirected: bool

    @property
    def retry_after_s(self) -> float | None:
        """For how long not to ask again, as Retry-After says it: in seconds, or as a date."""
        value = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"[0-9]{1,15}", value):
            return float(value)
        date = parse_http_date_safe(value)
        return None if date is None else max(0.0, date - time.time())


@dataclass(slots=True)
class Evidence:
    """What the other side said, filled as it is said: complete up to the moment of a failure.

    `found_at` is when somebody first answered something that means that the media exists: the
    origin, or where its metadata leads to. `declared_size` is that of the metadata, in bytes.
    `duration_s` is that of the attempt, without the diagnosis of a 404.
    `clock_skew_s` is the origin's Date minus our clock. Of a redirect or a link only the host is
    kept, because signed URLs are secrets.
    """

    http_status: int | None = None
    error_code: int | None = None
    request_id: str = ""
    redirect_host: str = ""
    bytes_received: int = 0
    found_at: datetime | None = None
    declared_content_type: str = ""
    home_region: str = ""
    clock_skew_s: float | None = None
    declared_size: int | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A body that arrived whole: its size in bytes, its SHA-256 in hex, its first 4 KiB."""

    size: int
    sha256: str
    head: bytes


class Provider(Protocol):
    """A company that announces media by webhook and serves it by authenticated GET."""

    name: str

    def verify(self, request: WebhookRequest) -> tuple[tuple[str, str], ...]:
        """Return the parameters of a request that the provider signed, or raise WebhookRefused."""

    def parse(self, source: str, parameters: tuple[tuple[str, str], ...]) -> InboundMessage | None:
        """Return verified parameters as a message, or raise WebhookUnreadable.

        None for an event that is none of our business, and is to be answered all the same.
        """

    def is_pre_hook(self, request: WebhookRequest) -> bool:
        """Tell whether the provider waits for our answer, and a refusal stops what a person does.

        The request may be one that nobody has verified.
        """

    def media_request(self, *, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
        """Return how to ask for this URL; raise AddressRefused or ConfigMissing."""

    def classify(self, answer: Response) -> TransientFailure | FinalFailure | None:
        """Return which failure an answer means, or None where the body is the media."""

    def metadata_request(self, *, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
        """Return how to ask what is known of this media; raise as media_request does."""

    def not_found_cause(self, answer: Response) -> NotFoundCause | None:
        """Return what the metadata tells of media that is not found; None where it tells nothing.

        `DELETED` where there is no metadata either: whether there was any before, or will be, is
        for the caller to know.
        """

    def post_store_policy(self, account_sid: str) -> PostStorePolicy:
        """Return what this account wishes; raise ImproperlyConfigured."""

    def deletion_request(self, *, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
        """Return how to ask that this media be deleted; raise as media_request does."""

    def error_code(self, answer: Response) -> int | None:
        """Return the provider's own error code from an error document, if it names one."""
