"""While an account is paused, no requests are made for it, and none of its media is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mediapipe.escalation.detection.counts import by_account, escalation_window
from mediapipe.escalation.detection.queue import detect_queue_delay
from mediapipe.failures import TransientMedia404, Unauthorized
from mediapipe.fetching.attempt import conclude
from mediapipe.models import AccountHealth, Incident, MediaItem, Status
from mediapipe.models.accounts import REFUSALS_TO_PAUSE
from mediapipe.models.status import Phase
from mediapipe.operations.manual_control import clean_reason, pause_account, resume_account
from mediapipe.providers.base import Evidence
from mediapipe.simulator import Simulator
from tests.support import make
from tests.support.fetching import attempt, picture
from tests.support.metrics import families

pytestmark = [pytest.mark.django_db, pytest.mark.database]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOT_FOUND = Evidence(http_status=404)


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def pause(user: User, reason: str = "a rebuilt gateway") -> bool:
    return pause_account(make.ACCOUNT, user, reason)


def resume(user: User) -> bool:
    return resume_account(make.ACCOUNT, user)


def waiting() -> MediaItem:
    """Return an item that got one 404."""
    item = make.claimed()
    conclude(item, TransientMedia404(), NOT_FOUND)
    return item


def test_no_item_of_a_paused_account_is_claimed_or_dispatched(
    ada: User, clock: time_machine.Traveller
) -> None:
    assert pause(ada)
    item, other = make.media(), make.media()
    MediaItem.objects.filter(pk=other.pk).update(account_sid="AC" + "b2" * 16)
    clock.shift(timedelta(days=30))
    assert MediaItem.claim(item.pk) is None
    assert [*MediaItem.objects.claim_due(10)] == [other.pk]
    item.refresh_from_db()
    assert (item.status, item.attempts) == (Status.QUEUED, 0)


def test_every_item_is_due_at_once_after_the_account_is_resumed(
    ada: User, clock: time_machine.Traveller
) -> None:
    pause(ada)
    queued = make.media()
    # This drops its message; without the pause the dispatcher would publish another in a minute.
    assert MediaItem.claim(queued.pk) is None
    assert [*MediaItem.objects.claim_due(10)] == []
    assert resume(ada)
    assert [*MediaItem.objects.claim_due(10)] == [queued.pk]
    assert MediaItem.claim(queued.pk)


def test_a_pause_does_not_count_towards_the_retry_window(
    ada: User, clock: time_machine.Traveller
) -> None:
    item = waiting()
    pause(ada)
    clock.shift(timedelta(days=3))
    resume(ada)
    again = MediaItem.claim(item.pk)
    assert again
    conclude(again, TransientMedia404(), NOT_FOUND)
    # If the pause counted, the fast window would be over and the next retry minutes away.
    assert (again.phase, again.fast_retries) == (Phase.FAST, {"not_ready": 2})


def test_two_pauses_do_not_count_towards_the_retry_window(
    ada: User, clock: time_machine.Traveller
) -> None:
    item = waiting()
    for _ in range(2):
        pause(ada)
        clock.shift(timedelta(days=3))
        resume(ada)
    again = MediaItem.claim(item.pk)
    assert again
    assert again.budget_elapsed_s() == 0


def test_a_pause_before_the_first_attempt_does_not_extend_the_retry_window(
    ada: User, clock: time_machine.Traveller
) -> None:
    pause(ada)
    clock.shift(timedelta(days=3))
    resume(ada)
    item = make.claimed()
    clock.shift(timedelta(minutes=1))
    assert item.budget_elapsed_s() == 60


def test_resuming_an_account_neither_reads_nor_writes_its_items(ada: User) -> None:
    make.media()
    pause(ada)
    with CaptureQueriesContext(connection) as queries:
        assert resume(ada)
    assert not [query for query in queries if MediaItem._meta.db_table in query["sql"]]


def test_a_running_attempt_finishes_and_does_not_resume_the_account(
    ada: User, twilio: Simulator
) -> None:
    AccountHealth.objects.create(account_sid=make.ACCOUNT, refusals=1)
    claimed = MediaItem.claim(picture(twilio).pk)
    assert claimed
    pause(ada)
    AccountHealth.get_or_create_for(make.ACCOUNT).record_response()
    assert make.store(claimed).status == Status.STORED
    assert MediaItem.claim(make.media().pk) is None


def test_an_account_paused_by_a_user_is_not_probed(
    ada: User, clock: time_machine.Traveller
) -> None:
    for _ in range(REFUSALS_TO_PAUSE):
        AccountHealth.get_or_create_for(make.ACCOUNT).record_refusal(NOON)
    pause(ada)
    clock.shift(timedelta(days=1))
    assert MediaItem.claim(make.media().pk) is None


def test_refused_credentials_pause_a_resumed_account_again(ada: User) -> None:
    pause(ada)
    for _ in range(REFUSALS_TO_PAUSE):
        AccountHealth.get_or_create_for(make.ACCOUNT).record_refusal(NOON)
    health = AccountHealth.objects.get()
    assert health.why_paused.startswith("ada paused")
    resume(ada)
    item = make.claimed()
    conclude(item, Unauthorized(), Evidence(http_status=401))
    health.refresh_from_db()
    assert health.why_paused == "Twilio rejects the credentials of the account"


def test_the_user_reason_and_time_of_a_pause_are_recorded(
    ada: User, clock: time_machine.Traveller
) -> None:
    pause(ada)
    health = AccountHealth.objects.get()
    assert health.why_paused == "ada paused the account on 2026-03-01 12:00: a rebuilt gateway"
    resume(ada)
    health.refresh_from_db()
    assert health.why_paused == ""
    logged = LogEntry.objects.order_by("pk").values_list("user__username", "change_message")
    assert list(logged) == [("ada", "Paused: a rebuilt gateway"), ("ada", "Resumed.")]


def test_a_second_pause_or_resume_changes_nothing(ada: User) -> None:
    bob = User.objects.create_user("bob")
    assert [pause(ada), pause(bob, "another reason")] == [True, False]
    assert AccountHealth.objects.get().paused_by == "ada"
    assert [resume(bob), resume(bob)] == [True, False]
    assert LogEntry.objects.count() == 2


def test_a_user_cannot_end_a_pause_caused_by_refused_credentials(ada: User) -> None:
    for _ in range(REFUSALS_TO_PAUSE):
        AccountHealth.get_or_create_for(make.ACCOUNT).record_refusal(NOON)
    assert not resume(ada)
    assert AccountHealth.objects.get().paused_at


def test_a_metric_shows_how_long_an_account_has_been_paused(
    ada: User, client: Client, clock: time_machine.Traveller
) -> None:
    def shown() -> float:
        return families(client)["mediapipe_account_paused_seconds"].samples[0].value

    assert shown() == 0
    pause(ada)
    clock.shift(timedelta(days=2))
    assert shown() == 2 * 86400
    resume(ada)
    assert shown() == 0


def test_items_of_a_paused_account_cause_no_queue_delay_incident(
    ada: User, clock: time_machine.Traveller
) -> None:
    for _ in range(20):
        make.media()
    pause(ada)
    clock.shift(timedelta(minutes=30))
    period = escalation_window(datetime.now(UTC))
    detect_queue_delay(period, by_account(period))
    assert not Incident.objects.exists()


def test_media_is_fetched_again_after_the_account_is_resumed(ada: User, twilio: Simulator) -> None:
    item = picture(twilio)
    pause(ada)
    assert MediaItem.claim(item.pk) is None
    resume(ada)
    assert attempt(item) == "stored"


@pytest.mark.parametrize("text", ["", " \n", "x" * 201])
def test_a_reason_of_at_most_200_characters_is_required(text: str) -> None:
    with pytest.raises(ValueError, match="at most 200"):
        clean_reason(text)


def test_a_number_in_a_reason_is_masked() -> None:
    assert clean_reason(" asked by\n+15550001234 ") == "asked by +•••••••••34"
