from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from mediapipe.models.outbox import BACKOFF, DeliveryStatus

TOOK_S = (0.02, 0.4)


@dataclass(frozen=True, slots=True)
class Fate:
    """The results of a message's attempts, the status they lead to, and its relative share."""

    share: int
    status: DeliveryStatus
    results: tuple[str, ...]


def outbox_columns(
    fates: tuple[Fate, ...], at: datetime, until: datetime, rng: Random
) -> dict[str, Any]:
    """Return the columns of a message with one of these fates, first attempted at `at`.

    A message that is still waiting repeats its last result until the end of the history.
    """
    fate = rng.choices(fates, [each.share for each in fates])[0]
    waits = fate.status == DeliveryStatus.WAITING
    log: list[dict[str, Any]] = []
    while len(log) < len(fate.results) or (waits and at < until):
        result = fate.results[min(len(log), len(fate.results) - 1)]
        took_s = round(rng.uniform(*TOOK_S), 3)
        log.append({"at": at.isoformat(), "took_s": took_s, "result": result})
        ended_at = at + timedelta(seconds=took_s)
        at = ended_at + timedelta(seconds=BACKOFF.delay_s(len(log) - 1, rng))
    return {
        "message_id": UUID(int=rng.getrandbits(128)),
        "status": fate.status,
        "attempts": len(log),
        "log": log,
        "next_attempt_at": at if waits else None,
        "sweep_at": at if waits else ended_at,
        "delivered_at": ended_at if fate.status == DeliveryStatus.DELIVERED else None,
    }
