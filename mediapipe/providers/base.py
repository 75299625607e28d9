"""What providers translate their webhooks into, and the interface that each implements."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from django.utils.http import parse_http_date_safe

from mediapipe.failures import Absence, FinalFailure, TransientFailure

# The name-value pairs of a webhook, in the order received.
Parameters: TypeAlias = tuple[tuple[str, str], ...]


class Kind(StrEnum):
    """What kind of event announced a media item."""

    MESSAGE = "message"
    RECORDING = "recording"
    CONVERSATION = "conversation"


class PostStorePolicy(StrEnum):
    """What to do with the provider's copy of a media item once it is stored here."""

    KEEP = "keep"
    DRY_RUN = "dry-run"
    DELETE = "delete"


class NotFoundCause(StrEnum):
    """Why media is not found, according to the metadata of the same resource."""

    PROPAGATING = "propagating"
    PROCESSING = "processing"
    ABSENT = "absent"
    DELETED = "deleted"
    EXTERNAL_STORAGE = "external_storage"
    CREDENTIALS_SUSPECTED = "credentials_suspected"


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One HTTP request as it arrived, before anything in it is trusted.

    `url` is as configured at the provider (scheme, host, path, raw query), because that is what
    was signed; `headers` have lower-case names.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class AnnouncedMedia:
    """One media item named by a webhook.

    `identity` is unique within the event: the media's own SID if the URL is well formed.
    `declared_size` is in bytes. `failure` is set if there is nothing to fetch: a refused URL, or
    a recording that was never made.
    """

    identity: str
    url: str
    media_sid: str = ""
    declared_content_type: str = ""
    declared_size: int | None = None
    failure: FinalFailure | Absence | None = None


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A webhook of any provider in one form; its event has a column for each of these texts.

    Those that default to "" are optional: a later webhook about the same subject fills in what
    an earlier one left out.
    """

    kind: Kind
    source: str
    account_sid: str
    subject_sid: str
    parameters: Parameters
    call_sid: str = ""
    conference_sid: str = ""
    conversation_sid: str = ""
    sender: str = ""
    recipient: str = ""
    home_region: str = ""
    media: tuple[AnnouncedMedia, ...] = ()


def unique(media: Iterable[AnnouncedMedia]) -> tuple[AnnouncedMedia, ...]:
    """Return the first item of each identity: a webhook may name the same media twice."""
    first: dict[str, AnnouncedMedia] = {}
    for item in media:
        first.setdefault(item.identity, item)
    return tuple(first.values())


OPTIONAL_FIELDS = tuple(field.name for field in fields(InboundMessage) if field.default == "")


@dataclass(frozen=True, slots=True)
class Reply:
    """The body and content type of our response to a webhook."""

    body: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """User name and password for HTTP Basic; the password is left out of the repr."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Link:
    """A temporary link to the bytes of a media item, from its metadata; `size` in bytes."""

    url: str = field(repr=False)
    size: int | None = None


@dataclass(frozen=True, slots=True)
class MediaRequest:
    """The request for one media item.

    The credentials are sent to `url` alone, one pair after another while the status is 401.
    Redirects are followed without credentials, and only if `may_redirect_to` allows the URL.

    With `link_in`, the response at `url` is metadata: `link_in` returns the link to the bytes, or
    None, and the link is followed like a redirect.
    """

    url: str
    credentials: tuple[Credentials, ...]
    may_redirect_to: Callable[[str], bool]
    link_in: Callable[["Response"], Link | None] | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """The response to one request; header names are lower-case.

    `body_head` is the beginning of an error document or of metadata. `redirected` means that it
    came from the target of a redirect, or of a link in metadata.
    """

    status: int
    headers: Mapping[str, str]
    body_head: bytes
    redirected: bool

    @property
    def retry_after_s(self) -> float | None:
        """Retry-After in seconds, from a number or a date; None if it is missing or invalid."""
        value = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"[0-9]{1,15}", value):
            return float(value)
        date = parse_http_date_safe(value)
        return None if date is None else max(0.0, date - time.time())


@dataclass(slots=True)
class Evidence:
    """What the responses of an attempt contained, filled in as they arrive, failure or not.

    `found_at` is the time of the first response that showed that the media exists: a 2xx or 3xx
    that is not metadata. `declared_size` is from the metadata, in bytes. `duration_s` is the
    duration of the attempt, without the diagnosis of a 404. `clock_skew_s` is the origin's Date
    minus our clock. Only the host of a redirect or link is kept, because signed URLs are secrets.
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
    """A complete body: its size in bytes, its SHA-256 in hex, and its first 4 KiB."""

    size: int
    sha256: str
    head: bytes


class Provider(Protocol):
    """A service that announces media by webhook and serves it to an authenticated GET.

    A module with these functions implements it, as does an instance of a class.
    """

    name: str
    label: str
    # The webhooks of each source are received at /webhooks/{name}/{source}/.
    sources: tuple[str, ...]

    def verify(self, request: WebhookRequest) -> Parameters:
        """Return the parameters of a request that the provider signed; raise WebhookRefused."""

    def parse(
        self, source: str, parameters: Parameters, headers: Mapping[str, str] | None = None
    ) -> InboundMessage | None:
        """Return the message that verified parameters announce; raise WebhookUnreadable.

        None for an event that announces no media: it gets a reply and is not recorded.
        """

    def reply(self, source: str) -> Reply:
        """Return the body of a 200 that makes the provider take no further action."""

    def pre_hook_reply(self, request: WebhookRequest) -> Reply | None:
        """Return the reply to a pre-hook, or None for any other request, verified or not.

        The provider waits for the response to a pre-hook, and an error status would block the
        user's action, so even one that fails verification gets a 200.
        """

    def account_sids(self) -> list[str]:
        """Return the SIDs of all configured accounts; raise ImproperlyConfigured."""

    def account_name(self, account_sid: str) -> str:
        """Return the configured name of an account, or ""; raise ImproperlyConfigured."""

    def media_request(self, *, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
        """Return the request for this media URL; raise AddressRefused or ConfigMissing."""

    def is_own_host(self, host: str) -> bool:
        """Return whether the provider runs this host, or the storage that it redirects to.

        False for an IP address, and for a host that only a setting names.
        """

    def classify(self, response: Response) -> TransientFailure | FinalFailure | None:
        """Return the failure that a response means, or None if its body is the media."""

    def error_code(self, response: Response) -> int | None:
        """Return the provider's own code from an error document, if it has one."""

    def metadata_request(self, *, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
        """Return the request for the metadata of this media; raise as media_request does."""

    def not_found_cause(self, response: Response) -> NotFoundCause | None:
        """Return why media is not found according to a metadata response, or None if unknown.

        `DELETED` if there is no metadata either: only the caller knows whether there was any
        before.
        """

    def post_store_policy(self, account_sid: str) -> PostStorePolicy:
        """Return what to do with the provider's copy of stored media.

        Raises ImproperlyConfigured.
        """

    def deletion_request(self, *, url: str, account_sid: str, subject_sid: str) -> MediaRequest:
        """Return the DELETE request for this media; raise as media_request does."""
