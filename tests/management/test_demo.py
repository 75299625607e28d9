from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from mediapipe.management.demo.report import Baseline, DemoReport
from mediapipe.management.demo.script import LONGEST_DELAY_S, DemoStep, announced_media, steps
from mediapipe.models import MediaItem, Rejection
from mediapipe.simulator import Simulator
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.script import MediaScript
from tests.support import make
from tests.support.fetching import announced, attempt

pytestmark = [pytest.mark.django_db, pytest.mark.services]

MakeReport = Callable[[], DemoReport]


@pytest.fixture
def script(twilio: Simulator) -> MediaScript:
    """Return the one picture of a small demo."""
    return twilio.add_message_media(account_sid=make.ACCOUNT)


@pytest.fixture
def report(twilio: Simulator, script: MediaScript) -> MakeReport:
    """Return a function that reports on that picture."""
    baseline = Baseline()
    attempt(announced(script))
    webhook = Webhook("messaging", (), (script,))
    return lambda: DemoReport(twilio, [DemoStep(webhook)], baseline)


def test_the_demo_sends_every_kind_of_webhook() -> None:
    planned = steps()
    sources = Counter(step.webhook.source for step in planned)
    counts = {len(step.webhook.media) for step in planned}
    assert len(planned) >= 40
    assert sources["messaging"] > sources["recording"] > 5
    assert set(range(11)) <= counts
    assert sum(step.signature == "wrong" for step in planned) == 1
    assert any(step.method == "GET" for step in planned)


def test_the_media_of_a_forged_webhook_is_not_expected_to_be_stored() -> None:
    planned = steps()
    (forged,) = [step for step in planned if step.signature == "wrong"]
    sids = {media.sid for media in announced_media(planned)}
    assert not sids & {media.sid for media in forged.webhook.media}


def test_media_that_is_announced_twice_is_expected_once() -> None:
    sids = [media.sid for media in announced_media(steps())]
    assert len(sids) == len(set(sids))


def test_no_media_in_the_demo_is_delayed_beyond_the_longest_delay() -> None:
    assert max(media.delay_s for media in announced_media(steps())) <= LONGEST_DELAY_S


def test_a_good_run_has_no_problems(report: MakeReport) -> None:
    assert report().problems() == []


def test_a_media_item_without_a_row_is_a_problem(report: MakeReport) -> None:
    MediaItem.objects.all().delete()
    assert any("has no row" in problem for problem in report().problems())


def test_a_stored_file_that_differs_from_the_served_bytes_is_a_problem(
    report: MakeReport, settings: Settings
) -> None:
    item = MediaItem.objects.get()
    (Path(settings.MEDIA_ROOT) / item.storage_name).write_bytes(b"something else")
    assert any("different bytes" in problem for problem in report().problems())


def test_an_item_that_failed_is_a_problem(report: MakeReport) -> None:
    MediaItem.objects.update(status="failed", error="too_large")
    assert any("is failed: too_large" in problem for problem in report().problems())


def test_an_unexpected_rejection_is_a_problem(report: MakeReport) -> None:
    Rejection.add("signature_wrong")
    assert any("rejected" in problem for problem in report().problems())
