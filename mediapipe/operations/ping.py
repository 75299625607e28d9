"""A dead man's switch: a service elsewhere notices when these reports stop, or one says `fail`.

The signals are those of healthchecks.io: URL/start when a check begins, then URL or URL/fail, each
with the same run id. If a check hangs, nothing follows its start.
"""

import logging
import threading
import uuid
from contextlib import suppress
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from mediapipe.failures import StorageFailed, Undelivered
from mediapipe.fetching.storage import check_usable
from mediapipe.lifecycle.send import send_text
from mediapipe.models.counters import Counter
from mediapipe.operations.components import processes

logger = logging.getLogger(__name__)

# Two requests per report: together they end well before the next one.
TIMEOUT_S = 5.0
START, SUCCESS, FAIL = "/start", "", "/fail"

# Held during a report, so that a hanging storage does not block one thread per report.
_running = threading.Lock()
_outage_logged = threading.Event()


class Ping(StrEnum):
    """The outcome of a report."""

    SUCCESS = "success"
    FAIL = "fail"
    UNDELIVERED = "undelivered"


def report_health() -> None:
    """Send start, then success or fail, to PING_URL; log the first report that does not arrive."""
    if not _running.acquire(blocking=False):
        return
    try:
        _count(_report(str(uuid.uuid4())))
    finally:
        _running.release()


def problem() -> str:
    """Return what is wrong with database, broker, processes or storage, or ""."""
    try:
        unhealthy = [part for part in processes() if not part.healthy]
        check_usable()
    except (DatabaseError, InterfaceError):
        return "The database is unavailable."
    except StorageFailed as failure:
        return f"The storage failed: {failure.detail}."
    return " ".join(f"{part.name}: {part.summary}. {part.remedy}" for part in unhealthy)


def signal_url(url: str, signal: str, run_id: str) -> str:
    """Return the URL of a signal; a query, such as `create=1`, stays."""
    parts = urlsplit(url)
    query = "&".join(filter(None, [parts.query, f"rid={run_id}"]))
    return parts._replace(path=parts.path.rstrip("/") + signal, query=query).geturl()


def _report(run_id: str) -> Ping:
    # Optional, and unknown to services other than healthchecks.io, so a failure does not matter.
    with suppress(Undelivered):
        _send(START, run_id, "")
    found = problem()
    try:
        _send(FAIL if found else SUCCESS, run_id, found)
    except Undelivered as undelivered:
        if not _outage_logged.is_set():
            logger.warning("cannot report to PING_URL: %s", undelivered)
        _outage_logged.set()
        return Ping.UNDELIVERED
    if _outage_logged.is_set():
        logger.info("PING_URL accepts reports again")
    _outage_logged.clear()
    return Ping.FAIL if found else Ping.SUCCESS


def _send(signal: str, run_id: str, text: str) -> None:
    send_text(signal_url(settings.PING_URL, signal, run_id), text, timeout_s=TIMEOUT_S)


def _count(result: Ping) -> None:
    with suppress(DatabaseError, InterfaceError):
        Counter.add({("pings", result.value): 1})
