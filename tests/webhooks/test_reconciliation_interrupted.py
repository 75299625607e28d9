"""A reconciliation that is interrupted, slowed down or refused."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from mediapipe.failures import AddressRefused, Unauthorized
from mediapipe.models import MediaItem, Reconciliation, WebhookEvent
from mediapipe.simulator import Simulator, faults
from mediapipe.simulator.script import new_sid
from mediapipe.webhooks.reconciliation.comparison import reconcile, time_slices
from tests.support import make
from tests.support.reconciliation import (
    BEGIN,
    END,
    command,
    message,
    requested_lists,
    save_reconciliation,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.database,
    pytest.mark.usefixtures("published", "skipped_waits"),
]


def test_an_interrupted_run_resumes_where_it_stopped(twilio: Simulator) -> None:
    early, late = message(twilio, BEGIN), message(twilio, END - timedelta(seconds=1))
    run = save_reconciliation()
    assert len(time_slices(run)) == 8
    next(reconcile(run))
    assert MediaItem.objects.get().media_sid == early.sid
    requests_before = len(requested_lists(twilio))
    output = command()
    assert f"resuming at {(BEGIN + timedelta(minutes=15)).isoformat()}" in output
    assert "2 missing" in output
    assert len(requested_lists(twilio)) - requests_before == 2 * 7
    assert set(MediaItem.objects.values_list("media_sid", flat=True)) == {early.sid, late.sid}
    run.refresh_from_db()
    assert (run.looked_at, run.taken_in, run.finished_at is None) == (2, 2, False)


def test_a_resumed_run_extends_to_the_present_without_an_until_option(twilio: Simulator) -> None:
    run = save_reconciliation(until=BEGIN + timedelta(minutes=30))
    late = message(twilio, END - timedelta(seconds=1))
    call_command("reconcile", "--since", BEGIN.isoformat(), stdout=StringIO())
    run.refresh_from_db()
    assert run.until > END
    assert MediaItem.objects.get().media_sid == late.sid


def test_a_finished_run_is_not_resumed(twilio: Simulator) -> None:
    command()
    message(twilio)
    assert "resuming" not in (output := command())
    assert "1 missing" in output


def test_a_rate_limited_run_waits_as_long_as_retry_after_asks(
    twilio: Simulator, skipped_waits: list[float]
) -> None:
    message(twilio)
    twilio.state.list_faults = [faults.Status(429, retry_after="7"), faults.Status(503)]
    command()
    assert skipped_waits[0] == 7.0
    assert skipped_waits[1] == pytest.approx(2.0, rel=0.16)
    assert WebhookEvent.objects.count() == 1


def test_a_persistent_rate_limit_stops_the_run_so_that_it_can_be_resumed(
    twilio: Simulator, skipped_waits: list[float]
) -> None:
    twilio.state.list_faults = [faults.Status(429)] * 8
    with pytest.raises(CommandError, match=r"429.*\n.*Run the same command again"):
        command()
    run = Reconciliation.objects.get()
    assert (run.done_until, run.finished_at, run.error) == (BEGIN, None, "rate_limited")
    assert sum(skipped_waits) > 60
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
def test_a_page_that_fails_to_load_is_requested_again(
    twilio: Simulator, fault: faults.Fault
) -> None:
    message(twilio)
    twilio.state.list_faults = [fault]
    command()
    assert WebhookEvent.objects.count() == 1


def test_refused_credentials_are_reported_and_the_next_account_is_still_compared(
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


def test_an_account_that_is_not_configured_is_refused(twilio: Simulator) -> None:
    with pytest.raises(CommandError, match="is not an account with credentials"):
        command("--account", new_sid("AC"))


def test_a_period_that_ends_before_it_begins_is_an_error() -> None:
    with pytest.raises(CommandError, match="swap them"):
        command("--since", END.isoformat(), "--until", BEGIN.isoformat())


def test_credentials_are_sent_only_to_the_configured_api_hosts(
    twilio: Simulator, settings: Settings
) -> None:
    settings.TWILIO_API_HOSTS = []
    with pytest.raises(AddressRefused):
        list(reconcile(save_reconciliation()))
    assert twilio.log.all() == []
