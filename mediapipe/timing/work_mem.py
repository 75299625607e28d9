from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# A percentile sorts its values: about ten megabytes for a week of a busy service. PostgreSQL's
# default is four, beyond which it sorts on disk.
WORK_MEM = "64MB"


@contextmanager
def raised_work_mem() -> Iterator[None]:
    """Raise PostgreSQL's work_mem for the queries of this block."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('work_mem', %s, true)", [WORK_MEM])
        yield
