"""The two apps of the demo: the problems that its exit status reports."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from pytest_django import Settings

from mediapipe.gateway.entries import entries
from mediapipe.management.demo.apps import TwoApps, by_sid
from mediapipe.management.demo.script import LONGEST_DELAY_S, steps
from mediapipe.simulator import Simulator
from mediapipe.simulator.app import MediaApp

PLANNED = steps()
MEDIA = sum(len(step.webhook.media) for step in by_sid(PLANNED).values())


@pytest.fixture
def apps(twilio: Simulator) -> TwoApps:
    """Return the apps after a good run, without their servers."""
    url = "http://127.0.0.1:9/twilio/callback"
    behind = MediaApp(url, Counter(list(by_sid(PLANNED))), fetched=MEDIA)
    # The same messages have other SIDs in the run without the gateway.
    alone = MediaApp(url, Counter(list(by_sid(steps()))), fetched=MEDIA - 4, lost=4, early_404s=20)
    return TwoApps(behind, alone, twilio)


def test_a_good_run_has_no_problems(apps: TwoApps) -> None:
    assert apps.is_settled(PLANNED)
    assert apps.problems(PLANNED) == []


def test_a_message_that_arrives_twice_is_a_problem(apps: TwoApps) -> None:
    apps.behind.messages.update(list(by_sid(PLANNED))[:1])
    assert any("exactly once" in problem for problem in apps.problems(PLANNED))


def test_an_early_404_behind_the_gateway_is_a_problem(apps: TwoApps) -> None:
    apps.behind.early_404s = 1
    assert any("saw 1 early 404s" in problem for problem in apps.problems(PLANNED))


def test_a_refused_signature_is_a_problem(apps: TwoApps) -> None:
    apps.behind.refused = 1
    assert any("refused the signature" in problem for problem in apps.problems(PLANNED))


def test_an_app_that_is_still_fetching_is_a_problem(apps: TwoApps) -> None:
    apps.alone.fetched -= 1
    assert not apps.is_settled(PLANNED)
    assert any("still fetching" in problem for problem in apps.problems(PLANNED))


def test_both_apps_get_the_same_messages_with_the_same_delays() -> None:
    ours, twins = (
        [
            (step.webhook.source, [media.delay_s for media in step.webhook.media])
            for step in planned
            if step.is_message
        ]
        for planned in (PLANNED, steps())
    )
    assert ours == twins
    assert not by_sid(PLANNED).keys() & by_sid(steps()).keys()


def test_the_gateway_file_holds_messages_longer_than_any_media_is_delayed(
    apps: TwoApps, tmp_path: Path, settings: Settings
) -> None:
    settings.GATEWAY_FILE = str(apps.configure(tmp_path))
    (entry,) = entries()
    assert (entry.answer, entry.media) == ("empty", "hold")
    assert entry.hold_s > LONGEST_DELAY_S
    assert json.loads(Path(settings.GATEWAY_FILE).read_text())[0]["sources"] == ["messaging"]


def test_the_table_shows_what_the_apps_recorded(apps: TwoApps) -> None:
    behind, alone = zip(*(column.cells for column in apps.table().columns), strict=True)
    assert behind == ("behind the gateway", "27", f"{MEDIA}", "0", "0")
    assert alone == ("without it", "27", f"{MEDIA - 4}", "20", "4")
