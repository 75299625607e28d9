"""Stores webhooks durably while the database is unavailable: one file per request, in order.

Twilio does not send a webhook again after a 5xx unless its URL has a connection override, so a
503 would lose the event.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote_plus

from django.conf import settings

from mediapipe import logs
from mediapipe.webhooks.request import ReceivedWebhook

logger = logging.getLogger(__name__)

# Returns whether the decoded URL and body of a webhook match what must be erased.
Matches = Callable[[str], bool]
SUFFIX = ".webhook"
REFUSED = "refused"
BASE64 = re.compile(rb"[A-Za-z0-9+/]{8,}")


class SpoolUnavailable(Exception):
    """The spool is over its cap, or its folder cannot be written."""


class Unreadable(Exception):
    """A file of the spool is not a webhook that this version can read."""


def put(webhook: ReceivedWebhook) -> None:
    """Store a webhook; it is on disk when this returns. Raise SpoolUnavailable otherwise."""
    _put(webhook, "")


def set_aside(webhook: ReceivedWebhook) -> None:
    """Store a webhook for the operator, as put() does; draining the spool leaves it alone."""
    _put(webhook, REFUSED)


def _put(webhook: ReceivedWebhook, subfolder: str) -> None:
    """Write the webhook unless it is there already: a repeated request has the same digest."""
    digest = _digest_of(webhook)
    try:
        with _writers_lock():
            folder = _make_folder(subfolder)
            present = _webhooks_in(folder)
            if _named(digest, present):
                return
            if len(present) >= settings.SPOOL_MAX_FILES:
                raise SpoolUnavailable(f"{settings.SPOOL_MAX_FILES} webhooks wait already")
            name = f"{time.time_ns():020d}-{digest}{SUFFIX}"
            _write_durably(folder / name, json.dumps(webhook.to_json()))
    except OSError as error:
        raise SpoolUnavailable(error.strerror or type(error).__name__) from error


def contains(webhook: ReceivedWebhook) -> bool:
    """Return whether the same request is already spooled."""
    return _named(_digest_of(webhook), waiting())


def _digest_of(webhook: ReceivedWebhook) -> str:
    """Return the SHA-256 in hex of what the provider signs; the time is not part of it."""
    request = webhook.request
    parts = (webhook.provider.name, webhook.source, request.method, request.url)
    return hashlib.sha256("\n".join(parts).encode() + b"\n" + request.body).hexdigest()


def _named(digest: str, paths: list[Path]) -> bool:
    return any(path.name.endswith(f"-{digest}{SUFFIX}") for path in paths)


def drain(handler: Callable[[ReceivedWebhook], bool]) -> int:
    """Pass each webhook to `handler` in order of arrival; return how many were processed.

    The handler returns whether the webhook was recorded; a refused one is moved aside for the
    operator, and so is a file that cannot be read. An exception of the handler ends the run and the
    webhook stays first in the queue. Only one process drains at a time.
    """
    done = 0
    with exclusive_lock() as acquired:
        for path in waiting() if acquired else ():
            try:
                webhook = _read(path)
            except FileNotFoundError:
                # It has just been erased.
                continue
            except Unreadable as error:
                logger.error("spooled file %s was set aside: %s", path.name, error)
                webhook = None
            if webhook and handler(webhook):
                path.unlink(missing_ok=True)
            else:
                # One that cannot even be moved must not keep the others from being recorded.
                with logs.logged_errors(logger, "%s could not be set aside", path.name):
                    _move_to_refused(path)
            done += 1
    return done


def _move_to_refused(path: Path) -> None:
    digest = path.stem.partition("-")[2]
    if digest and _named(digest, refused()):
        path.unlink(missing_ok=True)
    else:
        path.rename(_make_folder(REFUSED) / path.name)


def restore_refused() -> int:
    """Move the webhooks that were set aside back into the spool; return how many."""
    restored = 0
    for path in refused():
        # It may just have been erased.
        with suppress(FileNotFoundError):
            path.rename(_make_folder() / path.name)
            restored += 1
    return restored


@dataclass(frozen=True, slots=True)
class ErasedFiles:
    """How many files matched, and the names of those that are unreadable and did not match."""

    count: int
    unreadable: list[str]


def erase(matches: Matches, *, dry_run: bool) -> ErasedFiles:
    """Delete spooled and refused webhooks whose URL or body matches, and half-written files.

    With `dry_run` the matches are only counted.
    """
    if not dry_run:
        remove_half_written()
    matched, unreadable = 0, []
    for path in (*waiting(), *refused()):
        try:
            text, is_webhook = _text_of(path)
        except FileNotFoundError:
            # It has just been recorded, and its row is erased like any other.
            continue
        if matches(unquote_plus(text)):
            matched += 1
            if not dry_run:
                path.unlink(missing_ok=True)
        elif not is_webhook:
            unreadable.append(path.name)
    return ErasedFiles(matched, unreadable)


def _text_of(path: Path) -> tuple[str, bool]:
    """Return what to search in a file, and whether it is a webhook; raise FileNotFoundError."""
    try:
        request = _read(path).request
    except Unreadable:
        with suppress(IsADirectoryError, PermissionError):
            data = path.read_bytes()
            # The body of a damaged file is still in base64.
            bodies = [
                base64.b64decode(found[: len(found) // 4 * 4]) for found in BASE64.findall(data)
            ]
            return b"\n".join([data, *bodies]).decode(errors="replace"), False
        return "", False
    return f"{request.url}\n{request.body.decode(errors='replace')}", True


def remove_half_written() -> None:
    """Delete the partial files of killed processes; none of them was acknowledged."""
    with _writers_lock() as folder:
        for path in folder.rglob("*.part"):
            path.unlink(missing_ok=True)


def remove_old_refused(now: datetime) -> int:
    """Delete files set aside more than RETENTION_PAYLOADS_DAYS ago; return how many."""
    days: int = settings.RETENTION_PAYLOADS_DAYS
    oldest = (now - timedelta(days=days)).timestamp() if days else 0.0
    removed = 0
    for path in refused():
        with logs.logged_errors(logger, "%s could not be deleted", path.name):
            if path.stat().st_mtime < oldest:
                path.unlink()
                removed += 1
    return removed


def waiting() -> list[Path]:
    """Return the files of spooled webhooks, oldest first."""
    return _webhooks_in(Path(settings.SPOOL_DIR))


def refused() -> list[Path]:
    """Return the files that were set aside for the operator, oldest first."""
    return _webhooks_in(Path(settings.SPOOL_DIR) / REFUSED)


def depth() -> int:
    """Return how many webhooks are spooled."""
    return len(waiting())


def _webhooks_in(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


def _make_folder(name: str = "") -> Path:
    folder = Path(settings.SPOOL_DIR) / name
    # Webhooks contain phone numbers and messages.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _write_durably(path: Path, text: str) -> None:
    """Write the file and its folder entry to disk, so that a power cut loses neither."""
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
    """Yield whether this process may drain the spool, because no other one does."""
    with (_make_folder() / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


@contextmanager
def _writers_lock() -> Iterator[Path]:
    """Yield the spool's folder while no other process or thread writes a webhook there."""
    folder = _make_folder()
    with (folder / "put.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _read(path: Path) -> ReceivedWebhook:
    """Return the webhook in a file; raise FileNotFoundError or Unreadable."""
    try:
        return ReceivedWebhook.from_json(json.loads(path.read_text()))
    except FileNotFoundError:
        raise
    # Any error due to a damaged file or another version; the file's text stays out of the log.
    except Exception as error:
        raise Unreadable(type(error).__name__) from None
