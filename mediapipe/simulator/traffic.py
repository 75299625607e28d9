"""The mixture of webhooks that the demo, the tests and the benchmarks send."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.script import MediaOptions

PICTURES = ("image/jpeg", "image/png", "image/gif")
WORKERS = 32

# Share in percent, and how a webhook of that kind is made.
_KINDS: list[tuple[int, Callable[..., Webhook]]] = [
    (30, partial(payloads.mms, 1)),
    (10, partial(payloads.mms, 3, PICTURES)),
    (5, partial(payloads.mms, 1, ["video/mp4"])),
    (15, payloads.whatsapp),
    (10, payloads.whatsapp_voice_note),
    (5, payloads.whatsapp_document),
    (15, payloads.recording_status),
    (5, payloads.record_verb_status),
    (5, payloads.conference_recording),
]


def delay_s(generator: random.Random) -> float:
    """Return how late media is: 70 % not at all, 25 % up to 5 s, 5 % between 5 and 60 s."""
    share = generator.random()
    if share < 0.70:
        return 0.0
    return generator.uniform(0.0, 5.0) if share < 0.95 else generator.uniform(5.0, 60.0)


def webhooks(count: int, *, seed: int) -> Iterator[Webhook]:
    """Yield `count` webhooks with media; the seed fixes kinds, sizes and delays, never SIDs.

    All media of one webhook are late by the same time.
    """
    generator = random.Random(seed)
    shares = [share for share, _ in _KINDS]
    makers = [maker for _, maker in _KINDS]
    for maker in generator.choices(makers, shares, k=count):
        options: MediaOptions = {
            "size": generator.randrange(5_000, 200_000),
            "delay_s": delay_s(generator),
        }
        yield maker(**options)


def stream(
    send: Callable[[Webhook], int],
    count: int,
    *,
    rate: float,
    seed: int,
    stop: threading.Event | None = None,
) -> Counter[int]:
    """Send `count` webhooks, `rate` a second, and return how often each status was answered.

    The clock decides when the next one goes out, not the last answer, as with the real Twilio:
    a slow service gets no relief. A set `stop` ends the stream early.
    """
    stop = stop or threading.Event()
    begun_s = time.monotonic()
    sent = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for index, webhook in enumerate(webhooks(count, seed=seed)):
            if stop.wait(max(0.0, begun_s + index / rate - time.monotonic())):
                break
            sent.append(pool.submit(send, webhook))
    return Counter(future.result() for future in sent)
