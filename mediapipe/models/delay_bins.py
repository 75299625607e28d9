"""The bins that delays are counted in, and the database functions that find the bin of a delay.

Counts of bins can be added, percentiles cannot. A lower bound is rounded down to an edge and an
upper bound up, so an interval between rounded bounds always contains the exact one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from math import inf, nextafter
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Func, IntegerField
from django.db.models.sql.compiler import SQLCompiler

AsSql = tuple[str, Any]

MINUTE_S, HOUR_S = 60.0, 3600.0
# Where the curve of the distribution is evaluated, in seconds: dense where most media arrives,
# sparse in the slow phase, which waits for hours.
POINTS_S = (
    *(0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0),
    *(MINUTE_S, 2 * MINUTE_S, 5 * MINUTE_S, 10 * MINUTE_S, 30 * MINUTE_S),
    *(HOUR_S, 3 * HOUR_S, 6 * HOUR_S, 12 * HOUR_S, 24 * HOUR_S, 48 * HOUR_S),
)
# At most 2.5% apart, in round numbers: 1.00, 1.02, ... 2.00, 2.05, ... 5.0, 5.1.
DIGITS = (*range(100, 200, 2), *range(200, 500, 5), *range(500, 1000, 10))
# From 10 milliseconds to four months.
POWERS = range(-2, 7)


def _edges() -> tuple[float, ...]:
    grid = {float(f"{digits}e{power - 2}") for power in POWERS for digits in DIGITS}
    # A delay above a point must be in a later bin than the point, however it is rounded.
    after = {nextafter(point_s, inf) for point_s in POINTS_S}
    return (0.0, *sorted(grid | {*POINTS_S} | after))


EDGES_S = _edges()
UP_TO = ",".join(map(repr, EDGES_S))
NEGATIVE = ",".join(repr(-edge_s) for edge_s in reversed(EDGES_S))


class BinBelow(Func):
    """The index of the last edge at or below these seconds, which are 0 or more.

    PostgreSQL has a function for this; on SQLite, `add_delay_bins` registers ours.
    """

    arity = 1
    function = "bin_below"
    output_field = IntegerField()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> AsSql:
        template = f"WIDTH_BUCKET(%(expressions)s, '{{{UP_TO}}}'::float8[]) - 1"
        return self.as_sql(compiler, connection, template=template)


class BinAbove(Func):
    """The index of the first edge at or above these seconds; len(EDGES_S) beyond the last.

    The seconds may be infinite.
    """

    arity = 1
    function = "bin_above"
    output_field = IntegerField()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> AsSql:
        # WIDTH_BUCKET only rounds down, so the seconds and the edges are negated.
        bucket = f"WIDTH_BUCKET(-(%(expressions)s), '{{{NEGATIVE}}}'::float8[])"
        return self.as_sql(compiler, connection, template=f"{len(EDGES_S)} - {bucket}")


def bin_below(seconds: float) -> int:
    return bisect_right(EDGES_S, seconds) - 1


def bin_above(seconds: float) -> int:
    return bisect_left(EDGES_S, seconds)


def add_delay_bins(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    """Register the functions on each new connection to SQLite."""
    if connection.vendor == "sqlite":
        create = connection.connection.create_function
        create("bin_below", 1, bin_below, deterministic=True)
        create("bin_above", 1, bin_above, deterministic=True)
