"""Compares the service's rows, files and requests with what the simulator sent.

The rows are read with plain SQL over a separate connection, not through the service's models.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mediapipe.simulator import Simulator
from mediapipe.simulator.script import MediaScript
from tests.support import servers

FINAL = {"stored", "failed", "absent"}
ITEMS = """
    SELECT id, identity, status, error, detail, sha256, storage_name, attempts, interruptions,
           not_found_count, fast_retries::text, slow_retries,
           received_at, first_attempt_at, last_not_found_at, found_at, retrieved_at,
           next_attempt_at
    FROM mediapipe_mediaitem WHERE identity = ANY(%s) ORDER BY id
"""
ATTEMPTS = """
    SELECT number, started_at, outcome, http_status, task_id
    FROM mediapipe_fetchattempt WHERE media_id = %s ORDER BY number
"""
RESULT = "SELECT status FROM django_celery_results_taskresult WHERE task_id = %s"
Row = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What became of the media announced by accepted webhooks."""

    sent: int
    stored: int
    failed: int
    twice: int
    lost: int
    stuck: int
    problems: Sequence[str] = field(default=())

    @property
    def all_stored_once(self) -> bool:
        """Whether every media item is stored exactly once, with no other problem."""
        return self.stored == self.sent and self.no_loss

    @property
    def no_loss(self) -> bool:
        """Whether nothing is lost, duplicated or stuck; items may have failed visibly."""
        return not (self.twice or self.lost or self.stuck or self.problems)


@dataclass(frozen=True)
class Judge:
    """Knows where the rows and the files of the service are."""

    database_url: str
    media_root: Path
    twilio: Simulator

    def rows(self, scripts: Sequence[MediaScript]) -> list[Row]:
        """Return the rows of these media items."""
        return self._select(ITEMS, [script.sid for script in scripts])

    def attempts(self, row: Row) -> list[Row]:
        """Return the attempts at one media item."""
        return self._select(ATTEMPTS, row["id"])

    def result(self, task_id: str) -> list[Row]:
        """Return the result row of a task; the list is empty until it has finished."""
        return self._select(RESULT, task_id)

    def wait_until_final(self, scripts: Sequence[MediaScript], timeout_s: float) -> None:
        """Wait until every media item is in a final state, or until the timeout."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            final = {row["identity"] for row in self.rows(scripts) if row["status"] in FINAL}
            if final.issuperset(script.sid for script in scripts):
                return
            time.sleep(0.2)

    def verdict(self, scripts: Sequence[MediaScript], *, ordered: bool = True) -> Verdict:
        """Judge these media items; `ordered` requires the timestamp order of correct clocks."""
        rows = self.rows(scripts)
        by_sid = {row["identity"]: row for row in rows}
        whole = [script for script in scripts if self._is_whole(script, by_sid.get(script.sid))]
        status = Counter(row["status"] for row in by_sid.values())
        files = Counter(path.stem for path in self._files())
        claimed_stored = [s for s in scripts if s.sid in by_sid and _is_stored(by_sid[s.sid])]
        return Verdict(
            sent=len(scripts),
            stored=len(whole),
            failed=status["failed"] + status["absent"],
            twice=len(rows) - len(by_sid) + sum(files[s.sid] > 1 for s in scripts),
            lost=len(scripts) - len(by_sid) + len(claimed_stored) - len(whole),
            stuck=sum(row["status"] not in FINAL for row in by_sid.values()),
            problems=tuple(self._problems(scripts, by_sid, ordered=ordered)),
        )

    def temporary_files(self) -> list[Path]:
        """Return the downloads that are neither finished nor removed."""
        return list((self.media_root / ".incoming").glob("*"))

    def _problems(
        self, scripts: Sequence[MediaScript], by_sid: dict[str, Row], *, ordered: bool
    ) -> Iterator[str]:
        for script in scripts:
            row = by_sid.get(script.sid)
            if row is None:
                continue
            if row["status"] != "stored":
                yield f"{script.sid} is {row['status']}: {row['error']} {row['detail']}"
            yield from self._wrong_attempts(row)
            if ordered and not _is_ordered(row):
                yield f"{script.sid} has its times out of order"
        if self.twilio.log.credentials_at_cdn():
            yield "credentials were sent to the CDN"

    def _wrong_attempts(self, row: Row) -> Iterator[str]:
        """Every attempt with a response made a request, and every request belongs to an attempt."""
        attempts = self.attempts(row)
        # A request for the metadata is not an attempt to fetch the media.
        requests = self.twilio.log.of(row["identity"], "api")
        asked = sum(not request.path.endswith(".json") for request in requests)
        answered = sum(attempt["http_status"] is not None for attempt in attempts)
        if not answered <= asked <= len(attempts):
            yield (
                f"{row['identity']} was requested {asked} times; of its {len(attempts)} attempts "
                f"{answered} got a response"
            )
        if [attempt["number"] for attempt in attempts] != list(range(1, row["attempts"] + 1)):
            yield f"{row['identity']} has a wrong number of attempts"
        if row["status"] in FINAL and any(not attempt["outcome"] for attempt in attempts):
            yield f"{row['identity']} has ended with an open attempt"

    def _is_whole(self, script: MediaScript, row: Row | None) -> bool:
        if row is None or not _is_stored(row) or row["sha256"] != script.sha256:
            return False
        file = self.media_root / row["storage_name"]
        return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == script.sha256

    def _files(self) -> Iterator[Path]:
        return (path for path in self.media_root.glob("AC*/**/*") if path.is_file())

    def _select(self, query: str, *values: object) -> list[Row]:
        with servers.cursor(self.database_url) as cursor:
            cursor.execute(query, values)
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _is_stored(row: Row) -> bool:
    return bool(row["status"] == "stored")


def _is_ordered(row: Row) -> bool:
    names = ("received_at", "first_attempt_at", "last_not_found_at", "found_at", "retrieved_at")
    times: list[datetime] = [row[name] for name in names if row[name]]
    return times == sorted(times)
