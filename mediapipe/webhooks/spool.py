"""Where webhooks wait, durably, while the database is away: one file a request, in their order.

Twilio does not send again after a 5xx unless it is told to, so a 503 would lose the event.
"""

from __future__ import annotations

import base64
import fcntl
import json
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from mediapipe.providers.base import WebhookRequest

logger = logging.getLogger(__name__)

# Tells whether the text of a webhook is meant.
Matches = Callable[[str], bool]
SUFFIX = ".webhook"
REFUSED = "refused"


class SpoolUnavailable(Exception):
    """The spool is over its cap, or its folder cannot be written."""


@dataclass(frozen=True, slots=True)
class ReceivedWebhook:
    """One webhook as it arrived, and where it arrived."""

    provider: str
    source: str
    received_at: datetime
    request: WebhookRequest


def put(spooled: ReceivedWebhook) -> None:
    """Keep a webhook; it is on the disk when this returns. Raise SpoolUnavailable otherwise."""
    if depth() >= settings.SPOOL_MAX_FILES:
        raise SpoolUnavailable(f"{settings.SPOOL_MAX_FILES} webhooks wait already")
    name = f"{time.time_ns():020d}-{uuid.uuid4().hex}{SUFFIX}"
    try:
        folder = _folder()
        _write_durably(folder / name, _as_json(spooled))
    except OSError as error:
        raise SpoolUnavailable(error.strerror or type(error).__name__) from error


def replay(take: Callable[[ReceivedWebhook], bool]) -> int:
    """Hand every webhook in the order of arrival to `take`; return how many are done with.

    `take` tells whether the webhook was recorded; one that was refused is set aside, for a
    person to look at. What `take` raises ends the replay, and the webhook stays first in line.
    Only one process replays at a time.
    """
    done = 0
    with exclusive_lock() as alone:
        for path in waiting() if alone else ():
            if take(_from_json(path.read_text())):
                path.unlink()
            else:
                path.rename(_folder(REFUSED) / path.name)
            done += 1
    return done


def erase(matches: Matches, *, dry_run: bool) -> int:
    """Remove what waits, or was set aside, and has a text that matches; return how many."""
    found = [path for path in _all() if matches(_text_of(path))]
    if not dry_run:
        for path in found:
            path.unlink(missing_ok=True)
    return len(found)


def _all() -> list[Path]:
    return [*waiting(), *sorted((Path(settings.SPOOL_DIR) / REFUSED).glob(f"*{SUFFIX}"))]


def _text_of(path: Path) -> str:
    """Return URL and body, as they came, of a webhook that may be recorded in this moment."""
    try:
        request = _from_json(path.read_text()).request
    except FileNotFoundError:
        return ""
    return f"{request.url}\n{request.body.decode(errors='replace')}"


def waiting() -> list[Path]:
    """Return the files that wait, the oldest first."""
    return sorted(Path(settings.SPOOL_DIR).glob(f"*{SUFFIX}"))


def depth() -> int:
    """Return how many webhooks wait for the database."""
    return len(waiting())


def _folder(name: str = "") -> Path:
    folder = Path(settings.SPOOL_DIR) / name
    # Webhooks have phone numbers and texts in them.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _write_durably(path: Path, text: str) -> None:
    """Write file and folder entry to the disk, so that a power cut loses neither."""
    temporary = path.with_suffix(".part")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def exclusive_lock() -> Iterator[bool]:
    """Yield whether no other process replays at this moment."""
    with (_folder() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _as_json(spooled: ReceivedWebhook) -> str:
    request = asdict(spooled.request) | {
        "body": base64.b64encode(spooled.request.body).decode(),
        "headers": dict(spooled.request.headers),
    }
    received_at = spooled.received_at.isoformat()
    return json.dumps(asdict(spooled) | {"received_at": received_at, "request": request})


def _from_json(text: str) -> ReceivedWebhook:
    values: dict[str, Any] = json.loads(text)
    request = values["request"]
    return ReceivedWebhook(
        provider=values["provider"],
        source=values["source"],
        received_at=datetime.fromisoformat(values["received_at"]),
        request=WebhookRequest(**request | {"body": base64.b64decode(request["body"])}),
    )
