"""The same delays through our schedule and through the alternatives: lost, excess wait, requests.

In simulated time, because the slow strategies take two days. The real code computes the delays;
the clock, Twilio and the workers are simulated.
"""

from __future__ import annotations

import argparse
import bisect
import heapq
import itertools
import math
import random
from collections import deque
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import django
from rich.console import Console

django.setup()

from mediapipe.failures import (  # noqa: E402  (needs Django's settings)
    BodyTruncated,
    ConnectionFailed,
    RateLimited,
    TwilioError,
)
from mediapipe.management.seed_history import outcomes  # noqa: E402
from tests.benchmarks import records  # noqa: E402
from tests.benchmarks.alternatives import STRATEGIES, Item, Strategy  # noqa: E402

PART = "excess_wait"
# Twilio's response time.
ANSWER_S = 0.25
# After this time Twilio considers a webhook failed.
PATIENCE_S = 15.0
ORDINARY, WORST = "an ordinary day", "Twilio's worst hours"
BAD_ANSWERS, KILLED = "an ordinary day, bad answers", "an ordinary day, workers killed"
TRACES = {
    ORDINARY: (outcomes.LATE_SHARE, outcomes.LATE_MEDIAN_S, outcomes.NEVER_SHARE),
    WORST: (
        outcomes.OUTBREAK_LATE_SHARE,
        outcomes.OUTBREAK_MEDIAN_S,
        outcomes.OUTBREAK_NEVER_SHARE,
    ),
}
# The failures that some media meet once available, and the share of those media.
BAD, BAD_SHARE = (TwilioError(), RateLimited(), BodyTruncated(), ConnectionFailed()), 0.3
KILL_EVERY_S = 60.0
console = Console()


def main(arguments: list[str] | None = None) -> None:
    """Run every strategy on every trace."""
    parser = argparse.ArgumentParser(prog=f"tests.benchmarks {PART}", description=__doc__)
    parser.add_argument("--media", type=int, default=10_000, help="per trace (10000)")
    parser.add_argument("--rate", type=float, default=2.0, help="media per second (2)")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    load_before = records.load()
    names = (ORDINARY, BAD_ANSWERS, KILLED, WORST)
    kills_s = {KILLED: [KILL_EVERY_S * number for number in range(1, options.media)]}
    runs = {
        name: [
            figures(strategy, trace(name, options), kills_s.get(name, []))
            for strategy in STRATEGIES
        ]
        for name in names
    }
    file = records.write(PART, vars(options) | {"runs": runs}, load_before=load_before)
    console.print("\n".join(section(vars(options) | {"runs": runs})))
    console.print(f"written to {file}")


def trace(name: str, options: argparse.Namespace) -> list[Item]:
    """Return when each media item is announced and how late it is; the same on each call."""
    rng = random.Random(options.seed)
    late, median_s, never = TRACES[WORST if name == WORST else ORDINARY]
    items, at_s = [], 0.0
    for _ in range(options.media):
        at_s += rng.expovariate(options.rate)
        delay_s = rng.lognormvariate(math.log(median_s), outcomes.LATE_SPREAD)
        draw = rng.random()
        items.append(Item(at_s, math.inf if draw < never else delay_s if draw < late else 0.0))
    if name == BAD_ANSWERS:
        for item in items:
            item.bad = rng.choices(BAD, k=rng.randint(1, 3)) if rng.random() < BAD_SHARE else []
    return items


def figures(strategy: Strategy, items: list[Item], kills_s: Sequence[float] = ()) -> dict[str, Any]:
    """Return a strategy's figures; loss and wait leave out media that never become available."""
    random.seed(1)
    busy_s, late_answers = simulated(strategy, items, kills_s)
    due = [item for item in items if math.isfinite(item.delay_s)]
    waits_s = [item.found_s - item.available_s for item in due if item.found_s is not None]
    return {
        "way": strategy.name,
        "lost": 1 - len(waits_s) / len(due),
        "excess_mean_s": fmean(waits_s),
        "excess_p95_s": records.percentile(waits_s, 0.95),
        "requests": fmean(item.requests for item in items),
        "busy_s": busy_s / len(items),
        "late_answers": late_answers / len(items),
    }


