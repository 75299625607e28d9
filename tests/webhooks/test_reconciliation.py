"""Items whose webhooks never came are found in Twilio's lists, taken in once, and counted apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.utils import timezone

from mediapipe.lifecycle.export import media_line
from mediapipe.models import MediaItem, Reconciliation, RepeatedWebhook, Status, WebhookEvent
from mediapipe.simulator import Simulator, faults, lists, payloads
from mediapipe.simulator.script import MediaScript, new_sid
from mediapipe.timing.summary import summarize
from mediapipe.webhooks.reconciliation.comparison import reconcile
from tests.support import make
from tests.support.fetching import attempt
from tests.support.reconciliation import (
    BEGIN,
    END,
    command,
    message,
    recording,
    requested_lists,
    save_reconciliation,
)
from tests.support.webhooks import send

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.database,
    pytest.mark.usefixtures("published", "skipped_waits"),
]


def test_a_message_without_a_webhook_is_recorded(twilio: Simulator) -> None:
    script = message(twilio, content_type="image/png")
    assert "1 checked, 1 missing and now recorded" in command()
    event, item = WebhookEvent.objects.get(), MediaItem.objects.get()
    assert (event.source, event.subject_sid) == ("reconciliation", script.parent_sid)
    assert (event.sender, event.recipient) == ("+15550000002", "+15550000001")
    assert (item.media_url, item.declared_content_type) == (script.url, "image/png")
    assert event.received_at == item.received_at == BEGIN


def test_a_recording_without_a_webhook_is_recorded_and_can_be_fetched(twilio: Simulator) -> None:
    script = recording(twilio)
    command()
    event, item = WebhookEvent.objects.get(), MediaItem.objects.get()
    assert (event.subject_sid, event.call_sid) == (script.sid, script.parent_sid)
    assert attempt(item) == "stored"


def test_an_item_found_by_reconciliation_is_due_at_once(twilio: Simulator) -> None:
    message(twilio)
    command()
    assert [*MediaItem.objects.claim_due(10)] == [MediaItem.objects.get().pk]


def test_a_message_that_is_already_recorded_is_left_unchanged(twilio: Simulator) -> None:
    webhook = payloads.mms(2, account_sid=make.ACCOUNT, created_at=BEGIN).at(twilio.api_origin)
    for script in webhook.media:
        twilio.state.register(script)
    send(webhook)
    assert "1 checked, none missing" in command()
    assert WebhookEvent.objects.get().repeats == 0
    assert len(requested_lists(twilio)) == 16


def test_media_of_a_purged_event_is_not_recorded_again(twilio: Simulator) -> None:
    message(twilio)
    command()
    MediaItem.objects.all().delete()
    WebhookEvent.objects.update(purged_at=timezone.now())
    assert "none missing" in command()
    assert not MediaItem.objects.exists()


def test_media_missing_from_a_webhook_is_added(twilio: Simulator) -> None:
    webhook = payloads.mms(2, account_sid=make.ACCOUNT, created_at=BEGIN).at(twilio.api_origin)
    for script in webhook.media:
        twilio.state.register(script)
    send(webhook.without("MediaUrl1", "MediaContentType1"))
    command()
    named = MediaItem.objects.exclude(media_sid="").order_by("pk")
    assert [item.media_sid for item in named] == [script.sid for script in webhook.media]
    assert [item.reconciled_at is None for item in named] == [True, False]


def test_a_webhook_that_arrives_after_reconciliation_is_counted_as_a_repeat(
    twilio: Simulator,
) -> None:
    webhook = payloads.mms(1, account_sid=make.ACCOUNT, created_at=BEGIN).at(twilio.api_origin)
    twilio.state.register(webhook.media[0])
    command()
    send(webhook)
    assert WebhookEvent.objects.get().repeats == 1
    assert RepeatedWebhook.objects.get().source == "messaging"
    assert MediaItem.objects.count() == 1


def test_a_recording_that_started_before_the_outage_and_ended_during_it_is_found(
    twilio: Simulator,
) -> None:
    script = recording(twilio, BEGIN - timedelta(hours=3))
    recording(twilio, BEGIN - timedelta(hours=5))
    command()
    assert MediaItem.objects.get().media_sid == script.sid


@pytest.mark.parametrize(
    "options",
    [
        {"direction": "outbound-api"},
        {"created_at": BEGIN - timedelta(seconds=1)},
        {"created_at": END},
        {"account_sid": new_sid("AC")},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_message_not_received_by_the_account_in_the_period_is_not_recorded(
    twilio: Simulator, options: dict[str, Any]
) -> None:
    message(twilio, **options)
    command()
    assert not WebhookEvent.objects.exists()


@pytest.mark.parametrize(
    "options",
    [
        {"recording_status": "absent"},
        {"recording_status": "processing"},
        {"external_url": "https://bucket.s3.amazonaws.com/a.wav"},
        {"delay_s": 9999.0},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_recording_without_media_at_twilio_is_not_recorded(
    twilio: Simulator, options: dict[str, Any]
) -> None:
    recording(twilio, **options)
    command()
    assert not WebhookEvent.objects.exists()


def test_a_message_whose_media_was_deleted_at_twilio_is_not_reported_as_missing(
    twilio: Simulator,
) -> None:
    script = message(twilio)
    run = save_reconciliation()
    lists = reconcile(run)
    script.deleted = True
    assert sum(len(found.missing) for found in lists) == 0


def test_a_reconciled_item_counts_in_neither_the_percentiles_nor_the_early_404s(
    twilio: Simulator,
) -> None:
    message(twilio, faults=[faults.Status(404)])
    command()
    item = MediaItem.objects.get()
    assert attempt(item) == "not_ready"
    MediaItem.objects.update(next_attempt_at=BEGIN)
    assert attempt(item) == "stored"
    assert (item.queue_lag_s, item.delay_at_least_s, item.delay_at_most_s) == (None, None, None)
    found = summarize(MediaItem.objects.all())
    assert (found.media, found.stored, found.measured, found.early) == (1, 1, 0, 0)
    assert not MediaItem.objects.early_404().exists()


def test_the_export_of_a_reconciled_item_has_twilios_time_and_no_webhook_time(
    twilio: Simulator,
) -> None:
    message(twilio)
    command()
    line = media_line(MediaItem.objects.get())
    assert (line["webhook_received_at"], line["twilio_created_at"]) == (None, BEGIN.isoformat())
    assert datetime.fromisoformat(line["reconciled_at"]) > END


def test_a_dry_run_reports_what_is_missing_and_writes_nothing(twilio: Simulator) -> None:
    message(twilio)
    recording(twilio)
    assert "2 missing and not recorded (dry run)" in command("--dry-run")
    assert not WebhookEvent.objects.exists()
    assert not Reconciliation.objects.exists()


def test_every_page_is_read(twilio: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediapipe.webhooks.reconciliation.twilio_lists.PAGE_SIZE", 2)
    scripts = [message(twilio, BEGIN + timedelta(seconds=n)) for n in range(5)]
    scripts += [recording(twilio, BEGIN + timedelta(seconds=n)) for n in range(3)]
    command()
    assert {item.media_sid for item in MediaItem.objects.all()} == {one.sid for one in scripts}


def test_a_list_whose_pages_form_a_loop_is_reported_as_an_error(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediapipe.webhooks.reconciliation.twilio_lists.PAGE_SIZE", 1)
    message(twilio)
    message(twilio)
    paginate = lists._paginate

    def first_page(path: str, params: dict[str, str], *more: Any) -> Any:
        return paginate(path, params | {"Page": "0"}, *more)

    monkeypatch.setattr(lists, "_paginate", first_page)
    with pytest.raises(CommandError, match="form a loop"):
        command()


def test_a_start_time_with_a_utc_offset_is_converted_to_utc(twilio: Simulator) -> None:
    message(twilio, BEGIN)
    there = BEGIN.astimezone(UTC) + timedelta(hours=5)
    command("--since", there.replace(tzinfo=None).isoformat() + "+05:00")
    assert MediaItem.objects.get().received_at == BEGIN


def test_everything_is_stored_once_after_an_outage_of_two_hours(twilio: Simulator) -> None:
    scripts = simulate_outage(twilio)
    assert "350 checked, 290 missing and now recorded" in command()
    assert "350 checked, none missing" in command()
    for item in MediaItem.objects.unfinished():
        assert attempt(item) == "stored"
    items = list(MediaItem.objects.select_related("event"))
    assert sorted(item.media_sid for item in items) == sorted(script.sid for script in scripts)
    assert {item.status for item in items} == {Status.STORED}
    by_sid = {script.sid: script for script in scripts}
    assert all(item.sha256 == by_sid[item.media_sid].sha256 for item in items)
    found = [item for item in items if item.reconciled_at]
    assert all(item.received_at == by_sid[item.media_sid].created_at for item in found)
    measured = summarize(MediaItem.objects.all())
    assert (len(found), measured.media, measured.measured) == (290, 350, 60)
    assert measured.at_most is not None
    assert max(measured.at_most) < 600


def simulate_outage(twilio: Simulator) -> list[MediaScript]:
    """Simulate 300 messages and 50 recordings in two hours, of which 60 webhooks got through."""
    step = (END - BEGIN) / 350
    moments = [(BEGIN + step * number).replace(microsecond=0) for number in range(350)]
    webhooks = [
        payloads.recording_status(account_sid=make.ACCOUNT, created_at=at, size=2000)
        if number % 7 == 0
        else payloads.mms(account_sid=make.ACCOUNT, created_at=at, size=2000)
        for number, at in enumerate(moments)
    ]
    for webhook in webhooks:
        twilio.state.register(webhook.media[0])
    for webhook in webhooks[:60]:
        assert send(webhook.at(twilio.api_origin)).status_code == 200
    return [webhook.media[0] for webhook in webhooks]
