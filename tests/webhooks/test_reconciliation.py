"""Webhooks that never came: what Twilio lists is compared, taken in once, and counted apart."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from mediapipe.failures import AddressRefused, RateLimited, Unauthorized
from mediapipe.lifecycle.export import media_line
from mediapipe.models import MediaItem, Reconciliation, RepeatedWebhook, Status, WebhookEvent
from mediapipe.simulator import Simulator, faults, lists, payloads
from mediapipe.simulator.script import MediaScript, new_sid
from mediapipe.timing.summary import summarize
from mediapipe.webhooks.reconciliation.comparison import reconcile, time_slices
from tasks import reconcile as task
from tests.support import make
from tests.support.fetching import attempt
from tests.support.webhooks import send

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("published")]

END = timezone.now().replace(microsecond=0) - timedelta(minutes=10)
BEGIN = END - timedelta(hours=2)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Wait for nothing; tell for how long it would have been."""
    waits: list[float] = []
    monkeypatch.setattr("mediapipe.webhooks.reconciliation.twilio_client.sleep", waits.append)
    return waits


def message(twilio: Simulator, at: datetime = BEGIN, **options: Any) -> MediaScript:
    usual: dict[str, Any] = {"account_sid": make.ACCOUNT, "created_at": at}
    return twilio.add_message_media(**usual | options)


def recording(twilio: Simulator, at: datetime = BEGIN, **options: Any) -> MediaScript:
    usual: dict[str, Any] = {"account_sid": make.ACCOUNT, "created_at": at}
    return twilio.add_recording(**usual | options)


def command(*more: str) -> str:
    """Reconcile the outage by hand; return what the command says."""
    out = StringIO()
    period = ["--since", BEGIN.isoformat(), "--until", END.isoformat()]
    call_command("reconcile", *period, *more, stdout=out)
    return out.getvalue()


def whole(since: datetime = BEGIN, until: datetime = END) -> Reconciliation:
    run = Reconciliation.build(make.ACCOUNT, since, until)
    run.save()
    return run


def lists_asked(twilio: Simulator) -> list[str]:
    return [entry.path for entry in twilio.log.all() if entry.path.endswith("s.json")]


def test_a_message_that_nobody_announced_is_taken_in(twilio: Simulator) -> None:
    script = message(twilio, content_type="image/png")
    assert "checked 1 messages with media and recordings, 1 were missing" in command()
    event, item = WebhookEvent.objects.get(), MediaItem.objects.get()
    assert (event.source, event.subject_sid) == ("reconciliation", script.parent_sid)
    assert (event.sender, event.recipient) == ("+15550000002", "+15550000001")
    assert (item.media_url, item.declared_content_type) == (script.url, "image/png")
    assert event.received_at == item.received_at == BEGIN


def test_a_recording_that_nobody_announced_is_taken_in(twilio: Simulator) -> None:
    script = recording(twilio)
    command()
    event, item = WebhookEvent.objects.get(), MediaItem.objects.get()
    assert (event.subject_sid, event.call_sid) == (script.sid, script.parent_sid)
    assert attempt(item) == "stored"


def test_the_sweep_hands_it_out_at_once(twilio: Simulator) -> None:
    message(twilio)
    command()
    assert [*MediaItem.objects.claim_due(10)] == [MediaItem.objects.get().pk]


def test_what_is_recorded_already_is_left_alone(twilio: Simulator) -> None:
    webhook = payloads.mms(2, account_sid=make.ACCOUNT, created_at=BEGIN).at(twilio.api_origin)
    for script in webhook.media:
        twilio.state.register(script)
    send(webhook)
    assert "checked 1 messages with media and recordings, none were missing" in command()
    assert WebhookEvent.objects.get().repeats == 0
    assert len(lists_asked(twilio)) == 16


def test_what_was_erased_here_does_not_come_back(twilio: Simulator) -> None:
    message(twilio)
    command()
    MediaItem.objects.all().delete()
    WebhookEvent.objects.update(purged_at=timezone.now())
    assert "none were missing" in command()
    assert not MediaItem.objects.exists()


def test_media_that_a_webhook_left_out_is_added(twilio: Simulator) -> None:
    webhook = payloads.mms(2, account_sid=make.ACCOUNT, created_at=BEGIN).at(twilio.api_origin)
    for script in webhook.media:
        twilio.state.register(script)
    send(webhook.without("MediaUrl1", "MediaContentType1"))
    command()
    named = MediaItem.objects.exclude(media_sid="").order_by("pk")
    assert [item.media_sid for item in named] == [script.sid for script in webhook.media]
    assert [item.reconciled_at is None for item in named] == [True, False]


