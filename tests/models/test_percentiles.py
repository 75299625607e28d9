from __future__ import annotations

import pytest
from django.db.models import Q
from django.utils import timezone

from mediapipe.models import MediaItem
from mediapipe.models.percentiles import Percentiles
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_percentiles_are_interpolated_linearly_between_neighbours() -> None:
    create_items_with_lags(4, 1, 2, 3)
    assert percentiles(0, 0.5, 0.95, 1) == [1, 2.5, 3.8499999999999996, 4]


def test_every_percentile_of_a_single_value_is_that_value() -> None:
    create_items_with_lags(0.1)
    assert percentiles(0.5, 0.99) == [0.1, 0.1]


def test_rows_without_a_value_do_not_count() -> None:
    create_items_with_lags(1, None, 3)
    assert percentiles(0.5) == [2]


def test_rows_without_any_value_have_no_percentiles() -> None:
    create_items_with_lags(None)
    assert percentiles(0.5) is None


def test_each_group_has_its_own_percentiles() -> None:
    create_items_with_lags(1, 2, 3)
    MediaItem.objects.filter(queue_lag_s=3).update(status="stored")
    rows = MediaItem.objects.values_list("status").annotate(Percentiles("queue_lag_s", (0.5,)))
    assert dict(rows) == {"queued": [1.5], "stored": [3]}


def test_a_filter_excludes_rows_from_the_percentiles() -> None:
    create_items_with_lags(1, 2, 30)
    middle = Percentiles("queue_lag_s", (0.5,), filter=Q(queue_lag_s__lt=10))
    assert MediaItem.objects.aggregate(p=middle) == {"p": [1.5]}


def create_items_with_lags(*lags_s: float | None) -> None:
    event = make.event(make.message(len(lags_s)))
    for item, lag_s in zip(event.media.all(), lags_s, strict=True):
        MediaItem.objects.filter(pk=item.pk).update(queue_lag_s=lag_s, received_at=timezone.now())


def percentiles(*shares: float) -> list[float] | None:
    found: list[float] | None
    found = MediaItem.objects.aggregate(p=Percentiles("queue_lag_s", shares))["p"]
    return found
