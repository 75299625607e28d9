"""A task that records when it ran, in the service's own Celery app, to measure broker and worker.

`python -m tests.benchmarks.arrivals QUEUE FILE COUNT FIRST_S SPREAD_S` publishes it COUNT times,
due between FIRST_S and FIRST_S + SPREAD_S from now, and prints the seconds that publishing took.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import django

django.setup()

from mediapipe.celery import app  # noqa: E402  (its settings need Django)
from mediapipe.queueing.countdown import countdown_s  # noqa: E402


@app.task(ignore_result=True, name="tests.benchmarks.arrivals.arrive")
def arrive(path: str, due: float) -> None:
    """Record when it was due and when it ran, as Unix timestamps."""
    with Path(path).open("a") as file:
        file.write(f"{due} {time.time()}\n")


def publish(queue: str, path: str, count: int, first_s: float, spread_s: float) -> float:
    """Publish the tasks one by one; return how many seconds that took."""
    # The first message opens the connection and declares the queue.
    arrive.apply_async((path, time.time()), queue=queue)
    began = time.perf_counter()
    for number in range(count):
        delay_s = first_s + spread_s * number / count
        due = time.time() + delay_s
        countdown = countdown_s(delay_s) if first_s else 0.0
        arrive.apply_async((path, due), queue=queue, countdown=countdown)
    return time.perf_counter() - began


if __name__ == "__main__":
    queue, path, count, first_s, spread_s = sys.argv[1:]
    print(publish(queue, path, int(count), float(first_s), float(spread_s)))  # noqa: T201
