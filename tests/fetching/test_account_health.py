"""Failures of a whole account: one incident, all items wait together, automatic resolution."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError
from pytest_django import Settings

from mediapipe.failures import StorageFailed, Unauthorized
from mediapipe.models import AccountHealth, Cause, Incident, MediaItem, Status
from mediapipe.models.accounts import PROBE_EVERY, REFUSALS_TO_PAUSE
from mediapipe.models.status import DELIVERY_TIMEOUT
from mediapipe.providers.base import Evidence
from mediapipe.simulator import Simulator, faults
from tasks.close_incidents import close_incidents
from tests.support import make
from tests.support.fetching import attempt, picture

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def pictures(twilio: Simulator, count: int, **options: object) -> list[MediaItem]:
    return [picture(twilio, **options) for _ in range(count)]


def use_wrong_token(settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = "revoked"


def use_right_token(settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = make.TOKEN


def make_probe_due() -> None:
    AccountHealth.objects.update(probe_at=datetime.now(UTC))


def test_a_single_refused_item_fails_without_pausing_the_account(twilio: Simulator) -> None:
    refused = picture(twilio, faults=[faults.Status(401)])
    assert attempt(refused) == "unauthorized"
    assert attempt(picture(twilio)) == "stored"
    assert not AccountHealth.objects.degraded()
    assert not Incident.objects.exists()


def test_revoked_credentials_open_one_incident_and_fail_no_item(
    twilio: Simulator, settings: Settings
) -> None:
    use_wrong_token(settings)
    items = pictures(twilio, REFUSALS_TO_PAUSE)
    assert [attempt(item) for item in items][-1] == "retrying: account_refused"
    for item in items:
        item.refresh_from_db()
        assert (item.status, item.error) == (Status.RETRYING, "account_refused")
    incident = Incident.objects.get()
    assert (incident.cause, incident.account_sid) == (Cause.CREDENTIALS, make.ACCOUNT)


def test_items_refused_at_the_same_moment_wait_together(
    twilio: Simulator, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_wrong_token(settings)
    # As if each worker had read the account before the others counted their refusals.
    monkeypatch.setattr(AccountHealth, "is_refused", lambda _: False)
    items = pictures(twilio, REFUSALS_TO_PAUSE)
    for item in items:
        attempt(item)
    for item in items:
        item.refresh_from_db()
        assert (item.status, item.error) == (Status.RETRYING, "account_refused")


def test_a_failure_to_count_a_429_is_logged_and_does_not_change_the_outcome(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object) -> None:
        raise IntegrityError("duplicate key value violates unique constraint")

    monkeypatch.setattr(AccountHealth, "record_rate_limit", fail)
    item = picture(twilio, faults=[faults.Status(429)])
    with caplog.at_level("ERROR"):
        assert attempt(item) == "rate_limited"
    assert item.status == Status.RETRYING
    assert item.next_attempt_at is not None
    assert "IntegrityError" in caplog.text


def test_no_requests_are_sent_for_a_paused_account(twilio: Simulator, settings: Settings) -> None:
    use_wrong_token(settings)
    for item in pictures(twilio, REFUSALS_TO_PAUSE):
        attempt(item)
    requests_before = len(twilio.log.all())
    assert MediaItem.claim(picture(twilio).pk) is None
    assert [*MediaItem.objects.claim_due(10)] == []
    assert len(twilio.log.all()) == requests_before


def test_items_of_another_account_are_still_claimed_while_one_is_paused(
    twilio: Simulator, settings: Settings
) -> None:
    use_wrong_token(settings)
    for item in pictures(twilio, REFUSALS_TO_PAUSE):
        attempt(item)
    other = make.media()
    MediaItem.objects.filter(pk=other.pk).update(account_sid="AC" + "b2" * 16)
    assert MediaItem.claim(other.pk) is not None


def test_only_one_item_probes_a_paused_account(twilio: Simulator, settings: Settings) -> None:
    use_wrong_token(settings)
    for item in pictures(twilio, REFUSALS_TO_PAUSE):
        attempt(item)
    make_probe_due()
    first, second = pictures(twilio, 2)
    assert MediaItem.claim(first.pk) is not None
    assert MediaItem.claim(second.pk) is None


def test_items_resume_automatically_when_the_credentials_work_again(
    twilio: Simulator, settings: Settings
) -> None:
    use_wrong_token(settings)
    items = pictures(twilio, REFUSALS_TO_PAUSE)
    for item in items:
        attempt(item)
    use_right_token(settings)
    make_probe_due()
    MediaItem.objects.update(next_attempt_at=items[0].received_at, sweep_at=items[0].received_at)
    assert [attempt(item) for item in items] == ["stored"] * len(items)
    assert not AccountHealth.objects.degraded()
    assert Incident.objects.get().resolved_at is not None


def test_the_dispatcher_publishes_a_probe_when_it_is_due(
    twilio: Simulator, settings: Settings
) -> None:
    use_wrong_token(settings)
    for item in pictures(twilio, REFUSALS_TO_PAUSE):
        attempt(item)
    with time_machine.travel(datetime.now(UTC) + PROBE_EVERY + DELIVERY_TIMEOUT):
        assert len(MediaItem.objects.claim_due(10)) == REFUSALS_TO_PAUSE


def test_refusals_with_a_success_between_them_do_not_pause_the_account(twilio: Simulator) -> None:
    for _ in range(REFUSALS_TO_PAUSE):
        attempt(picture(twilio, faults=[faults.Status(401)]))
        attempt(picture(twilio))
    assert not Incident.objects.exists()


def test_a_storage_failure_is_one_incident_until_an_item_is_stored_again(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object) -> None:
        raise StorageFailed

    with monkeypatch.context() as patch:
        patch.setattr("mediapipe.fetching.storage.keep", full)
        for item in pictures(twilio, 2):
            attempt(item)
    close_incidents()
    assert Incident.objects.open().get().count == 2
    attempt(picture(twilio))
    close_incidents()
    assert not Incident.objects.open().exists()


def test_missing_credentials_are_one_incident_until_they_are_configured(
    twilio: Simulator, settings: Settings
) -> None:
    items = pictures(twilio, 2)
    settings.TWILIO_AUTH_TOKEN = ""
    assert {attempt(item) for item in items} == {"retrying: config_missing"}
    close_incidents()
    incident = Incident.objects.open().get()
    assert (incident.cause, incident.account_sid) == (Cause.NOT_CONFIGURED, make.ACCOUNT)
    use_right_token(settings)
    MediaItem.objects.update(next_attempt_at=datetime.now(UTC))
    assert {attempt(item) for item in items} == {"stored"}
    close_incidents()
    assert not Incident.objects.open().exists()


@pytest.mark.parametrize("cause", [Cause.CREDENTIALS, Cause.RATE_LIMIT])
def test_an_incident_opened_after_the_account_has_recovered_is_resolved(cause: Cause) -> None:
    # As a worker does that counted its response before the account recovered.
    Incident.open_or_update(cause, make.ACCOUNT)
    close_incidents()
    assert not Incident.objects.open().exists()


def test_the_incident_of_a_paused_and_limited_account_stays_open() -> None:
    now = datetime.now(UTC)
    AccountHealth.objects.create(account_sid=make.ACCOUNT, paused_at=now, rate=1, limited_at=now)
    for cause in (Cause.CREDENTIALS, Cause.RATE_LIMIT):
        Incident.open_or_update(cause, make.ACCOUNT)
    close_incidents()
    assert Incident.objects.open().count() == 2


def test_a_failure_that_recurs_after_its_incident_was_resolved_opens_a_new_one() -> None:
    Incident.open_or_update(Cause.STORAGE)
    Incident.resolve_for(Cause.STORAGE)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=2)):
        Incident.open_or_update(Cause.STORAGE)
    assert Incident.objects.count() == 2


def test_an_item_refused_a_day_before_the_pause_stays_failed(
    twilio: Simulator, settings: Settings
) -> None:
    old = make.claimed()
    with time_machine.travel(datetime.now(UTC) - timedelta(days=1)):
        old.attempt_set.update(started_at=datetime.now(UTC))
    old.mark_failed(Unauthorized(), Evidence(http_status=401))
    use_wrong_token(settings)
    for item in pictures(twilio, REFUSALS_TO_PAUSE):
        attempt(item)
    old.refresh_from_db()
    assert old.status == Status.FAILED
