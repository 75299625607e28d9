import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from mediapipe.simulator import payloads
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.script import MediaOptions

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif")
WORKERS = 32

# The mix of webhooks: the share in percent, and the factory.
_KINDS: list[tuple[int, Callable[..., Webhook]]] = [
    (30, partial(payloads.mms, 1)),
    (10, partial(payloads.mms, 3, IMAGE_TYPES)),
    (5, partial(payloads.mms, 1, ["video/mp4"])),
    (15, payloads.whatsapp),
    (10, payloads.whatsapp_voice_note),
    (5, payloads.whatsapp_document),
    (15, payloads.recording_status),
    (5, payloads.record_verb_status),
    (5, payloads.conference_recording),
]


def delay_s(rng: random.Random) -> float:
    """Return a delay in seconds: 70% none, 25% up to 5 s, 5% between 5 and 60 s."""
    share = rng.random()
    if share < 0.70:
        return 0.0
    return rng.uniform(0.0, 5.0) if share < 0.95 else rng.uniform(5.0, 60.0)


def webhooks(count: int, *, seed: int) -> Iterator[Webhook]:
    """Yield `count` webhooks with media; the seed fixes kinds, sizes and delays, never SIDs.

    All media of one webhook have the same delay.
    """
    rng = random.Random(seed)
    shares = [share for share, _ in _KINDS]
    makers = [maker for _, maker in _KINDS]
    for maker in rng.choices(makers, shares, k=count):
        options: MediaOptions = {
            "size": rng.randrange(5_000, 200_000),
            "delay_s": delay_s(rng),
        }
        yield maker(**options)


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def stream(
    send: Callable[[Webhook], int],
    count: int,
    *,
    rate: float,
    seed: int,
    pause: Callable[[float], bool] = _sleep,
) -> Counter[int]:
    """Send `count` webhooks at `rate` per second, and count the statuses of the responses.

    Open loop, as with the real Twilio: a slow service does not slow the sender down.
    `pause` sleeps for the given seconds; if it returns true, the stream ends early.
    """
    started_s = time.monotonic()
    sent = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for index, webhook in enumerate(webhooks(count, seed=seed)):
            if pause(max(0.0, started_s + index / rate - time.monotonic())):
                break
            sent.append(pool.submit(send, webhook))
    return Counter(future.result() for future in sent)