def test_the_webhook_that_comes_after_all_is_the_same_event(twilio: Simulator) -> None:
    webhook = payloads.mms(1, account_sid=make.ACCOUNT, created_at=BEGIN).at(twilio.api_origin)
    twilio.state.register(webhook.media[0])
    command()
    send(webhook)
    assert WebhookEvent.objects.get().repeats == 1
    assert RepeatedWebhook.objects.get().source == "messaging"
    assert MediaItem.objects.count() == 1


def test_a_recording_that_began_before_the_outage_and_ended_in_it_is_found(
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
def test_a_message_that_is_none_of_ours_is_not_taken_in(
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
def test_a_recording_without_media_at_twilio_is_not_taken_in(
    twilio: Simulator, options: dict[str, Any]
) -> None:
    recording(twilio, **options)
    command()
    assert not WebhookEvent.objects.exists()


def test_a_message_whose_media_was_deleted_at_twilio_is_not_taken_in(twilio: Simulator) -> None:
    script = message(twilio)
    run = whole()
    lists = reconcile(run)
    script.deleted = True
    assert sum(len(found.missing) for found in lists) == 0


def test_what_was_found_is_in_no_percentile_and_is_no_early_404(twilio: Simulator) -> None:
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


def test_the_export_has_no_webhook_of_it_but_twilios_own_time(twilio: Simulator) -> None:
    message(twilio)
    command()
    line = media_line(MediaItem.objects.get())
    assert (line["webhook_received_at"], line["twilio_created_at"]) == (None, BEGIN.isoformat())
    assert datetime.fromisoformat(line["reconciled_at"]) > END


def test_a_dry_run_says_what_is_missing_and_writes_nothing(twilio: Simulator) -> None:
    message(twilio)
    recording(twilio)
    assert "2 were missing and would be recorded" in command("--dry-run")
    assert not WebhookEvent.objects.exists()
    assert not Reconciliation.objects.exists()


def test_every_page_is_read(twilio: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediapipe.webhooks.reconciliation.twilio_lists.PAGE_SIZE", 2)
    scripts = [message(twilio, BEGIN + timedelta(seconds=n)) for n in range(5)]
    scripts += [recording(twilio, BEGIN + timedelta(seconds=n)) for n in range(3)]
    command()
    assert {item.media_sid for item in MediaItem.objects.all()} == {one.sid for one in scripts}


def test_a_list_that_leads_in_a_circle_is_left(
    twilio: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediapipe.webhooks.reconciliation.twilio_lists.PAGE_SIZE", 1)
    message(twilio)
    message(twilio)
    paginate = lists._paginate

    def first_page(path: str, params: dict[str, str], *more: Any) -> Any:
        return paginate(path, params | {"Page": "0"}, *more)

    monkeypatch.setattr(lists, "_paginate", first_page)
    with pytest.raises(CommandError, match="circle"):
        command()


def test_a_run_that_was_interrupted_goes_on_where_it_was(twilio: Simulator) -> None:
    early, late = message(twilio, BEGIN), message(twilio, END - timedelta(seconds=1))
    run = whole()
    assert len(time_slices(run)) == 8
    next(reconcile(run))
    assert MediaItem.objects.get().media_sid == early.sid
    asked = len(lists_asked(twilio))
    said = command()
    assert f"resuming at {(BEGIN + timedelta(minutes=15)).isoformat()}" in said
    assert "2 were missing" in said
    assert len(lists_asked(twilio)) - asked == 2 * 7
    assert set(MediaItem.objects.values_list("media_sid", flat=True)) == {early.sid, late.sid}
    run.refresh_from_db()
    assert (run.looked_at, run.taken_in, run.finished_at is None) == (2, 2, False)


def test_a_run_that_goes_on_ends_now_unless_told_otherwise(twilio: Simulator) -> None:
    run = whole(until=BEGIN + timedelta(minutes=30))
    late = message(twilio, END - timedelta(seconds=1))
    call_command("reconcile", "--since", BEGIN.isoformat(), stdout=StringIO())
    run.refresh_from_db()
    assert run.until > END
    assert MediaItem.objects.get().media_sid == late.sid


def test_a_finished_run_is_begun_anew(twilio: Simulator) -> None:
    command()
    message(twilio)
    assert "resuming" not in (said := command())
    assert "1 were missing" in said


def test_a_rate_limit_is_waited_out_as_long_as_twilio_asks(
    twilio: Simulator, at_once: list[float]
) -> None:
    message(twilio)
    twilio.state.list_faults = [faults.Status(429, retry_after="7"), faults.Status(503)]
    command()
    assert at_once[0] == 7.0
    assert at_once[1] == pytest.approx(2.0, rel=0.16)
    assert WebhookEvent.objects.count() == 1


def test_a_rate_limit_without_end_stops_the_run_where_it_is(
    twilio: Simulator, at_once: list[float]
) -> None:
    twilio.state.list_faults = [faults.Status(429)] * 8
    with pytest.raises(CommandError, match=r"429.*\n.*Run the same command again"):
        command()
    run = Reconciliation.objects.get()
    assert (run.done_until, run.finished_at, run.error) == (BEGIN, None, "rate_limited")
    assert sum(at_once) > 60
    command()
    run.refresh_from_db()
    assert (run.done_until, run.error) == (END, "")


@pytest.mark.parametrize(
    "fault",
    [
        faults.Reset(),
        faults.RawAnswer("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{"),
        faults.RawAnswer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"),
        faults.Status(500),
    ],
    ids=["reset", "cut off", "no object", "500"],
)
def test_a_page_that_does_not_arrive_is_asked_for_again(
    twilio: Simulator, fault: faults.Fault
) -> None:
    message(twilio)
    twilio.state.list_faults = [fault]
    command()
    assert WebhookEvent.objects.count() == 1


def test_refused_credentials_are_said_and_the_next_account_is_compared(
    settings: Settings, tmp_path: Any
) -> None:
    second = new_sid("AC")
    file = tmp_path / "accounts.json"
    file.write_text(f'[{{"account_sid": "{second}", "auth_tokens": ["another"]}}]')
    with Simulator(accounts={make.ACCOUNT: "rolled", second: "another"}) as twilio:
        settings.TWILIO_API_HOSTS = [twilio.api_origin]
        settings.TWILIO_API_URL = twilio.api_origin
        settings.MEDIA_ALLOWED_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]
        settings.TWILIO_ACCOUNTS_FILE = str(file)
        script = message(twilio, account_sid=second)
        with pytest.raises(CommandError, match=f"{make.ACCOUNT}: .*{Unauthorized.meaning()[:20]}"):
            command()
    assert WebhookEvent.objects.get().account_sid == script.account_sid


def test_another_account_than_those_configured_is_an_error(twilio: Simulator) -> None:
    with pytest.raises(CommandError, match="is not an account with credentials"):
        command("--account", new_sid("AC"))


def test_a_period_that_ends_before_it_begins_is_an_error() -> None:
    with pytest.raises(CommandError, match="swap them"):
        command("--since", END.isoformat(), "--until", BEGIN.isoformat())


def test_credentials_go_to_twilio_alone(twilio: Simulator, settings: Settings) -> None:
    settings.TWILIO_API_HOSTS = []
    with pytest.raises(AddressRefused):
        list(reconcile(whole()))
    assert twilio.log.all() == []


def test_the_schedule_leaves_alone_what_may_still_be_announced(
    twilio: Simulator, settings: Settings
) -> None:
    settings.RECONCILE_WINDOW_S = 3600.0
    message(twilio, timezone.now())
    old = message(twilio, timezone.now() - timedelta(minutes=30))
    assert task.reconcile() == 1
    assert MediaItem.objects.get().media_sid == old.sid
    assert Reconciliation.objects.get().scheduled


def test_the_schedule_reaches_back_to_the_end_of_its_last_run(
    twilio: Simulator, settings: Settings
) -> None:
    settings.RECONCILE_WINDOW_S = 3600.0
    last = Reconciliation.build(make.ACCOUNT, BEGIN, BEGIN, scheduled=True)
    last.finished_at = timezone.now()
    last.save()
    message(twilio, BEGIN + timedelta(minutes=1))
    assert task.reconcile() == 1


def test_the_schedule_leaves_a_run_alone_that_somebody_works_on(twilio: Simulator) -> None:
    message(twilio, timezone.now() - timedelta(minutes=30))
    open_run = Reconciliation.build(make.ACCOUNT, BEGIN, timezone.now(), scheduled=True)
    open_run.save()
    assert task.reconcile() == 0
    Reconciliation.objects.update(touched_at=timezone.now() - timedelta(minutes=11))
    assert task.reconcile() == 1
    assert Reconciliation.objects.count() == 1


def test_the_schedule_notes_what_stopped_it(twilio: Simulator) -> None:
    twilio.state.list_faults = [faults.Status(429)] * 8
    assert task.reconcile() == 0
    assert Reconciliation.objects.get().error == RateLimited.slug


def test_times_are_those_of_utc_whatever_offset_they_were_given_in(twilio: Simulator) -> None:
    message(twilio, BEGIN)
    there = BEGIN.astimezone(UTC) + timedelta(hours=5)
    command("--since", there.replace(tzinfo=None).isoformat() + "+05:00")
    assert MediaItem.objects.get().received_at == BEGIN


def test_everything_is_stored_once_after_an_outage_of_two_hours(twilio: Simulator) -> None:
    scripts = outage(twilio)
    assert "checked 350 messages with media and recordings, 290 were missing" in command()
    assert "checked 350 messages with media and recordings, none were missing" in command()
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


def outage(twilio: Simulator) -> list[MediaScript]:
    """Have 300 messages and 50 recordings come in two hours; 60 webhooks got through."""
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
