import hashlib
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack

from mediapipe.simulator import bodies
from mediapipe.simulator.faults import Fault
from mediapipe.simulator.log import Place

ACCOUNT_SID = "AC00000000000000000000000000005150"
AUTH_TOKEN = "simulated-token-that-opens-nothing"
TWILIO_ORIGIN = "https://api.twilio.com"


def new_sid(prefix: str) -> str:
    """Return a random SID; a seeded one would make a second run send duplicates."""
    return prefix + uuid.uuid4().hex


@dataclass(eq=False)
class MediaScript:
    """One message medium (ME...) or recording (RE...); `parent_sid` is its message or call.

    With a `service_sid` (IS...) it is a medium of a conversation: its URL serves metadata with a
    link, which serves the bytes after `delay_s`.

    It is available `delay_s` seconds after its first announcement, when its webhook is sent;
    without a delay, always. `faults` are played first, one per request. `redirect_status` 0 means
    that the API serves the bytes itself. Metadata is available `metadata_delay_s` seconds after
    the announcement; by default together with the bytes, for a recording always. With an
    `external_url` the bytes are in the customer's own bucket.
    """

    sid: str
    parent_sid: str
    account_sid: str = ACCOUNT_SID
    content_type: str = "image/jpeg"
    size: int = 20_000
    delay_s: float = 0.0
    faults: Sequence[Fault] = ()
    redirect_status: int = 307
    disposition: str = ""
    recording_status: str = "completed"
    channels: int = 1
    metadata_delay_s: float | None = None
    external_url: str = ""
    service_sid: str = ""
    direction: str = "inbound"

    origin: str = TWILIO_ORIGIN
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    announced_at: datetime | None = None
    deleted: bool = False
    _announced_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _released: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def is_recording(self) -> bool:
        return self.sid.startswith("RE")

    @property
    def is_conversation_media(self) -> bool:
        """Whether it is in the media service, which serves a link instead of the bytes."""
        return bool(self.service_sid)

    @property
    def path(self) -> str:
        """The path at the API, without an extension, as in webhooks."""
        if self.is_conversation_media:
            return f"/v1/Services/{self.service_sid}/Media/{self.sid}"
        account = f"/2010-04-01/Accounts/{self.account_sid}"
        if self.is_recording:
            return f"{account}/Recordings/{self.sid}"
        return f"{account}/Messages/{self.parent_sid}/Media/{self.sid}"

    @property
    def url(self) -> str:
        """The media URL as a webhook announces it: Twilio's, or the simulator's once registered."""
        return self.origin + self.path

    @property
    def cdn_path(self) -> str:
        """The path at the CDN, which does not reveal the SID."""
        return f"/{self.account_sid}/{hashlib.sha256(self.sid.encode()).hexdigest()[:32]}"

    @property
    def body(self) -> bytes:
        return bodies.body_of(self.sid, self.content_type, self.size)

    @property
    def sha256(self) -> str:
        return bodies.sha256_of(self.sid, self.content_type, self.size)

    def blocks(self) -> Iterator[bytes]:
        return bodies.blocks(self.sid, self.content_type, self.size)

    def announce(self) -> None:
        """Start the delay; a second announcement of the same media changes nothing."""
        with self._lock:
            if self.announced_at is None:
                self._announced_s = time.monotonic()
                self.announced_at = datetime.now(UTC)

    @property
    def available_at(self) -> datetime | None:
        """When the media becomes available (UTC); None while unknown."""
        if self.deleted or self.external_url or self.recording_status != "completed":
            return None
        if self.announced_at is None:
            return None if self.delay_s > 0 else self.created_at
        return self.announced_at + timedelta(seconds=self.delay_s)

    def is_available(self) -> bool:
        if self.deleted or self.external_url or self.recording_status != "completed":
            return False
        return self._is_past(self.delay_s)

    def has_metadata(self) -> bool:
        if self.deleted:
            return False
        if self.metadata_delay_s is not None:
            return self._is_past(self.metadata_delay_s)
        return self.is_recording or self.is_available()

    def _is_past(self, delay_s: float) -> bool:
        if delay_s <= 0:
            return True
        announced = self.announced_at is not None
        return announced and time.monotonic() - self._announced_s >= delay_s

    def take_fault(self, place: Place) -> Fault | None:
        """Return the fault for this request, and use it up unless it is `forever`."""
        with self._lock:
            fault = next((fault for fault in self.faults if fault.at == place), None)
            if fault and not fault.forever:
                remaining = list(self.faults)
                remaining.remove(fault)
                self.faults = remaining
            return fault

    def pause(self, seconds: float | None) -> bool:
        """Wait up to `seconds` (None: until released); return whether it was released."""
        return self._released.wait(seconds)

    def release(self) -> None:
        """End every present and future wait of this media item."""
        self._released.set()


class MediaOptions(TypedDict, total=False):
    """Options of a new media item; see MediaScript."""

    sid: str
    parent_sid: str
    account_sid: str
    content_type: str
    size: int
    delay_s: float
    faults: Sequence[Fault]
    redirect_status: int
    disposition: str
    recording_status: str
    channels: int
    metadata_delay_s: float | None
    external_url: str
    service_sid: str
    direction: str
    created_at: datetime


def message_media(**options: Unpack[MediaOptions]) -> MediaScript:
    """Return a new message medium; by default a 20 kB JPEG behind a 307."""
    return MediaScript(**({"sid": new_sid("ME"), "parent_sid": new_sid("MM")} | options))


def recording(**options: Unpack[MediaOptions]) -> MediaScript:
    """Return a new recording; by default a WAV file that the API serves itself."""
    defaults: MediaOptions = {
        "sid": new_sid("RE"),
        "parent_sid": new_sid("CA"),
        "content_type": "audio/x-wav",
        "redirect_status": 0,
    }
    return MediaScript(**(defaults | options))


def conversation_media(**options: Unpack[MediaOptions]) -> MediaScript:
    """Return a new medium of a conversation, which takes two requests to fetch."""
    defaults: MediaOptions = {
        "sid": new_sid("ME"),
        "parent_sid": new_sid("IM"),
        "service_sid": new_sid("IS"),
    }
    return MediaScript(**(defaults | options))
