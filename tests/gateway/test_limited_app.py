"""An app that limits sizes and rates, as OpenClaw does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from mediapipe.models import GatewayDelivery
from mediapipe.simulator import payloads
from tasks.gateway import dispatch_deliveries
from tests.support import make
from tests.support.apps import ReceivedRequest, Reply, app
from tests.support.gateway import Published, configure
from tests.support.webhooks import send

pytestmark = pytest.mark.django_db

MAX_BODY_BYTES = 32 * 1024
# A tenth of OpenClaw's limits.
A_MINUTE, A_MINUTE_OF_A_SENDER = 30, 3
# The hold is longer than the app refuses anything; within it messages stay in order.
OPTIONS = {"pace": "0.2/s", "hold": "10m"}
FREQUENT_SENDER = "+15550006000"
STEP = timedelta(seconds=5)


class Limits:
    """The app's limits; the first request after a minute restarts the counts."""

    def __init__(self, *, sends_retry_after: bool) -> None:
        self.sends_retry_after = sends_retry_after
        self.taken: list[str] = []
        self.refused = 0
        self._began = datetime.min.replace(tzinfo=timezone.now().tzinfo)
        self._counts: Counter[str] = Counter()

    def answer(self, got: ReceivedRequest) -> Reply:
        form = dict(parse_qsl(got.body.decode(), keep_blank_values=True))
        if len(got.body) > MAX_BODY_BYTES:
            return Reply(413, b"")
        left = self._began + timedelta(minutes=1) - timezone.now()
        if left <= timedelta(0):
            self._began, left = timezone.now(), timedelta(minutes=1)
            self._counts.clear()
        self._counts.update(["all", form["From"]])
        too_many = self._counts["all"] > A_MINUTE
        if too_many or self._counts[form["From"]] > A_MINUTE_OF_A_SENDER:
            self.refused += 1
            seconds = str(int(left.total_seconds()) + 1)
            return Reply(429, b"", (("Retry-After", seconds),) if self.sends_retry_after else ())
        self.taken.append(form["MessageSid"])
        return Reply()


def run_until(
    condition: Callable[[], bool], published: Published, clock: time_machine.Traveller
) -> None:
    """Run the dispatcher every five simulated seconds, for 15 minutes at most."""
    end = timezone.now() + timedelta(minutes=15)
    while not condition():
        assert timezone.now() < end
        published.run()
        clock.shift(STEP)
        dispatch_deliveries()


@pytest.mark.parametrize("sends_retry_after", [True, False])
def test_messages_beyond_the_apps_limits_are_neither_lost_nor_duplicated(
    settings: Settings, tmp_path: Path, delivery_tasks: Published, *, sends_retry_after: bool
) -> None:
    limits = Limits(sends_retry_after=sends_retry_after)
    senders = [f"+155500061{number:02}" for number in range(36)] + [FREQUENT_SENDER] * 6
    webhooks = [payloads.sms(account_sid=make.ACCOUNT).changed(From=each) for each in senders]
    with time_machine.travel(timezone.now(), tick=False) as clock, app(limits.answer) as bot:
        configure(settings, tmp_path, {"url": bot.url, "answer": "empty", **OPTIONS})
        for webhook in webhooks:
            send(webhook)
        waiting = GatewayDelivery.objects.exclude(status="delivered")
        run_until(lambda: not waiting.exists(), delivery_tasks, clock)
    sids = [webhook["MessageSid"] for webhook in webhooks]
    assert Counter(limits.taken) == Counter(sids)
    assert limits.refused
    from_frequent_sender = {
        each["MessageSid"] for each in webhooks if each["From"] == FREQUENT_SENDER
    }
    assert [sid for sid in limits.taken if sid in from_frequent_sender] == sids[-6:]


def test_the_largest_possible_message_fits_the_apps_size_limit(
    settings: Settings, tmp_path: Path, delivery_tasks: Published
) -> None:
    """Ten pictures, and a text of 1600 characters, each of which takes twelve bytes in the form."""
    largest = payloads.mms(10, account_sid=make.ACCOUNT).changed(Body="🙂" * 1600)
    with app(Limits(sends_retry_after=True).answer) as bot:
        configure(settings, tmp_path, {"url": bot.url, "answer": "empty", "media": "leave"})
        send(largest)
        assert delivery_tasks.run() == ["delivered"]
