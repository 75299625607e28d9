"""`manage.py retry_lab` replays the history, proposes a schedule and prints its settings."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from mediapipe.fetching.schedule import Schedule
from mediapipe.models import MediaItem
from mediapipe.timing.retry_lab.comparison import Comparison, compare
from mediapipe.timing.retry_lab.formatting import proposal_sentence
from mediapipe.timing.retry_lab.intervals import load_intervals, to_intervals
from mediapipe.timing.retry_lab.policies import Policy
from mediapipe.timing.retry_lab.proposal import Candidate
from mediapipe.timing.retry_lab.replay import PolicyFigures, PolicyResult
from tests.support import make

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def create_history(*delays: tuple[float, float | None, int]) -> list[MediaItem]:
    """Take in media with these (at least, at most, 404s); seconds after a first attempt at 0.1."""
    items = []
    for place, (least_s, most_s, not_found) in enumerate(delays):
        item = make.media(at=NOON + timedelta(minutes=place))
        MediaItem.objects.filter(pk=item.pk).update(
            queue_lag_s=0.1,
            delay_at_least_s=least_s and least_s + 0.1,
            delay_at_most_s=None if most_s is None else most_s + 0.1,
            not_found_count=not_found,
        )
        items.append(item)
    return items


def create_ordinary_history() -> list[MediaItem]:
    return create_history(
        *[(0, 0.2, 0)] * 6, (0, 1.1, 1), (1.1, 3.2, 2), (3.2, 7.3, 3), (7.3, 15.6, 4)
    )


def printed(*arguments: str) -> str:
    output = io.StringIO()
    call_command("retry_lab", *arguments, stdout=output)
    return output.getvalue()


def rows(text: str) -> Sequence[str]:
    return [line for line in text.splitlines() if line.startswith("│")]


def test_the_lab_compares_schedules_and_prints_usable_settings() -> None:
    create_ordinary_history()
    text = printed()
    names = [row.split("│")[1].strip() for row in rows(text)]
    assert names[0].startswith("current: 1s x 2")
    assert any(name.startswith("proposed:") for name in names)
    assert any(name.startswith("give up after 45 s") for name in names)
    assert "known or bounded delay: 10." in text
    settings = dict(re.findall(r"^(RETRY_[A-Z_]+)=(\S+)$", text, re.MULTILINE))
    assert settings["RETRY_SLOW_SCHEDULE"] == "10m,30m,1h,3h,6h,12h,24h"
    assert len(settings) == 5


def test_the_proposal_waits_less_within_the_budget() -> None:
    create_ordinary_history()
    comparison = compare(MediaItem.objects.all(), budget=3.0)
    assert comparison is not None
    assert comparison.proposal is not None
    present = comparison.results[0].estimate
    assert comparison.proposal.figures.excess_mean_s < present.excess_mean_s
    assert comparison.proposal.figures.requests <= 3.0
    assert comparison.proposal.figures.retrieved >= present.retrieved - 0.001


@pytest.mark.parametrize(
    ("requests", "wait_s", "sentence"),
    [
        (2.0, 5.0, "50% less waiting for the same requests, at most 3.00 per media item: 5.00 s "),
        (2.5, 5.0, "50% less waiting for 25% more requests, at most 3.00 per media item: 5.00 s "),
        (1.5, 12.0, "With at most 3.00 requests per media item, this schedule has the shortest "),
    ],
)
def test_the_proposal_states_what_it_saves_and_costs(
    requests: float, wait_s: float, sentence: str
) -> None:
    now = PolicyFigures(retrieved=1, excess_mean_s=10, excess_p95_s=20, requests=2)
    then = replace(now, excess_mean_s=wait_s, requests=requests)
    schedule = replace(Schedule.from_settings(), factor=1.25)
    results = [PolicyResult(Policy(""), each, each, each) for each in (now, then)]
    intervals = to_intervals([], 0.0, 0)
    comparison = Comparison(intervals, results, [], 3.0, Candidate(schedule, then))
    assert proposal_sentence(comparison).startswith(sentence)


def test_a_larger_budget_never_leads_to_longer_waits() -> None:
    create_ordinary_history()
    waits_s = []
    for budget in (1.6, 2.0, 3.0, 5.0):
        comparison = compare(MediaItem.objects.all(), budget=budget)
        assert comparison is not None
        if comparison.proposal:
            waits_s.append(comparison.proposal.figures.excess_mean_s)
    assert len(waits_s) > 1
    assert waits_s == sorted(waits_s, reverse=True)


def test_a_budget_that_no_schedule_meets_is_reported() -> None:
    create_ordinary_history()
    text = printed("--budget", "1.01")
    assert "raise the budget" in text
    assert "RETRY_FACTOR=" not in text


def test_a_schedule_given_by_the_user_is_compared() -> None:
    create_ordinary_history()
    text = printed("--first-delay", "0.5s", "--factor", "1.5", "--slow-schedule", "")
    assert any("yours: 0.5s x 1.5" in row for row in rows(text))


def test_only_the_period_and_the_account_are_replayed() -> None:
    create_ordinary_history()
    since = (NOON + timedelta(minutes=5)).isoformat()
    assert "known or bounded delay: 5." in printed("--since", since, "--account", make.ACCOUNT)
    with pytest.raises(CommandError, match="no media items of account"):
        printed("--account", "AC" + "0" * 32)


def test_media_that_no_schedule_could_have_retrieved_is_left_out() -> None:
    items = create_ordinary_history()
    MediaItem.objects.filter(pk=items[-1].pk).update(not_found_because="deleted")
    assert load_intervals(MediaItem.objects.all()).used == 9


def test_media_without_an_attempt_is_left_out() -> None:
    create_ordinary_history()
    make.media()
    assert load_intervals(MediaItem.objects.all()).used == 10


def test_a_large_history_is_sampled_and_marked_as_sampled() -> None:
    create_history(*[(0, 0.2, 0)] * 30)
    intervals = load_intervals(MediaItem.objects.all(), most=10)
    assert 9 <= intervals.used <= 11
    assert (intervals.total, intervals.sampled) == (30, True)


def test_the_plot_is_written(tmp_path: Path) -> None:
    create_ordinary_history()
    path = tmp_path / "lab.svg"
    printed("--plot", str(path))
    assert path.read_text().startswith("<svg ")


def test_a_plot_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    create_ordinary_history()
    with pytest.raises(CommandError, match="cannot be written"):
        printed("--plot", str(tmp_path / "not-there" / "lab.svg"))


@pytest.mark.parametrize(
    "arguments",
    [("--factor", "0.5"), ("--first-delay", "soon"), ("--budget", "-1"), ("--first-delay", "0")],
)
def test_an_invalid_schedule_or_budget_is_an_error(arguments: tuple[str, str]) -> None:
    with pytest.raises(CommandError):
        printed(*arguments)


def test_the_current_schedule_is_taken_from_the_settings(settings: Settings) -> None:
    settings.RETRY_FACTOR = 3.0
    create_ordinary_history()
    assert "current: 1s x 3" in printed()
