"""Every list of events offers the same periods, and finds their rows by an index."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mediapipe.models import Deletion, HandOff, Incident, Notice
from mediapipe.models.incident_steps import IncidentStep
from mediapipe.timing.period import PERIODS
from tests.support import make
from tests.support.admin import listed, page

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MODELS = [
    "mediaitem",
    "webhookevent",
    "handoff",
    "gatewaydelivery",
    "deletion",
    "incident",
    "notice",
    "rejection",
    "reconciliation",
]


@pytest.fixture
def history() -> None:
    """Create one row of each list an hour ago and one two days ago."""
    for age in (timedelta(hours=1), timedelta(days=2)):
        at = timezone.now() - age
        item = make.media(at=at)
        HandOff.objects.create(media=item, receiver="webhook", ending="media.stored")
        Deletion.objects.create(media=item)
        incident = Incident.objects.create(
            cause="storage", opened_at=at, last_seen_at=at, resolved_at=at
        )
        step = IncidentStep.objects.create(incident=incident, kind="opened", at=at)
        Notice.objects.create(incident=incident, step=step, channel="email")


@pytest.mark.parametrize("model", MODELS)
def test_every_list_offers_the_same_periods_and_dates(admin_client: Client, model: str) -> None:
    html = page(admin_client, f"mediapipe_{model}_changelist")
    assert re.findall(r'href="\?period=(\w+)"', html) == list(PERIODS)
    assert html.count('type="datetime-local"') == 2


@pytest.mark.parametrize("model", ["handoff", "deletion", "incident", "notice"])
def test_a_list_shows_the_rows_of_a_period(admin_client: Client, history: None, model: str) -> None:
    since = (timezone.now() - timedelta(days=3)).isoformat()
    until = (timezone.now() - timedelta(days=1)).isoformat()
    recent, earlier = (
        listed(admin_client, model, **query)
        for query in ({"period": "24h"}, {"since": since, "until": until})
    )
    assert (len(recent), len(earlier)) == (1, 1)
    assert listed(admin_client, model) == recent | earlier


@pytest.mark.parametrize("model", ["handoff", "deletion"])
def test_rows_of_a_period_are_found_and_sorted_by_the_receipt_time_of_their_items(
    admin_client: Client, history: None, model: str
) -> None:
    with CaptureQueriesContext(connection) as captured:
        listed(admin_client, model, period="24h")
    queries = [query["sql"] for query in captured if "ORDER BY" in query["sql"]]
    (rows,) = (sql for sql in queries if f'FROM "mediapipe_{model}"' in sql)
    received = '"mediapipe_mediaitem"."received_at"'
    assert f"{received} >= " in rows
    assert f"ORDER BY {received} DESC" in rows


def test_the_newest_hand_off_is_first_without_a_period(admin_client: Client, history: None) -> None:
    html = page(admin_client, "mediapipe_handoff_changelist")
    ids = re.findall(r"/admin/mediapipe/handoff/(\d+)/change/", html)
    assert ids == sorted(ids, key=int, reverse=True)
