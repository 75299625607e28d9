"""The figures of the case: what is counted, against what, and how certain it is."""

from __future__ import annotations

import pytest

from mediapipe.escalation.report.case import build_case
from mediapipe.escalation.report.figures import compute_figures
from mediapipe.escalation.report.package import preview_package
from mediapipe.models import MediaItem
from tests.support import early_404s, make
from tests.support.report import DAY, HOUR, MINUTE, NOON, figures, outbreak, text

pytestmark = [pytest.mark.django_db, pytest.mark.database]

OTHER = "AC" + "b2" * 16


def test_affected_media_is_counted_by_hour_region_and_account() -> None:
    outbreak()
    early_404s.media(NOON - HOUR, not_found_s=[0.1], found_s=2, region="ie1")
    early_404s.media(NOON, not_found_s=[0.1], found_s=2, inbound=make.message(account_sid=OTHER))
    seen = figures()
    hours = {at.hour: (group.affected, group.total) for at, group in seen.hours.items()}
    assert hours == {11: (1, 1), 12: (4, 5)}
    assert {group.name: group.affected for group in seen.regions} == {"us1": 4, "ie1": 1}
    assert {group.name: group.affected for group in seen.accounts} == {make.ACCOUNT: 4, OTHER: 1}


def test_media_of_other_accounts_is_not_counted() -> None:
    outbreak()
    early_404s.media(NOON, found_s=0.2, inbound=make.message(account_sid=OTHER))
    assert figures().total == 4


def test_the_percentiles_are_intervals_over_the_media_eventually_retrieved() -> None:
    outbreak()
    seen = figures()
    assert seen.delays.count == 2
    median = seen.delays.percentiles[0]
    assert median.at_least_s == pytest.approx((0.2 + 1.2) / 2)
    assert median.at_most_s == pytest.approx((1.4 + 3.1) / 2)
    assert "affected media (2): p50 0.70 to 2.25" in text()


def test_the_baseline_covers_the_same_hours_of_the_14_days_before() -> None:
    outbreak()
    for days in (1, 3, 14):
        early_404s.media(NOON - days * DAY, found_s=0.5)
    early_404s.media(NOON - 2 * DAY, not_found_s=[0.1], found_s=2.0)
    early_404s.media(NOON - DAY - 5 * HOUR, not_found_s=[0.1], found_s=2.0)
    early_404s.media(NOON - 15 * DAY, not_found_s=[0.1], found_s=2.0)
    only = MediaItem.objects.filter(received_at__gte=NOON)
    baseline = compute_figures(build_case(only)).baseline
    assert (baseline.affected, baseline.total) == (1, 4)
    assert (
        "Baseline: 1 of 4 (25.0%), in the same hours of the 14 days before."
        in preview_package(build_case(only)).message
    )


def test_a_period_of_a_day_or_more_is_compared_with_all_days_before() -> None:
    outbreak()
    early_404s.media(NOON - 2 * DAY, found_s=0.5)
    assert figures(since=NOON - DAY, until=NOON + DAY).baseline.total == 1


def test_the_message_states_that_there_is_no_baseline() -> None:
    outbreak()
    assert "no media from the 14 days before" in text()


def test_other_media_fetched_in_the_same_minute_counts_for_the_credentials() -> None:
    outbreak()
    assert figures().ruled_out.others == 1
    early_404s.media(NOON + 30 * MINUTE, found_s=0.2)
    assert figures().ruled_out.others == 1
    early_404s.media(NOON, found_s=0.2)
    assert figures().ruled_out.others == 2
    assert "credentials fetched 2 other media" in text()


def test_media_of_another_account_does_not_count_for_the_credentials() -> None:
    outbreak()
    early_404s.media(NOON, found_s=0.2, inbound=make.message(account_sid=OTHER))
    assert figures().ruled_out.others == 1


def test_refused_requests_are_counted_in_the_message() -> None:
    item, *_ = outbreak()
    item.attempt_set.create(number=9, started_at=NOON, outcome="unauthorized", http_status=401)
    assert "Requests in the period that returned 401 or 403: 1." in text()


def test_the_queue_lag_is_that_of_the_affected_media() -> None:
    outbreak()
    assert figures().ruled_out.lag_p95_s == pytest.approx(0.19, abs=0.011)
    assert "followed the webhook within 0.19 s" in text()


def test_404s_from_the_cdn_are_counted_separately() -> None:
    item, *_ = outbreak()
    item.attempt_set.filter(number=2).update(redirect_host="mms.twiliocdn.com")
    ruled = figures().ruled_out
    assert (ruled.by_origin, ruled.by_cdn, ruled.hosts) == (5, 1, ("mms.twiliocdn.com",))
    assert "5 of the 6 404 responses came from the API itself" in text()
