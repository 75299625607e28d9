"""Failpoints: named places at which a process of the service dies, freezes or fails on demand.

The test writes a file with the name of the failpoint and the signal in it; each fires once.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from celery.signals import before_task_publish, task_postrun, task_prerun
from django.core.files.storage import FileSystemStorage

from mediapipe.gateway import deliver
from mediapipe.gateway.dispatch import DELIVER
from mediapipe.gateway.send import Sent, send
from mediapipe.models import GatewayDelivery
from mediapipe.queueing import watchdog
from mediapipe.queueing.celery_consumer import Consumer

STORED_BUT_NOT_IN_THE_ROW = "stored-but-not-in-the-row"
IN_THE_ROW_BUT_NOT_ACKED = "in-the-row-but-not-acked"
STORAGE_IS_FULL = "storage-is-full"
GIVEN_UP_BUT_NOT_REMOVED = "given-up-but-not-removed"
REMOVED_BUT_STILL_NAMED = "removed-but-still-named"
TAKEN_BUT_NOT_CLAIMED = "taken-but-not-claimed"
CLAIMED_BUT_NOT_NOTED = "claimed-but-not-noted"
CLAIMED_BUT_NOT_SENT = "claimed-but-not-sent"
SENT_BUT_NOT_RECORDED = "sent-but-not-recorded"
WORKER_LOOP_IS_STUCK = "worker-loop-is-stuck"
BEAT_IS_STUCK = "beat-is-stuck"
ON_TURN = Consumer.on_turn
MEDIA_SUMMARY = GatewayDelivery.media_summary


def install() -> None:
    """Install the failpoints in Celery and the gateway; the others are in the storage below."""
    task_prerun.connect(_before_the_task, weak=False)
    vars(deliver)["send"] = _send
    GatewayDelivery.media_summary = _media_summary  # type: ignore[method-assign, assignment]
    task_postrun.connect(_after_the_task, weak=False)
    Consumer.on_turn = _in_the_loop  # type: ignore[method-assign, assignment]
    if "beat" in sys.argv:
        before_task_publish.connect(_in_the_scheduler, weak=False)


def arm(folder: Path, name: str, number: signal.Signals) -> Path:
    """Make the next process at this failpoint signal itself; the returned file is then removed."""
    file = folder / name
    file.write_text(str(int(number)))
    return file


def reach(name: str) -> None:
    """Send this process the signal that is armed here, if any."""
    file = _folder() / name
    taken = file.with_suffix(f".{threading.get_ident()}")
    try:
        # If several threads arrive at once, only one of them can rename the file.
        file.rename(taken)
    except FileNotFoundError:
        return
    number = int(taken.read_text())
    taken.unlink()
    # To this thread: another one might handle a signal to the process while this one continues.
    signal.pthread_kill(threading.get_ident(), number)


def _before_the_task(task: Any, **kwargs: Any) -> None:
    if task.name == DELIVER:
        reach(TAKEN_BUT_NOT_CLAIMED)


def _media_summary(delivery: GatewayDelivery) -> str:
    reach(CLAIMED_BUT_NOT_NOTED)
    return MEDIA_SUMMARY(delivery)


def _send(*args: Any) -> Sent:
    reach(CLAIMED_BUT_NOT_SENT)
    sent = send(*args)
    reach(SENT_BUT_NOT_RECORDED)
    return sent


def _after_the_task(retval: object, **kwargs: Any) -> None:
    if retval == "stored":
        reach(IN_THE_ROW_BUT_NOT_ACKED)


def _in_the_loop(consumer: Consumer) -> None:
    _get_stuck(WORKER_LOOP_IS_STUCK, watchdog.event_loop)
    ON_TURN(consumer)


def _in_the_scheduler(**kwargs: Any) -> None:
    _get_stuck(BEAT_IS_STUCK, watchdog.scheduler)


def _get_stuck(name: str, watched: watchdog.Watchdog) -> None:
    """Block this thread for ever if the failpoint is armed; its watchdog's limit becomes 5 s."""
    file = _folder() / name
    if file.exists():
        file.unlink()
        watched.limit_s = 5.0
        threading.Event().wait()


class FaultyStorage(FileSystemStorage):
    """The real storage with failpoints: it can be full, or the process can die in it."""

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        if (_folder() / STORAGE_IS_FULL).exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        saved: str = super().save(name, content, max_length)
        reach(STORED_BUT_NOT_IN_THE_ROW)
        return saved

    def delete(self, name: str) -> None:
        reach(GIVEN_UP_BUT_NOT_REMOVED)
        super().delete(name)
        reach(REMOVED_BUT_STILL_NAMED)


def _folder() -> Path:
    return Path(os.environ["FAILPOINTS"])
