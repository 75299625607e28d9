"""The package for Twilio Support: a zip with the message, the media and the chart."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.db import connection, transaction
from django.utils import timezone

from mediapipe.escalation.report import chart
from mediapipe.escalation.report.case import Case
from mediapipe.escalation.report.figures import Figures, figures
from mediapipe.escalation.report.message import EXAMPLES, message
from mediapipe.escalation.report.rows import KEYS, Row, csv_row, rows

# Name and content of what is in a package, in words for the page that shows it before.
CONTENTS = {
    "message.txt": "The text for the ticket.",
    "media.csv": "Each affected media item on one line, for a spreadsheet.",
    "media.jsonl": "The same as JSON, one line each, for programs.",
    "timing.png": "The chart: how many in which hour, and how late.",
}
Advance = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a person sees of a package before it is made."""

    figures: Figures
    message: str
    examples: list[Row]


def name_of(case: Case) -> str:
    """Return the name of the package, without an ending: when the case began, in UTC."""
    return f"twilio-early-404s-{case.since:%Y%m%dT%H%MZ}"


def summary(case: Case) -> Summary:
    """Return figures, message and examples of a case."""
    with one_moment():
        return _summary(case)


def write_package(case: Case, to: IO[bytes], advance: Advance = lambda: None) -> Figures:
    """Write the zip to an open file and return its figures.

    `advance` is called after each media item. All files tell of the same moment, and no more
    than a few hundred media items are held in memory at once.
    """
    with one_moment(), ZipFile(to, "w") as package:
        found = _summary(case)
        _add(package, case, "message.txt", found.message.encode())
        _add_media(package, case, advance)
        _add(package, case, "timing.png", chart.png(case, found.figures))
        return found.figures


@contextmanager
def one_moment() -> Iterator[None]:
    """Let every question be answered as of the same moment, while media goes on coming in.

    A transaction does that on SQLite; on PostgreSQL it must be told so before its first query.
    """
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _summary(case: Case) -> Summary:
    found = figures(case)
    examples = list(islice(rows(case), EXAMPLES))
    return Summary(found, message(case, found, examples), examples)


def _add_media(package: ZipFile, case: Case, advance: Advance) -> None:
    """Write both files of media in one pass; a zip has room for one open file only."""
    with tempfile.TemporaryFile() as json_lines:
        with package.open(_entry(case, "media.csv"), "w", force_zip64=True) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
            writer = csv.DictWriter(text, KEYS)
            writer.writeheader()
            for line in rows(case):
                writer.writerow(csv_row(line))
                json_lines.write(json.dumps(line).encode() + b"\n")
                advance()
            text.detach()
        json_lines.seek(0)
        with package.open(_entry(case, "media.jsonl"), "w", force_zip64=True) as file:
            shutil.copyfileobj(json_lines, file)


def _add(package: ZipFile, case: Case, name: str, content: bytes) -> None:
    package.writestr(_entry(case, name), content)


def _entry(case: Case, name: str) -> ZipInfo:
    """Return the head of a file in the zip: its time is now, and everybody may read it."""
    now = case.local(timezone.now())
    entry = ZipInfo(f"{name_of(case)}/{name}", now.timetuple()[:6])
    entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
    return entry
