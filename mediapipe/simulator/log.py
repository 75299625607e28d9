import json
import threading
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TextIO

Place = Literal["api", "cdn"]


@dataclass(slots=True)
class LoggedRequest:
    """One request. `status` is None before the response, and if a fault wrote its own.

    `bytes_sent` counts body bytes, and the raw headers that a fault wrote; `sid` is the media's,
    at the CDN too; `path` has no query, because a CDN link's signature is a secret; `fault` names
    the fault that was played.
    """

    origin: Place
    method: str
    path: str
    sid: str
    had_authorization: bool
    request_id: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    monotonic_s: float = field(default_factory=time.monotonic)
    status: int | None = None
    bytes_sent: int = 0
    fault: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self) | {"at": self.at.isoformat()}


class RequestLog:
    """All requests in order of arrival; thread-safe."""

    def __init__(self, file: Path | None = None) -> None:
        """Keep entries in memory, and append each to `file` as a line of JSON when it ends."""
        self._changed = threading.Condition()
        self._entries: list[LoggedRequest] = []
        self._by_sid: dict[str, list[LoggedRequest]] = defaultdict(list)
        self._file: TextIO | None = file.open("a", encoding="utf-8") if file else None

    def begin(self, entry: LoggedRequest) -> None:
        """Add a request on arrival, so that one that hangs is visible too."""
        with self._changed:
            self._entries.append(entry)
            self._by_sid[entry.sid].append(entry)
            self._changed.notify_all()

    def end(self, entry: LoggedRequest) -> None:
        """Write a request to the file, after its response."""
        with self._changed:
            if self._file:
                self._file.write(json.dumps(entry.as_json()) + "\n")
                self._file.flush()

    def all(self) -> list[LoggedRequest]:
        with self._changed:
            return list(self._entries)

    def of(self, sid: str, origin: Place | None = None) -> list[LoggedRequest]:
        """Return the requests for one media item, at both origins or at `origin`."""
        with self._changed:
            return [e for e in self._by_sid.get(sid, []) if origin in (None, e.origin)]

    def statuses_of(self, sid: str, origin: Place | None = None) -> list[int | None]:
        """Return the statuses of the responses for one media item."""
        return [entry.status for entry in self.of(sid, origin)]

    def credentials_at_cdn(self) -> list[LoggedRequest]:
        """Return the requests that leaked credentials to the CDN; there must be none."""
        return [e for e in self.all() if e.origin == "cdn" and e.had_authorization]

    def wait_for(self, sid: str, count: int = 1, timeout_s: float = 5.0) -> list[LoggedRequest]:
        """Return a media item's requests once there are `count`; raise TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._by_sid[sid]) >= count, timeout_s):
                raise TimeoutError(f"{sid} was not requested {count} times in {timeout_s} s")
            return list(self._by_sid[sid])

    def close(self) -> None:
        with self._changed:
            if self._file:
                self._file.close()
                self._file = None
