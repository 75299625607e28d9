"""Twilio temporarily hangs, resets, truncates or refuses: all media are stored in the end."""

from __future__ import annotations

import random

import pytest

from mediapipe.simulator import payloads
from mediapipe.simulator.faults import (
    DripBody,
    DripHeaders,
    EmptyBody,
    ErrorXml,
    Fault,
    Hang,
    HangInBody,
    HangInHeaders,
    Reset,
    Status,
    Truncated,
    TruncatedChunked,
)
from tests.faults.conftest import Settled
from tests.faults.world import World

pytestmark = pytest.mark.services

HANGING: list[Fault] = [
    Hang(4),
    Hang(4, at="cdn"),
    HangInHeaders(4, at="cdn"),
    HangInBody(4, at="cdn"),
    DripBody(0.1, at="cdn"),
]
RESETTING: list[Fault] = [
    Reset("accept"),
    Reset("headers"),
    Reset("accept", at="cdn"),
    Reset("headers", at="cdn"),
    Reset("body", at="cdn"),
]
TRUNCATING: list[Fault] = [Truncated(at="cdn"), TruncatedChunked(at="cdn"), EmptyBody(at="cdn")]
REFUSING: list[Fault] = [Status(429, "1"), Status(500), Status(503, at="cdn"), ErrorXml(at="cdn")]
SEED = 7


@pytest.mark.parametrize(
    ("kind", "faults"),
    [("hanging", HANGING), ("resetting", RESETTING), ("truncating", TRUNCATING)],
)
def test_media_is_stored_after_one_fault_each(
    world: World, settled: Settled, kind: str, faults: list[Fault]
) -> None:
    world.send(*(payloads.mms(1, faults=[fault]) for fault in faults for _ in range(2)))
    assert settled("Twilio", f"{kind}, one media each").all_stored_once


def test_media_is_stored_after_headers_that_drip_four_times(world: World, settled: Settled) -> None:
    world.send(payloads.mms(1, faults=[DripHeaders()] * 4))
    assert settled("Twilio", "dripping headers, four times").all_stored_once


def test_media_is_stored_after_a_storm_of_429s(world: World, settled: Settled) -> None:
    world.send(*(payloads.mms(1, faults=[Status(429, "1")] * 4) for _ in range(20)))
    assert settled("Twilio", "20 media, 429 four times each").all_stored_once


def test_media_is_stored_after_a_mixture_of_all_faults(world: World, settled: Settled) -> None:
    rng = random.Random(SEED)
    every = [*HANGING, *RESETTING, *TRUNCATING, *REFUSING]
    world.send(
        *(
            payloads.mms(
                rng.randint(1, 3),
                delay_s=rng.choice([0.0, 0.0, 3.0]),
                faults=rng.sample(every, rng.randint(0, 3)),
            )
            for _ in range(40)
        )
    )
    assert settled("Twilio", "mixture of all").all_stored_once
