"""Properties that every webhook must have, checked on 20 000 generated ones.

The seeds are fixed, so no run fails by chance. `FUZZ_TIMES=10 make test-all ARGS="-k fuzz"` tries
ten times as many, different ones in each run.
"""

from __future__ import annotations

import logging
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import pytest
from django.db import connection, transaction
from hypothesis import given
from pytest_django import Settings
from urllib3.util import parse_url

from mediapipe.fetching.http.addresses import is_allowed
from mediapipe.models import MediaItem, Rejection, WebhookEvent
from mediapipe.providers.twilio.media import may_redirect_to
from tests.support import fuzzing, hostile_urls
from tests.support.bad_input import outgoing
from tests.support.bad_input.outgoing import Outgoing
from tests.support.bad_input.requests import send
from tests.support.fuzzing import Webhook

pytestmark = [pytest.mark.django_db, pytest.mark.database, pytest.mark.slow]

TIMES = int(os.environ.get("FUZZ_TIMES", "0"))
ACCOUNTS = Path(__file__).parent.parent / "support" / "bad_input" / "accounts.json"
ANY, ACCEPTABLE, ADDRESSES = 12_000, 8_000, 5_000
# Examples per test. Two processes can share the tests, and in a longer search each example
# costs more.
SHARD = 2_000
TWILIO = re.compile(r"(.+\.)?(twilio|twiliocdn|amazonaws)\.com")
POSSIBLE_STATUSES = {200, 400, 403, 404, 405, 413}


def scaled(count: int) -> int:
    """Return the number of examples: all of them on SQLite, a tenth on PostgreSQL."""
    return count * max(TIMES, 1) // (1 if connection.vendor == "sqlite" else 10)


def examples(count: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=scaled(count),
        derandomize=not TIMES,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


def shard(number: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that runs one shard; its examples are fixed unless FUZZ_TIMES is set."""
    seed = hypothesis.seed(random.getrandbits(64) if TIMES else number)
    return lambda test: seed(examples(SHARD)(test))


@pytest.fixture
def accounts(settings: Settings, published: list[int], caplog: pytest.LogCaptureFixture) -> None:
    """Configure three accounts, one of them without a token; do not log 20 000 refusals."""
    caplog.set_level(logging.CRITICAL)
    settings.TWILIO_ACCOUNT_SID = settings.TWILIO_AUTH_TOKEN = ""
    settings.TWILIO_ACCOUNTS_FILE = str(ACCOUNTS)


@contextmanager
def isolated_request() -> Iterator[Outgoing]:
    """Record look-ups and connections of one request, and roll back what it wrote."""
    with outgoing.recorded() as recorded, transaction.atomic():
        yield recorded
        transaction.set_rollback(True)


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize("number", range(ANY // SHARD))
def test_no_request_causes_a_5xx_or_an_outgoing_connection(
    published: list[int], number: int
) -> None:
    answers: Counter[int] = Counter()

    @shard(number)
    @given(fuzzing.webhooks())
    def any_request(webhook: Webhook) -> None:
        with isolated_request() as traffic:
            status = send(webhook.request).status_code
            answers[status] += 1
            assert status in POSSIBLE_STATUSES
            assert webhook.genuine or status != 200
            assert WebhookEvent.objects.count() == (status == 200)
            counted = Rejection.objects.exists()
            assert counted <= (status in {400, 403, 413})
            assert counted or status != 403
            assert set(published) == set(MediaItem.objects.queued().values_list("pk", flat=True))
            assert traffic == Outgoing()
        published.clear()

    any_request()
    assert answers.total() >= scaled(SHARD)
    # Otherwise all requests might fail for the same uninteresting reason.
    statuses = [200, 400, 403]
    if connection.vendor == "sqlite":
        # A 405 is too rare among the tenth that PostgreSQL gets.
        statuses.append(405)
    assert min(answers[status] for status in statuses) >= scaled(SHARD) / 100


@pytest.mark.usefixtures("accounts")
@pytest.mark.parametrize("number", range(ACCEPTABLE // SHARD))
def test_every_webhook_signed_by_twilio_is_recorded_completely(number: int) -> None:
    taken = Counter[bool]()

    @shard(number)
    @given(fuzzing.acceptable())
    def acceptable_request(webhook: Webhook) -> None:
        with isolated_request() as traffic:
            assert send(webhook.request).status_code == 200
            event = WebhookEvent.objects.get()
            assert sorted(map(tuple, event.parameters)) == sorted(storable(webhook))
            queued = event.media.queued().values_list("identity", flat=True)
            assert set(queued) == webhook.media
            refused = event.media.exclude(identity__in=webhook.media)
            assert set(refused.values_list("status", flat=True)) <= {"failed", "absent"}
            assert traffic == Outgoing()
            taken[bool(webhook.media)] += 1

    acceptable_request()
    assert taken.total() >= scaled(SHARD)
    assert min(taken[True], taken[False]) >= scaled(SHARD) / 100


def storable(webhook: Webhook) -> list[tuple[str, str]]:
    """Return the parameters with each NUL, which PostgreSQL rejects, replaced by its symbol."""
    return [
        (name.replace("\0", "\u2400"), text.replace("\0", "\u2400")) for name, text in webhook.pairs
    ]


@examples(ADDRESSES)
@given(hostile_urls.FORBIDDEN)
def test_no_address_in_a_forbidden_network_is_allowed(address: object) -> None:
    assert not is_allowed(str(address))


@examples(ADDRESSES)
@given(hostile_urls.HOSTILE_URLS)
def test_url_parsers_agree_that_every_allowed_redirect_leads_to_twilio(url: str) -> None:
    if may_redirect_to(url):
        hosts = {urlsplit(url).hostname, parse_url(url).host}
        assert [TWILIO.fullmatch(host or "") for host in hosts] != [None]
        assert len(hosts) == 1
