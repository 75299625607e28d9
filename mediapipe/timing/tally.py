"""Counts of media items that can be added up and give every figure of the timing page.

All counts of a tally are lanes of one large integer, 32 bits each: adding two tallies is one
addition. A month has thousands of them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from mediapipe.models.delay_bins import EDGES_S
from mediapipe.models.status import Status

# The fast phase usually has ten attempts. Items with more are counted together.
MANY_ATTEMPTS = 11
STATUSES = tuple(Status)
BITS = 32

# The version of the lanes. A change to what they hold, or to EDGES_S, needs another LAYOUT: all
# hours are then counted again.
LAYOUT = 1
# By status, then attempts, then whether there was an early 404, then whether the delay is measured.
OUTCOMES = 0
AT_LEAST = OUTCOMES + len(STATUSES) * (MANY_ATTEMPTS + 1) * 4
AT_MOST = AT_LEAST + len(EDGES_S)
# The last of these lanes, and of those of the lag, is infinity.
LAG = AT_MOST + len(EDGES_S) + 1
WEBHOOKS = LAG + len(EDGES_S) + 1
LANES = WEBHOOKS + 1
FORMAT = f"<{LANES}I"


@dataclass(frozen=True)
class Tally:
    """The counts of some media items and webhooks."""

    number: int = 0

    @classmethod
    def of(cls, counts: Mapping[int, int]) -> Tally:
        """Return the tally with these counts by lane."""
        lanes = [0] * LANES
        for lane, count in counts.items():
            lanes[lane] = count
        return cls(int.from_bytes(struct.pack(FORMAT, *lanes), "little"))

    @classmethod
    def sum(cls, tallies: Iterable[Tally]) -> Tally:
        return cls(sum(tally.number for tally in tallies))

    @classmethod
    def from_bytes(cls, data: bytes) -> Tally:
        """Return the tally that `to_bytes` wrote."""
        return cls(int.from_bytes(zlib.decompress(data), "little"))

    def to_bytes(self) -> bytes:
        # Most lanes are 0, so this is a few hundred bytes.
        return zlib.compress(self.number.to_bytes(LANES * BITS // 8, "little"), 1)

    @cached_property
    def lanes(self) -> tuple[int, ...]:
        return struct.unpack(FORMAT, self.number.to_bytes(LANES * BITS // 8, "little"))

    @property
    def webhooks(self) -> int:
        return self.lanes[WEBHOOKS]

    @property
    def at_least(self) -> tuple[int, ...]:
        """The numbers of delays by the edge below their lower bound."""
        return self.lanes[AT_LEAST:AT_MOST]

    @property
    def at_most(self) -> tuple[int, ...]:
        """The numbers of delays by the edge above their upper bound; the last one is infinity."""
        return self.lanes[AT_MOST:LAG]

    @property
    def lag(self) -> tuple[int, ...]:
        """The numbers of items by the edge above their queue lag; the last one is infinity."""
        return self.lanes[LAG:WEBHOOKS]

    def count(
        self,
        status: Status | None = None,
        *,
        attempts: int | None = None,
        tried: bool = False,
        early: bool = False,
        measured: bool = False,
    ) -> int:
        """Return the number of media items with all these properties.

        `attempts` may be MANY_ATTEMPTS, which stands for that number or more.
        """
        total = 0
        for lane, number in enumerate(self.lanes[OUTCOMES:AT_LEAST]):
            if number and (
                (status is None or STATUSES[lane // 4 // (MANY_ATTEMPTS + 1)] == status)
                and attempts in (None, lane // 4 % (MANY_ATTEMPTS + 1))
                and (not tried or lane // 4 % (MANY_ATTEMPTS + 1))
                and (not early or lane & 2)
                and (not measured or lane & 1)
            ):
                total += number
        return total
