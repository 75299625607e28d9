"""Counts rows of media items and webhooks into tallies: one statement for any number of queries.

Each of its parts is one pass over the index `media_timing`, or over the rows of given keys.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import reduce
from math import inf
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    FloatField,
    IntegerField,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Least

from mediapipe.models import WebhookEvent
from mediapipe.models.delay_bins import BinAbove, BinBelow
from mediapipe.models.media.item import MediaQuerySet
from mediapipe.models.media.queryset import EARLY_404
from mediapipe.timing.tally import (
    AT_LEAST,
    AT_MOST,
    LAG,
    LANES,
    MANY_ATTEMPTS,
    OUTCOMES,
    STATUSES,
    WEBHOOKS,
    Tally,
)

# Media that was found, or had a 404. Media still missing has no upper bound, but is included:
# otherwise delays would look shorter the more media never arrives.
MEASURED = Q(delay_at_most_s__isnull=False) | EARLY_404
AT_MOST_S = Coalesce("delay_at_most_s", Value(inf), output_field=FloatField())
# Never null, and part of the covering index. Count("*") would make PostgreSQL read the rows.
ROW = "received_at"
BIGINT = BigIntegerField()

# The columns or expressions that the counts are grouped by, and their values.
Keys = Sequence[str | Combinable]
Key = tuple[Any, ...]
Part = QuerySet[Any, Any]


def count_media(media: MediaQuerySet) -> Tally:
    """Return the tally of these media items."""
    return tallies(read(media_parts(media, []))).get((), Tally())


def media_parts(media: MediaQuerySet, keys: Keys) -> list[Part]:
    """Return the queries for keys, lane and number of these media items."""
    measured = media.filter(MEASURED)
    bounded = measured.filter(delay_at_least_s__isnull=False)
    return [
        _part(media, keys, _outcome()),
        _part(bounded, keys, BinBelow("delay_at_least_s") + AT_LEAST),
        _part(measured, keys, BinAbove(AT_MOST_S) + AT_MOST),
        _part(media.filter(queue_lag_s__isnull=False), keys, BinAbove("queue_lag_s") + LAG),
    ]


def part_of_few(media: MediaQuerySet, keys: Keys) -> Part:
    """Return one query for all that `media_parts` counts, for rows that are read by their keys.

    It groups by a number whose digits in base LANES are the lanes of an item. It is only for few
    rows: of many, most would have a number of their own.
    """
    bounded = MEASURED & Q(delay_at_least_s__isnull=False)
    digits = [
        _lane_if(Q(queue_lag_s__isnull=False), BinAbove("queue_lag_s") + LAG),
        _lane_if(MEASURED, BinAbove(AT_MOST_S) + AT_MOST),
        _lane_if(bounded, BinBelow("delay_at_least_s") + AT_LEAST),
        _outcome(),
    ]
    return _part(media, keys, reduce(lambda number, digit: number * LANES + digit, digits))


def webhook_part(events: QuerySet[WebhookEvent], keys: Keys) -> Part:
    """Return the query for keys, lane and number of these webhooks."""
    return _part(events, keys, Value(WEBHOOKS))


def read(parts: Sequence[Part]) -> Iterable[Key]:
    """Return the rows of all parts, as of one moment."""
    first, *others = parts
    return first.union(*others, all=True) if others else first


def tallies(rows: Iterable[Key]) -> dict[Key, Tally]:
    """Return the tallies of these rows by their keys."""
    counts: defaultdict[Key, Counter[int]] = defaultdict(Counter)
    for *key, lanes, number in rows:
        counted = counts[tuple(key)]
        lanes, lane = divmod(lanes, LANES)
        counted[lane] += number
        while lanes:
            lanes, lane = divmod(lanes, LANES)
            # 0 means no lane, except in the first digit, where it is lane 0.
            if lane:
                counted[lane] += number
    return {key: Tally.of(lanes) for key, lanes in counts.items()}


def _part(rows: QuerySet[Any], keys: Keys, lane: Combinable) -> Part:
    part: Part = rows.order_by().values_list(*keys, lane).annotate(number=Count(ROW))
    return part


def _outcome() -> Combinable:
    """Return the lane of an item, as described in mediapipe/timing/tally.py."""
    statuses = [When(status=status, then=number) for number, status in enumerate(STATUSES)]
    status = Case(*statuses, output_field=IntegerField())
    tried = status * (MANY_ATTEMPTS + 1) + Least("attempts", MANY_ATTEMPTS)
    return tried * 4 + _flag(EARLY_404) * 2 + _flag(MEASURED) + OUTCOMES


def _lane_if(condition: Q, lane: Combinable) -> Combinable:
    # A number of four digits in base LANES needs more than 32 bits.
    return Case(When(condition, then=Cast(lane, BIGINT)), default=Value(0), output_field=BIGINT)


def _flag(condition: Q) -> Case:
    return Case(When(condition, then=1), default=0, output_field=IntegerField())
