"""A persistent 404 is diagnosed from the metadata, which ends only what cannot succeed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django import Settings

from mediapipe.fetching.not_found import (
    MAX_REQUESTS,
    SUSPICIOUS_AFTER,
    SUSPICIOUS_MEDIA,
    credentials_suspected,
)
from mediapipe.models import MediaItem, NotFoundCause, Status
from mediapipe.models.accounts import AccountHealth
from mediapipe.simulator import Simulator, faults
from mediapipe.simulator.script import MediaScript
from tests.support import make
from tests.support.fetching import announced, attempt

pytestmark = [pytest.mark.django_db, pytest.mark.database]

# Longer than any schedule.
NEVER_S = 10_000_000.0
# When the attempts of the default schedule are made, in seconds after the first.
FAST_S = (0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 297)
SLOW_S = (897, 2697, 6297, 17097, 38697, 81897, 168297)
SCHEDULE_S = FAST_S + SLOW_S

Clock = Callable[[float], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Return a function that sets the seconds since the start; the schedule has no jitter."""
    monkeypatch.setattr("mediapipe.fetching.schedule.JITTER", 0.0)
    began = datetime.now(UTC)
    with time_machine.travel(began, tick=False) as traveller:
        yield lambda seconds: traveller.move_to(began + timedelta(seconds=seconds))


def message(twilio: Simulator, **options: object) -> MediaScript:
    return twilio.add_message_media(account_sid=make.ACCOUNT, **options)  # type: ignore[arg-type]


def recording(twilio: Simulator, **options: object) -> MediaScript:
    return twilio.add_recording(account_sid=make.ACCOUNT, **options)  # type: ignore[arg-type]


def attempt_on_schedule(item: MediaItem, clock: Clock, count: int = len(SCHEDULE_S)) -> str:
    """Make attempts on schedule, `count` in all or until the item ends; return the last outcome."""
    outcome = ""
    item.refresh_from_db()
    for after_s in SCHEDULE_S[item.attempts : count]:
        clock(after_s)
        item.refresh_from_db()
        if item.status not in {Status.QUEUED, Status.RETRYING}:
            break
        MediaItem.objects.filter(pk=item.pk).update(next_attempt_at=datetime.now(UTC))
        outcome = attempt(item)
    item.refresh_from_db()
    return outcome


def metadata_request_count(twilio: Simulator, item: MediaItem) -> int:
    return sum(entry.path.endswith(".json") for entry in twilio.log.of(item.identity))


def record_earlier_success() -> None:
    """Record an earlier success with the account's credentials."""
    item = make.media()
    MediaItem.objects.filter(pk=item.pk).update(found_at=datetime.now(UTC))


def test_media_whose_metadata_exists_is_diagnosed_as_propagating(
    twilio: Simulator, clock: Clock
) -> None:
    item = announced(message(twilio, delay_s=NEVER_S, metadata_delay_s=0))
    assert attempt_on_schedule(item, clock, count=4) == "not_ready"
    assert item.not_found_because == NotFoundCause.PROPAGATING


def test_propagating_media_is_tried_until_the_end_of_its_schedule(
    twilio: Simulator, clock: Clock
) -> None:
    item = announced(message(twilio, delay_s=NEVER_S, metadata_delay_s=0))
    assert attempt_on_schedule(item, clock) == "not_ready"
    assert (item.status, item.attempts) == (Status.FAILED, len(SCHEDULE_S))


def test_metadata_is_queried_at_every_second_attempt_from_the_fourth_on(
    twilio: Simulator, clock: Clock
) -> None:
    item = announced(message(twilio, delay_s=NEVER_S))
    counts = []
    for count in range(1, 9):
        attempt_on_schedule(item, clock, count=count)
        counts.append(metadata_request_count(twilio, item))
    assert counts == [0, 0, 0, 1, 1, 2, 2, 3]


def test_metadata_is_queried_a_limited_number_of_times(
    twilio: Simulator, clock: Clock, settings: Settings
) -> None:
    settings.RETRY_SLOW_SCHEDULE_S = (600.0,) * 50
    item = announced(message(twilio, delay_s=NEVER_S, metadata_delay_s=0))
    for number in range(60):
        clock(number * 1000.0)
        MediaItem.objects.filter(pk=item.pk).update(
            status=Status.RETRYING, next_attempt_at=datetime.now(UTC)
        )
        attempt(item)
    assert metadata_request_count(twilio, item) == MAX_REQUESTS == item.metadata_requests


def test_metadata_is_not_queried_if_metadata_from_attempt_is_zero(
    twilio: Simulator, clock: Clock, settings: Settings
) -> None:
    settings.METADATA_FROM_ATTEMPT = 0
    item = announced(message(twilio, delay_s=NEVER_S))
    attempt_on_schedule(item, clock, count=10)
    assert metadata_request_count(twilio, item) == 0


def test_media_that_arrives_after_hours_without_metadata_is_stored(
    twilio: Simulator, clock: Clock
) -> None:
    record_earlier_success()
    script = message(twilio, delay_s=NEVER_S)
    item = announced(script)
    attempt_on_schedule(item, clock, count=13)
    assert (item.status, item.not_found_because) == (Status.RETRYING, "")
    script.delay_s = 0
    assert attempt_on_schedule(item, clock) == "stored"


def test_media_without_metadata_is_diagnosed_as_deleted_only_after_hours(
    twilio: Simulator, clock: Clock
) -> None:
    record_earlier_success()
    item = announced(message(twilio, delay_s=NEVER_S))
    assert attempt_on_schedule(item, clock) == "deleted"
    assert item.not_found_because == NotFoundCause.DELETED
    assert item.received_at is not None
    assert item.failed_at is not None
    assert item.failed_at - item.received_at >= timedelta(hours=4)
    assert item.attempts < len(SCHEDULE_S)
    assert item.not_found_count == item.attempts


