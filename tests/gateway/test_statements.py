"""A webhook that matches no entry costs the database as much as without a gateway."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from mediapipe.models import GatewayDelivery
from mediapipe.queueing import limits
from mediapipe.simulator import payloads
from tests.support import make
from tests.support.gateway import configure
from tests.support.webhooks import send

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.usefixtures("published")]

OTHER_ACCOUNT = "AC" + "0" * 32


def statements() -> int:
    """Return how many SQL statements a picture message takes."""
    with CaptureQueriesContext(connection) as captured:
        assert send(payloads.mms(2, account_sid=make.ACCOUNT)).status_code == 200
    return len(captured)


@pytest.mark.parametrize(
    "entry",
    [{"accounts": [OTHER_ACCOUNT]}, {"to": ["+15559999999"]}, {"sources": ["conversations"]}],
    ids=["account", "to", "source"],
)
def test_an_entry_that_does_not_match_adds_no_sql_statement(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    entry: dict[str, list[str]],
) -> None:
    monkeypatch.setattr(limits, "QUOTA_CHECK_INTERVAL_S", 60.0)
    # The first message fills caches.
    statements()
    without = statements()
    configure(settings, tmp_path, entry)
    assert statements() == without
    assert not GatewayDelivery.objects.exists()
