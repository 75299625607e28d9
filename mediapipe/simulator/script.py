"""One media item at the simulated Twilio: what it is, when it is there, what goes wrong with it."""

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
    """Return a fresh SID; never a seeded one, or a second run would send duplicates."""
    return prefix + uuid.uuid4().hex


@dataclass(eq=False)
class MediaScript:
    """One message medium (ME...) or recording (RE...); `parent_sid` is its message or its call.

    With a `service_sid` (IS...) it is the medium of a conversation: its URL gives metadata with a
    link to the bytes, at which they are after `delay_s`.

    It can be fetched `delay_s` seconds after its first announcement, that is the moment its
    webhook was sent; one without delay is there from the start. `faults` are played before
    that, one a request. `redirect_status` 0 means that the API gives the bytes itself. The
    metadata is there `metadata_delay_s` seconds after the announcement: by default together with
    the bytes, that of a recording from the start. With an `external_url` the bytes are in a
    bucket of the customer's.
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
        """Tell whether this is a recording of a call, not the medium of a message."""
        return self.sid.startswith("RE")

    @property
    def is_of_conversation(self) -> bool:
        """Tell whether this is in the media service, which gives a link instead of the bytes."""
        return bool(self.service_sid)

    @property
    def path(self) -> str:
        """The path of the bytes at the API, without extension as webhooks name it."""
        if self.is_of_conversation:
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
        """The path at the CDN, which shows nothing of the SID."""
        return f"/{self.account_sid}/{hashlib.sha256(self.sid.encode()).hexdigest()[:32]}"

    @property
    def body(self) -> bytes:
        """All bytes."""
        return bodies.body_of(self.sid, self.content_type, self.size)

    @property
    def sha256(self) -> str:
        """The hex digest of the bytes."""
        return bodies.sha256_of(self.sid, self.content_type, self.size)

    def blocks(self) -> Iterator[bytes]:
        """Yield the bytes in blocks."""
        return bodies.blocks(self.sid, self.content_type, self.size)

    def announce(self) -> None:
        """Start the delay; a second announcement of the same media changes nothing."""
        with self._lock:
            if self.announced_at is None:
                self._announced_s = time.monotonic()
                self.announced_at = datetime.now(UTC)

    @property
    def available_at(self) -> datetime | None:
        """The moment (UTC) from which the media can be fetched; None while that is not known."""
        if self.deleted or self.external_url or self.recording_status != "completed":
            return None
        if self.announced_at is None:
            return None if self.delay_s > 0 else self.created_at
        return self.announced_at + timedelta(seconds=self.delay_s)

    def is_available(self) -> bool:
        """Tell whether the media can be fetched now."""
        if self.deleted or self.external_url or self.recording_status != "completed":
            return False
        return self._is_past(self.delay_s)

    def has_metadata(self) -> bool:
        """Tell whether the metadata can be asked for now."""
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
        """Return the fault to be played on this request; one that is not for ever is used up."""
        with self._lock:
            fault = next((fault for fault in self.faults if fault.at == place), None)
            if fault and not fault.forever:
                remaining = list(self.faults)
                remaining.remove(fault)
                self.faults = remaining
            return fault

    def pause(self, seconds: float | None) -> bool:
        """Wait so long (None: until the release); tell whether it was released."""
        return self._released.wait(seconds)

    def release(self) -> None:
        """End every wait of this media item, present and to come."""
        self._released.set()


class MediaOptions(TypedDict, total=False):
    """What may be said about a new media item; see MediaScript."""

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
    """Return a new message medium: a JPEG of 20 kB behind a 307, unless told otherwise."""
    return MediaScript(**({"sid": new_sid("ME"), "parent_sid": new_sid("MM")} | options))


def recording(**options: Unpack[MediaOptions]) -> MediaScript:
    """Return a new recording: a WAV file that the API gives out itself, unless told otherwise."""
    defaults: MediaOptions = {
        "sid": new_sid("RE"),
        "parent_sid": new_sid("CA"),
        "content_type": "audio/x-wav",
        "redirect_status": 0,
    }
    return MediaScript(**(defaults | options))


def conversation_media(**options: Unpack[MediaOptions]) -> MediaScript:
    """Return a new medium of a conversation, which is reached in two steps."""
    defaults: MediaOptions = {
        "sid": new_sid("ME"),
        "parent_sid": new_sid("IM"),
        "service_sid": new_sid("IS"),
    }
    return MediaScript(**(defaults | options))
