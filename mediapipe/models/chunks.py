from __future__ import annotations

from array import array
from collections.abc import Iterator
from itertools import groupby
from typing import Any, TypeVar

from django.db import models

T = TypeVar("T")
CHUNK = 500


def in_chunks(rows: models.QuerySet[Any, T], size: int = CHUNK) -> Iterator[T]:
    """Yield the rows in order, holding `size` of them in memory, and 8 bytes for each other row.

    This replaces `iterator()`, which needs a server-side cursor: through PgBouncer in transaction
    mode that works only within a transaction, and a download that pauses would keep it open. A
    row that no longer matches when its chunk is read is left out. If a join repeats an object,
    order the rows by their key.
    """
    keys = rows.values_list("pk", flat=True).iterator(chunk_size=10_000)
    ids = array("q", (pk for pk, _ in groupby(keys)))
    for start in range(0, len(ids), size):
        yield from rows.filter(pk__in=ids[start : start + size])