def test_media_whose_metadata_disappears_fails_as_deleted(twilio: Simulator, clock: Clock) -> None:
    script = message(twilio, delay_s=NEVER_S, metadata_delay_s=0)
    item = announced(script)
    attempt_on_schedule(item, clock, count=5)
    script.deleted = True
    assert attempt_on_schedule(item, clock) == "deleted"
    assert (item.status, item.error) == (Status.FAILED, "deleted")


def test_metadata_that_reappears_resets_the_evidence_of_a_deletion(
    twilio: Simulator, clock: Clock
) -> None:
    script = message(twilio, delay_s=NEVER_S, metadata_delay_s=0)
    item = announced(script)
    attempt_on_schedule(item, clock, count=5)
    script.deleted = True
    attempt_on_schedule(item, clock, count=9)
    script.deleted = False
    attempt_on_schedule(item, clock, count=11)
    assert (item.status, item.not_found_because) == (Status.RETRYING, "propagating")


@pytest.mark.parametrize(
    ("options", "because", "outcome"),
    [
        ({"recording_status": "absent"}, NotFoundCause.ABSENT, "recording_absent"),
        ({"deleted": True}, NotFoundCause.DELETED, "deleted"),
        (
            {"external_url": "https://bucket.s3.amazonaws.com/a.wav"},
            NotFoundCause.EXTERNAL_STORAGE,
            "external_storage",
        ),
    ],
)
def test_a_recording_that_twilio_reports_as_unavailable_is_ended_early(
    twilio: Simulator, clock: Clock, options: dict[str, object], because: str, outcome: str
) -> None:
    script = recording(twilio)
    for name, value in options.items():
        setattr(script, name, value)
    item = announced(script)
    assert attempt_on_schedule(item, clock) == outcome
    assert item.not_found_because == because
    assert item.attempts < len(SCHEDULE_S)
    assert item.status == (Status.ABSENT if because == "absent" else Status.FAILED)


def test_a_single_report_of_absence_does_not_end_the_item(twilio: Simulator, clock: Clock) -> None:
    item = announced(recording(twilio, recording_status="absent"))
    assert attempt_on_schedule(item, clock, count=4) == "not_ready"
    assert (item.status, item.not_found_because) == (Status.RETRYING, "absent")


def test_a_recording_that_is_being_processed_is_tried_until_it_is_stored(
    twilio: Simulator, clock: Clock
) -> None:
    script = recording(twilio, delay_s=NEVER_S)
    item = announced(script)
    attempt_on_schedule(item, clock, count=14)
    assert (item.status, item.not_found_because) == (Status.RETRYING, "processing")
    script.delay_s = 0
    assert attempt_on_schedule(item, clock) == "stored"


def attempt_until_credentials_suspected(twilio: Simulator, clock: Clock) -> list[MediaItem]:
    """Attempt media that these credentials cannot see until the credentials are suspected."""
    items = [announced(message(twilio, delay_s=NEVER_S)) for _ in range(SUSPICIOUS_MEDIA)]
    for item in items:
        attempt_on_schedule(item, clock, count=14)
    assert SUSPICIOUS_AFTER.total_seconds() < SCHEDULE_S[13]
    return items


def test_credentials_are_suspected_if_no_media_of_the_account_is_ever_found(
    twilio: Simulator, clock: Clock
) -> None:
    last = attempt_until_credentials_suspected(twilio, clock)[-1]
    assert (last.status, last.error) == (Status.RETRYING, "credentials_suspected")
    assert last.not_found_because == NotFoundCause.CREDENTIALS_SUSPECTED


def test_suspected_credentials_do_not_end_an_item_before_its_schedule_ends(
    twilio: Simulator, clock: Clock
) -> None:
    last = attempt_until_credentials_suspected(twilio, clock)[-1]
    assert attempt_on_schedule(last, clock) == "credentials_suspected"
    assert (last.status, last.attempts) == (Status.FAILED, len(SCHEDULE_S))


def test_one_success_clears_the_suspicion_of_the_credentials(
    twilio: Simulator, clock: Clock
) -> None:
    attempt_until_credentials_suspected(twilio, clock)
    record_earlier_success()
    assert not credentials_suspected(make.ACCOUNT)


def test_a_missing_item_of_a_new_account_does_not_raise_a_suspicion(
    twilio: Simulator, clock: Clock
) -> None:
    item = announced(message(twilio, delay_s=NEVER_S))
    attempt_on_schedule(item, clock, count=13)
    assert item.not_found_because == ""


def test_no_metadata_is_requested_for_a_degraded_account(twilio: Simulator, clock: Clock) -> None:
    AccountHealth.objects.create(account_sid=make.ACCOUNT, rate=2)
    item = announced(message(twilio, faults=[faults.Status(429)] * 2, delay_s=NEVER_S))
    attempt_on_schedule(item, clock, count=7)
    assert item.not_found_count == 5
    account_degraded = AccountHealth.objects.degraded().exists()
    assert account_degraded
    assert metadata_request_count(twilio, item) == 0


def test_a_metadata_query_without_a_response_does_not_change_the_diagnosis(
    twilio: Simulator, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediapipe.fetching.http.request.TIMEOUT_S", 0.0)
    item = announced(message(twilio, delay_s=NEVER_S, metadata_delay_s=0))
    assert attempt_on_schedule(item, clock, count=4) == "not_ready"
    assert (item.not_found_because, item.metadata_requests) == ("", 1)
