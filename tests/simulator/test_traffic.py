import random
import threading
import time
from collections import Counter

from mediapipe.simulator import traffic
from mediapipe.simulator.payloads import Webhook


def test_the_delays_have_the_documented_distribution() -> None:
    generator = random.Random(1)
    delays = [traffic.delay_s(generator) for _ in range(20_000)]
    none = sum(delay == 0 for delay in delays)
    short = sum(0 < delay <= 5 for delay in delays)
    assert abs(none / 20_000 - 0.70) < 0.01
    assert abs(short / 20_000 - 0.25) < 0.01
    assert 55 < max(delays) <= 60


def test_the_seed_determines_kinds_sizes_and_delays_and_not_the_sids() -> None:
    first, second = (list(traffic.webhooks(50, seed=7)) for _ in range(2))

    def shape(webhooks: list[Webhook]) -> list[list[tuple[str, int, float]]]:
        return [[(m.content_type, m.size, m.delay_s) for m in w.media] for w in webhooks]

    assert shape(first) == shape(second)
    assert shape(first) != shape(list(traffic.webhooks(50, seed=8)))
    assert first[0].media[0].sid != second[0].media[0].sid


def test_the_mix_has_messages_and_recordings() -> None:
    sources = Counter(webhook.source for webhook in traffic.webhooks(500, seed=1))
    assert sources["messaging"] > sources["recording"] > 50


def test_a_stream_sends_at_its_rate_and_counts_the_statuses() -> None:
    started_s = time.monotonic()
    statuses = traffic.stream(lambda webhook: 200, 20, rate=100, seed=1)
    assert statuses == {200: 20}
    assert 0.19 <= time.monotonic() - started_s < 15


def test_a_slow_service_does_not_slow_the_stream() -> None:
    started = threading.Barrier(10, timeout=60)

    def send(webhook: Webhook) -> int:
        started.wait()
        return 200

    assert traffic.stream(send, 10, rate=1000, seed=1) == {200: 10}


def test_a_stream_can_be_stopped() -> None:
    stop = threading.Event()

    def send(webhook: Webhook) -> int:
        stop.set()
        return 200

    assert traffic.stream(send, 10, rate=0.1, seed=1, pause=stop.wait) == {200: 1}