def simulated(
    strategy: Strategy, items: list[Item], kills_s: Sequence[float] = ()
) -> tuple[float, int]:
    """Simulate the items; return the seconds that workers were held, and late webhook responses.

    At each of `kills_s`, in order, all workers are killed and restart immediately.
    """
    order = itertools.count()
    events = [(item.arrives_s, next(order), item) for item in items]
    heapq.heapify(events)
    queue: deque[Item] = deque()
    # When each busy worker will be free again.
    held: list[float] = []
    busy_s, late = 0.0, 0
    while events or queue:
        now_s = _next_moment(
            events, held, waiting=bool(queue) and len(held) >= strategy.max_concurrent
        )
        while held and held[0] <= now_s:
            heapq.heappop(held)
        while events and events[0][0] <= now_s:
            queue.append(heapq.heappop(events)[2])
        while queue and len(held) < strategy.max_concurrent:
            item = queue.popleft()
            kill = bisect.bisect_right(kills_s, now_s)
            kill_s = kills_s[kill] if kill < len(kills_s) else math.inf
            until_s, again_s = _worked(strategy, item, now_s, kill_s)
            heapq.heappush(held, until_s)
            busy_s += until_s - now_s
            late += strategy.in_webhook and until_s - item.arrives_s > PATIENCE_S
            if again_s is not None:
                heapq.heappush(events, (again_s, next(order), item))
    return busy_s, late


def _next_moment(
    events: list[tuple[float, int, Item]], held: list[float], *, waiting: bool
) -> float:
    if waiting or not events:
        return min(held[0], events[0][0]) if events else held[0]
    return events[0][0]


def _worked(
    strategy: Strategy, item: Item, now_s: float, kill_s: float
) -> tuple[float, float | None]:
    """Return until when the item holds a worker, and when it is attempted again, if it is."""
    item.first_s = item.first_s or now_s
    while True:
        found = item.ask(now_s)
        now_s += ANSWER_S
        wait = None if found else strategy.wait(item, now_s)
        due_s = now_s + wait.delay_s if wait else now_s
        if kill_s < (due_s if strategy.sleeps else now_s):
            return kill_s, None if strategy.takes_over_s is None else kill_s + strategy.takes_over_s
        if found:
            item.found_s = now_s
        if wait is None:
            return now_s, None
        if not strategy.sleeps:
            return now_s, due_s
        now_s = due_s


def section(run: records.Run) -> list[str]:
    """Return the section of docs/benchmarks.md about a run."""
    head = (
        "strategy",
        "lost",
        "excess wait, mean s",
        "p95 s",
        "requests per item",
        "worker seconds per item",
        "webhooks timed out",
    )
    lines = [
        f"{run['media']:,} simulated media at {run['rate']:g} per second, the same for all",
        "strategies, in simulated time. The real code computes the delays: this service's",
        "schedule, and Celery's backoff. Lost media became available and was not retrieved. The",
        "excess wait is the time from availability to retrieval, of retrieved media. A strategy",
        "that sleeps occupies a worker. *Bad answers*: 30% of the media get one to three of 502,",
        "429, a truncated body and a reset once they are available, and every strategy is taken to",
        "notice and to retry each. *Workers killed*: all of them, once per minute; what they were",
        "doing is lost, unless it is taken over.",
    ]
    for name, ways in run["runs"].items():
        lines += ["", f"**{name[0].upper()}{name[1:]}**", "", "| " + " | ".join(head) + " |"]
        lines += ["|" + "---|" * len(head), *map(line, ways)]
    return lines


def line(strategy: dict[str, Any]) -> str:
    """Return the table row of one strategy."""
    cells = (
        strategy["way"],
        f"{strategy['lost']:.2%}",
        f"{strategy['excess_mean_s']:.2f}",
        f"{strategy['excess_p95_s']:.2f}",
        f"{strategy['requests']:.2f}",
        f"{strategy['busy_s']:.2f}",
        f"{strategy['late_answers']:.2%}",
    )
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
