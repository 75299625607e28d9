"""What a policy would have made of the delays: retrieved or not, when, with how many requests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mediapipe.timing.retry_lab.history import CELLS, EDGES_S, Delays
from mediapipe.timing.retry_lab.policies import Policy

Floats = npt.NDArray[np.float64]
# So many sequences of spread waits are replayed; twice as many change the second decimal.
DRAWS = 32


@dataclass(frozen=True, slots=True)
class Figures:
    """What a policy comes to.

    `retrieved` is a share of all media (0 to 1). The excess wait, in seconds, is that of the
    retrieved media: from availability, or from the first attempt, to the request that found it.
    `requests` are those for one media item, retrieved or not.
    """

    retrieved: float
    excess_mean_s: float
    excess_p95_s: float
    requests: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of one policy: as estimated, and between which bounds the data leave them.

    In `best` and `worst` each delay lies where its interval makes the figure best or worst, and
    the waits are not spread. The excess waits there are of media that are known to have come.
    """

    policy: Policy
    estimate: Figures
    best: Figures
    worst: Figures


@dataclass(frozen=True, slots=True)
class Replay:
    """For sequences of waits (rows) and moments of availability (columns) what became of it."""

    found: npt.NDArray[np.bool_]
    excess_s: Floats
    requests: Floats


def moments_s() -> Floats:
    """Return a moment of availability for each cell: its middle; infinite for "later"."""
    middles = (EDGES_S[1:] + EDGES_S[:-1]) / 2
    return np.concatenate([[0.0], middles, [np.inf]])


def replay(retries_s: Floats, available_s: Floats) -> Replay:
    """Ask at 0 and at each of the retries (rows: draws) until the media is available."""
    draws, most = retries_s.shape
    ends = np.zeros((draws, 1)), np.full((draws, 1), np.inf)
    asked_s = np.concatenate([ends[0], retries_s, ends[1]], axis=1)
    place = np.array([np.searchsorted(row, available_s) for row in asked_s])
    place[:, np.isinf(available_s)] = most + 1
    at_s = np.take_along_axis(asked_s, place, axis=1)
    found = np.isfinite(at_s)
    excess_s = np.subtract(at_s, available_s, out=np.zeros_like(at_s), where=found)
    made = np.isfinite(asked_s).sum(axis=1)[:, None]
    return Replay(found, excess_s, np.where(found, place + 1.0, made))


def estimated(policy: Policy, share: Floats, response_s: float, draws: int = DRAWS) -> Figures:
    """Return the figures of a policy for delays of this distribution (a share a cell)."""
    seen = replay(policy.retries_s(draws, response_s), moments_s())
    each = np.broadcast_to(share / draws, seen.found.shape)
    requests = float((each * seen.requests).sum())
    return _figures(seen.excess_s[seen.found], each[seen.found], each[seen.found].sum(), requests)


def outcome(policy: Policy, share: Floats, delays: Delays) -> Outcome:
    """Return the figures of a policy, estimated from the distribution, and their bounds."""
    estimate = estimated(policy, share, delays.response_s)
    return Outcome(policy, estimate, *_bounds(policy, delays))


def _bounds(policy: Policy, delays: Delays) -> tuple[Figures, Figures]:
    written = policy.without_jitter().retries_s(1, delays.response_s)
    after_s, until_s = _ends(delays)
    early, late = replay(written, after_s), replay(written, until_s)
    asked_s = np.append(0.0, written[np.isfinite(written)])
    least_s, most_s = _extremes(asked_s, after_s, until_s, early, late)
    weights = delays.weights / max(delays.weights.sum(), 1.0)
    may_come = early.found[0] & (delays.last < CELLS - 1)
    return (
        _figures(
            least_s[may_come],
            weights[may_come],
            weights[early.found[0]].sum(),
            float((weights * early.requests[0]).sum()),
        ),
        _figures(
            most_s[may_come],
            weights[may_come],
            weights[late.found[0]].sum(),
            float((weights * late.requests[0]).sum()),
        ),
    )


def _ends(delays: Delays) -> tuple[Floats, Floats]:
    """Return the first and the last moment of each interval, in seconds."""
    lower = np.concatenate([[0.0], np.nextafter(EDGES_S, np.inf)])
    upper = np.append(EDGES_S, np.inf)
    return lower[delays.first], upper[delays.last]


def _extremes(
    asked_s: Floats, after_s: Floats, until_s: Floats, early: Replay, late: Replay
) -> tuple[Floats, Floats]:
    """Return the shortest and the longest wait for the next request within each interval."""
    begin = np.searchsorted(asked_s, after_s)
    # A request within the interval may have come at the very moment.
    hit = np.searchsorted(asked_s, until_s, side="right") > begin
    shortest_s = np.where(hit, 0.0, late.excess_s[0])
    gaps_s = np.append(np.diff(asked_s), 0.0)
    last = len(gaps_s) - 1
    end = np.searchsorted(asked_s, until_s).clip(0, last)
    pairs = np.stack([begin.clip(0, last), end], axis=1).ravel()
    within_s = np.maximum.reduceat(gaps_s, pairs)[::2] if len(pairs) else np.zeros(0)
    return shortest_s, np.maximum(early.excess_s[0], np.where(begin < end, within_s, 0.0))


def _figures(excess_s: Floats, weights: Floats, retrieved: float, requests: float) -> Figures:
    if not weights.sum():
        return Figures(float(retrieved), 0.0, 0.0, requests)
    order = np.argsort(excess_s)
    reached = np.cumsum(weights[order])
    p95_s = excess_s[order][np.searchsorted(reached, 0.95 * reached[-1])]
    mean_s = np.average(excess_s, weights=weights)
    return Figures(float(retrieved), float(mean_s), float(p95_s), requests)
