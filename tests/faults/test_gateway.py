"""Whatever dies or goes away between Twilio and an app, the app gets each message once."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from signal import SIGCONT, SIGSTOP

import pytest

from mediapipe.simulator.webhooks import NO_ANSWER
from tests.faults import failpoints, gateway
from tests.faults.gateway import BOT, DESK, PACE, ROUND, Gateway, forwarded_requests, sms
from tests.faults.processes import is_stopped
from tests.support.apps import TWIML, ReceivedRequest, Reply
from tests.support.waiting import eventually

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("faults of the gateway")]

EMPTY = b"<Response/>"
AWAY_S = 8.0

# The app that answers Twilio gets its message from web, the other one from a worker.
each_way = pytest.mark.parametrize(
    ("to", "answer", "program"), [(BOT, TWIML.encode(), "web"), (DESK, EMPTY, "worker")]
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway.running(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def behind(service: Gateway) -> Iterator[Gateway]:
    yield service
    service.restore()


def lose_the_database(behind: Gateway) -> Callable[[ReceivedRequest], Reply]:
    def answer(got: ReceivedRequest) -> Reply:
        behind.world.database.switch("reset")
        return Reply()

    return answer


def test_a_delivery_is_unknown_and_not_repeated_if_web_is_killed_during_it(behind: Gateway) -> None:
    behind.bot.answer = lambda got: Reply(wait=lambda: behind.world.signal_children("web"))
    webhook = sms(BOT)
    assert behind.world.twilio.send(webhook) == NO_ANSWER
    behind.bot.answer = lambda got: Reply()
    # Twilio then uses the number's fallback URL, which is the app's own.
    assert behind.world.twilio.send(webhook, to=behind.bot.url) == 200
    unknown = behind.wait_for(webhook, status="unknown")
    assert "died while the app had the request" in unknown["detail"]
    assert len(forwarded_requests(behind.bot, webhook)) == 1


@pytest.mark.parametrize(
    ("failpoint", "status", "got"),
    [
        (failpoints.TAKEN_BUT_NOT_CLAIMED, "delivered", 1),
        (failpoints.CLAIMED_BUT_NOT_SENT, "unknown", 0),
        (failpoints.SENT_BUT_NOT_RECORDED, "unknown", 1),
    ],
)
def test_a_message_is_sent_at_most_once_if_the_worker_is_killed_around_the_request(
    behind: Gateway, failpoint: str, status: str, got: int
) -> None:
    armed = behind.world.arm(failpoint)
    webhook = sms(DESK)
    assert behind.post(webhook) == EMPTY
    behind.wait_for(webhook, status=status)
    assert not armed.exists()
    assert len(forwarded_requests(behind.desk, webhook)) == got


def test_a_repeat_at_another_web_server_gets_the_response_to_the_first_request(
    behind: Gateway,
) -> None:
    go_on, webhook = threading.Event(), sms(BOT)
    behind.bot.answer = lambda got: Reply(wait=go_on.wait)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(behind.post, webhook, 0)
        behind.wait_for(webhook, status="sending")
        repeat = threads.submit(behind.post, webhook, 1)
        behind.wait_for(webhook, repeats=1)
        go_on.set()
        assert first.result() == repeat.result() == TWIML.encode()
    assert len(forwarded_requests(behind.bot, webhook)) == 1


def test_primary_and_fallback_requests_at_two_web_servers_share_one_delivery(
    behind: Gateway,
) -> None:
    behind.bot.answer = lambda got: Reply(wait=lambda: time.sleep(0.5))
    webhooks = [sms(BOT, From=f"+1555000{number:04}") for number in range(8)]
    with ThreadPoolExecutor(16) as threads:
        answers = [
            threads.submit(behind.post, each, host)
            for webhook in webhooks
            for host, each in enumerate([webhook, webhook.changed(ErrorCode="11200")])
        ]
        assert {answer.result() for answer in answers} == {TWIML.encode()}
    assert [len(forwarded_requests(behind.bot, webhook)) for webhook in webhooks] == [1] * 8


@each_way
def test_a_message_is_delivered_once_if_the_database_is_down_from_claim_to_response(
    behind: Gateway, to: str, answer: bytes, program: str
) -> None:
    world, webhook = behind.world, sms(to)
    world.arm(failpoints.CLAIMED_BUT_NOT_NOTED, SIGSTOP)
    with ThreadPoolExecutor(1) as thread:
        response = thread.submit(behind.post, webhook)
        # Web is stopped in one of its children. A signal to continue must not come before that.
        eventually(lambda: is_stopped(world.supervisor.running[program]))
        world.database.switch("reset")
        world.signal(program, SIGCONT)
        world.signal_children(program, SIGCONT)
        assert response.result() == answer
    eventually(
        lambda: forwarded_requests(behind.bot, webhook) + forwarded_requests(behind.desk, webhook)
    )
    world.database.switch("pass")
    behind.wait_for(webhook, status="delivered", attempts=1)


@each_way
def test_a_response_is_recorded_later_if_the_database_fails_during_the_delivery(
    behind: Gateway, to: str, answer: bytes, program: str
) -> None:
    behind.bot.answer = behind.desk.answer = lose_the_database(behind)
    webhook, waits = sms(to), "the response of an app could not be recorded yet"
    before = behind.world.times_logged(program, waits)
    assert behind.post(webhook) == answer
    behind.world.wait_until_logged(program, waits, more_than=before)
    behind.world.database.switch("pass")
    behind.wait_for(webhook, status="delivered")
    assert (
        len(forwarded_requests(behind.bot, webhook) + forwarded_requests(behind.desk, webhook)) == 1
    )


def test_a_delivery_is_unknown_if_the_database_outage_outlasts_the_kept_response(
    behind: Gateway,
) -> None:
    behind.bot.answer = lose_the_database(behind)
    webhook, lost = sms(BOT), "the outcome of a request to an app could not be recorded"
    before = behind.world.times_logged("web", lost)
    assert behind.post(webhook) == TWIML.encode()
    behind.world.wait_until_logged("web", lost, more_than=before)
    behind.world.database.switch("pass")
    behind.wait_for(webhook, status="unknown")
    assert len(forwarded_requests(behind.bot, webhook)) == 1


def test_a_message_is_delivered_once_if_the_database_is_down_when_it_arrives(
    behind: Gateway,
) -> None:
    webhook = sms(BOT)
    behind.world.database.switch("refuse")
    assert behind.post(webhook) == TWIML.encode()
    behind.world.database.switch("pass")
    replayed = behind.wait_for(webhook, status="delivered")
    assert replayed["detail"] == "Sent while the database was down."
    assert len(forwarded_requests(behind.bot, webhook)) == 1


def test_a_loop_between_two_web_servers_ends_at_the_second(behind: Gateway) -> None:
    webhook = sms(ROUND)
    assert behind.post(webhook) == EMPTY
    refused = behind.wait_for(webhook, status="refused")
    assert (refused["detail"], refused["repeats"]) == ("The app responded with 508.", 0)


def test_a_backlog_is_delivered_in_order_and_at_the_pace_of_the_app(behind: Gateway) -> None:
    """After their return the app gets the backlog at its pace, in order for each sender."""
    arrived: list[tuple[float, ReceivedRequest]] = []

    def note(got: ReceivedRequest) -> Reply:
        arrived.append((time.monotonic(), got))
        return Reply()

    behind.desk.answer = note
    senders = [f"+1555001{number:04}" for number in range(4)]
    webhooks = [sms(DESK, From=sender) for _ in range(4) for sender in senders]
    with behind.world.without("worker"):
        for webhook in webhooks:
            assert behind.post(webhook) == EMPTY
        time.sleep(AWAY_S)
    for webhook in webhooks:
        behind.wait_for(webhook, status="delivered")
    assert len(arrived) == len(webhooks)
    took_s = arrived[-1][0] - arrived[0][0]
    # Not twice as fast as the pace, even if the first one was held up on a busy machine.
    assert took_s >= len(webhooks) / PACE / 2, f"{len(webhooks)} messages in {took_s:.1f} s"
    order = defaultdict(list)
    for _, got in arrived:
        webhook = next(each for each in webhooks if each["MessageSid"].encode() in got.body)
        order[webhook["From"]].append(webhook)
    assert order == {sender: [w for w in webhooks if w["From"] == sender] for sender in senders}
