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

from mediapipe.escalation.report.case import Case
from mediapipe.escalation.report.chart import render_svg
from mediapipe.escalation.report.figures import CaseFigures, compute_figures
from mediapipe.escalation.report.message import EXAMPLES, build_message
from mediapipe.escalation.report.rows import KEYS, Row, iter_rows, row_for_csv

# The files of a package, and how the preview page describes them.
CONTENTS = {
    "message.txt": "The text for the ticket.",
    "media.csv": "One row per affected media item, for a spreadsheet.",
    "media.jsonl": "The same as JSON Lines, for programs.",
    "timing.svg": "The chart: how many per hour, and how late; any browser opens it.",
}
Advance = Callable[[], object]


@dataclass(frozen=True, slots=True)
class PackagePreview:
    """What the user sees before the package is made."""

    figures: CaseFigures
    message: str
    examples: list[Row]


def package_name(case: Case) -> str:
    """Return the name of the package without a suffix; it contains the start of the case in UTC."""
    return f"twilio-early-404s-{case.since:%Y%m%dT%H%MZ}"


def preview_package(case: Case) -> PackagePreview:
    """Return figures, message and examples of a case."""
    with consistent_snapshot():
        return _preview(case)


def write_package(case: Case, to: IO[bytes], advance: Advance = lambda: None) -> CaseFigures:
    """Write the zip to an open file and return its figures.

    `advance` is called after each media item. All files show the same moment, and at most a few
    hundred media items are in memory at once.
    """
    with consistent_snapshot(), ZipFile(to, "w") as package:
        found = _preview(case)
        _add(package, case, "message.txt", found.message.encode())
        _add_media(package, case, advance)
        _add(package, case, "timing.svg", render_svg(case, found.figures))
        return found.figures


@contextmanager
def consistent_snapshot() -> Iterator[None]:
    """Run all queries on the same snapshot, while more media is received.

    SQLite's transactions do that; PostgreSQL's do so with REPEATABLE READ, set before the first
    query.
    """
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _preview(case: Case) -> PackagePreview:
    figures = compute_figures(case)
    examples = list(islice(iter_rows(case), EXAMPLES))
    return PackagePreview(figures, build_message(case, figures, examples), examples)


def _add_media(package: ZipFile, case: Case, advance: Advance) -> None:
    """Write both files of media in one pass; a zip can have only one open entry."""
    with tempfile.TemporaryFile() as json_lines:
        with package.open(_entry(case, "media.csv"), "w", force_zip64=True) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
            writer = csv.DictWriter(text, KEYS)
            writer.writeheader()
            for line in iter_rows(case):
                writer.writerow(row_for_csv(line))
                json_lines.write(json.dumps(line).encode() + b"\n")
                advance()
            text.detach()
        json_lines.seek(0)
        with package.open(_entry(case, "media.jsonl"), "w", force_zip64=True) as file:
            shutil.copyfileobj(json_lines, file)


def _add(package: ZipFile, case: Case, name: str, content: bytes) -> None:
    package.writestr(_entry(case, name), content)


def _entry(case: Case, name: str) -> ZipInfo:
    """Return a zip entry with the current time and read permission for all users."""
    now = case.local(timezone.now())
    entry = ZipInfo(f"{package_name(case)}/{name}", now.timetuple()[:6])
    entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o644 << 16
    return entry
