"""Reconciliation at intervals: what it compares, and what it leaves alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from mediapipe.failures import RateLimited
from mediapipe.models import MediaItem, Reconciliation
from mediapipe.simulator import Simulator, faults
from tasks import reconcile as task
from tests.support import make
from tests.support.reconciliation import BEGIN, message

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.database,
    pytest.mark.usefixtures("published", "skipped_waits"),
]


def test_a_scheduled_run_skips_media_whose_webhook_may_still_arrive(
    twilio: Simulator, settings: Settings
) -> None:
    settings.RECONCILE_WINDOW_S = 3600.0
    message(twilio, timezone.now())
    old = message(twilio, timezone.now() - timedelta(minutes=30))
    assert task.reconcile() == 1
    assert MediaItem.objects.get().media_sid == old.sid
    assert Reconciliation.objects.get().scheduled


def test_a_scheduled_run_starts_where_the_previous_one_ended(
    twilio: Simulator, settings: Settings
) -> None:
    settings.RECONCILE_WINDOW_S = 3600.0
    last = Reconciliation.build(make.ACCOUNT, BEGIN, BEGIN, scheduled=True)
    last.finished_at = timezone.now()
    last.save()
    message(twilio, BEGIN + timedelta(minutes=1))
    assert task.reconcile() == 1


def test_a_scheduled_run_resumes_an_open_run_only_after_it_has_been_idle(twilio: Simulator) -> None:
    message(twilio, timezone.now() - timedelta(minutes=30))
    open_run = Reconciliation.build(make.ACCOUNT, BEGIN, timezone.now(), scheduled=True)
    open_run.save()
    assert task.reconcile() == 0
    Reconciliation.objects.update(touched_at=timezone.now() - timedelta(minutes=11))
    assert task.reconcile() == 1
    assert Reconciliation.objects.count() == 1


def test_a_scheduled_run_records_the_error_that_stopped_it(twilio: Simulator) -> None:
    twilio.state.list_faults = [faults.Status(429)] * 8
    assert task.reconcile() == 0
    assert Reconciliation.objects.get().error == RateLimited.slug
