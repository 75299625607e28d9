"""The timeline of a media item: whole labels, an axis to the last event, no overlapping marks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client

from mediapipe.admin.timeline import CHARACTER, NARROW, WIDE, Timeline, TimelineMark
from mediapipe.models import MediaItem
from tests.support import make
from tests.support.admin import media_page

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def item(*attempts: tuple[float, str], stored_s: float | None = None) -> MediaItem:
    """Return an item with attempts at these seconds after its webhook, each with its outcome."""
    made = make.media(at=NOON)
    for number, (after_s, outcome) in enumerate(attempts, start=1):
        made.attempt_set.create(
            number=number,
            phase="fast",
            started_at=NOON + timedelta(seconds=after_s),
            outcome=outcome,
            http_status=404 if outcome == "not_ready" else None,
        )
    # The axis of an unfinished item extends to the present.
    state: dict[str, Any] = {"status": "failed"}
    if stored_s is not None:
        state = {"status": "stored", "retrieved_at": NOON + timedelta(seconds=stored_s)}
    MediaItem.objects.filter(pk=made.pk).update(**state)
    made.refresh_from_db()
    return made


def timeline(of: MediaItem, width: int = WIDE) -> Timeline:
    return Timeline.from_media(of, list(of.attempt_set.all()), width)


def ends(mark: TimelineMark) -> tuple[float, float]:
    half = len(mark.label) * CHARACTER / 2
    return mark.label_x - half, mark.label_x + half


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_long_label_at_the_end_is_not_cut_off(width: int) -> None:
    last = timeline(item((1, "not_ready"), (900, "storage_failed")), width).marks[-1]
    assert last.label == "storage failed"
    assert ends(last)[1] <= width + 0.1


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_labels_are_not_cut_off_and_do_not_overlap(width: int) -> None:
    outcomes = ["storage_failed", "not_ready", "config_missing"] * 9
    drawn = timeline(item(*((number / 9, name) for number, name in enumerate(outcomes))), width)
    labelled = [mark for mark in drawn.marks if mark.label]
    assert labelled[0].label == "webhook"
    for mark in labelled:
        left, right = ends(mark)
        assert left >= -0.1
        assert right <= width + 0.1
    for level in (0, 1):
        row = [ends(mark) for mark in labelled if mark.level == level]
        assert all(left > end for (_, end), (left, _) in pairwise(row))


def test_the_axis_ends_with_the_last_event() -> None:
    drawn = timeline(item((0.02, "stored"), stored_s=0.04))
    assert drawn.marks[-1].kind == "stored"
    assert drawn.line_end - drawn.marks[-1].x < 10
    assert [label for _, label in drawn.ticks] == ["0", "0.01 s", "0.02 s"]


def test_the_axis_of_a_finished_item_does_not_extend_to_a_next_attempt() -> None:
    made = item((0.1, "not_ready"), (1, "stored"), stored_s=2)
    MediaItem.objects.update(next_attempt_at=NOON + timedelta(days=1))
    made.refresh_from_db()
    drawn = timeline(made)
    assert drawn.line_end - drawn.marks[-1].x < 10


def test_attempts_too_close_for_separate_marks_share_one_mark() -> None:
    made = item(*((10 + number / 10, "not_ready") for number in range(18)), (60, "stored"))
    marks = timeline(made, NARROW).marks
    assert [mark.kind for mark in marks] == ["receipt", "missing", "found"]
    assert marks[1].label == "404 (x18)"
    assert marks[1].title == "attempts 1 to 18, until 12 s after the webhook: 404"


def test_close_attempts_with_different_results_have_separate_marks() -> None:
    marks = timeline(item((10, "not_ready"), (10.1, "timeout"), (60, "stored")), NARROW).marks
    assert [mark.kind for mark in marks] == ["receipt", "missing", "failed", "found"]


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(
    "attempts",
    [
        pytest.param([(0.01, "not_ready"), (3600, "stored")], id="soon after the webhook"),
        pytest.param([(10, "not_ready"), (10.1, "timeout"), (60, "stored")], id="other results"),
        pytest.param([(3600 + n / 10, f"result_{n}") for n in range(5)], id="many at the end"),
        pytest.param([(n, f"result_{n % 3}") for n in range(200)], id="more than fit"),
    ],
)
def test_marks_are_not_cut_off_and_do_not_overlap(
    attempts: list[tuple[float, str]], width: int
) -> None:
    marks = timeline(item(*attempts, stored_s=attempts[-1][0] + 0.2), width).marks
    assert all(right.x - left.x >= 20 for left, right in pairwise(marks))
    assert all(10 <= mark.x <= width - 10 for mark in marks)


def test_attempts_with_different_results_share_a_mark_if_too_many_to_fit() -> None:
    outcomes = ["not_ready", "timeout"] * 20
    marks = timeline(item(*((10 + n / 100, name) for n, name in enumerate(outcomes))), NARROW).marks
    assert [mark.kind for mark in marks] == ["receipt", "failed"]
    assert marks[1].label == "404, timeout (x40)"
    assert marks[1].title == "attempts 1 to 40, until 10 s after the webhook: 404, timeout"


def test_an_item_without_attempts_has_no_timeline_and_no_empty_column(admin_client: Client) -> None:
    html = media_page(admin_client, item())
    assert 'class="timeline' not in html
    assert "webhook received" in html
    assert "Twilio error" not in html
    assert "Twilio error" in media_page(admin_client, item((1, "not_ready")))
