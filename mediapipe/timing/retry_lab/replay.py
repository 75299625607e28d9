from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mediapipe.timing.retry_lab.intervals import (
    CELLS,
    EDGES_S,
    MIDDLES_S,
    DelayIntervals,
    FloatArray,
)
from mediapipe.timing.retry_lab.policies import Policy

# The number of jittered sequences to replay; twice as many change only the second decimal.
DRAWS = 32


@dataclass(frozen=True, slots=True)
class PolicyFigures:
    """What a policy achieves.

    `retrieved` is a share of all media items (0 to 1). The excess wait, in seconds, is that of the
    retrieved ones: from availability, or from the first attempt, to the request that found it.
    `requests` is the mean number per media item, retrieved or not.
    """

    retrieved: float
    excess_mean_s: float
    excess_p95_s: float
    requests: float


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """The figures of one policy: the estimate, and bounds that hold for any delays in the data.

    In `best` and `worst` each delay lies where its interval makes the figure best or worst, and
    delays have no jitter. Their excess waits only include media known to have become available.
    """

    policy: Policy
    estimate: PolicyFigures
    best: PolicyFigures
    worst: PolicyFigures


@dataclass(frozen=True, slots=True)
class Replay:
    """The result for each sequence of retries (rows) and each time of availability (columns)."""

    found: npt.NDArray[np.bool_]
    excess_s: FloatArray
    requests: FloatArray


def replay(retries_s: FloatArray, available_s: FloatArray) -> Replay:
    """Send requests at 0 and at each of the retries (rows: draws) until the media is available."""
    draws, most = retries_s.shape
    first, never = np.zeros((draws, 1)), np.full((draws, 1), np.inf)
    requests_s = np.concatenate([first, retries_s, never], axis=1)
    place = np.array([np.searchsorted(row, available_s) for row in requests_s])
    place[:, np.isinf(available_s)] = most + 1
    found_at_s = np.take_along_axis(requests_s, place, axis=1)
    found = np.isfinite(found_at_s)
    excess_s = np.subtract(found_at_s, available_s, out=np.zeros_like(found_at_s), where=found)
    sent = np.isfinite(requests_s).sum(axis=1)[:, None]
    return Replay(found, excess_s, np.where(found, place + 1.0, sent))


def estimate_figures(
    policy: Policy, share: FloatArray, response_s: float, draws: int = DRAWS
) -> PolicyFigures:
    """Return the figures of a policy for this distribution of delays (a share per cell)."""
    available_s = np.concatenate([[0.0], MIDDLES_S, [np.inf]])
    result = replay(policy.retries_s(draws, response_s), available_s)
    weights = np.broadcast_to(share / draws, result.found.shape)
    return _figures(
        result.excess_s[result.found],
        weights[result.found],
        weights[result.found].sum(),
        (weights * result.requests).sum(),
    )


def evaluate(policy: Policy, share: FloatArray, intervals: DelayIntervals) -> PolicyResult:
    """Return the figures of a policy, estimated from the distribution, and their bounds."""
    estimate = estimate_figures(policy, share, intervals.response_s)
    retries_s = policy.without_jitter().retries_s(1, intervals.response_s)
    after_s = np.concatenate([[0.0], np.nextafter(EDGES_S, np.inf)])[intervals.first]
    until_s = np.append(EDGES_S, np.inf)[intervals.last]
    early, late = replay(retries_s, after_s), replay(retries_s, until_s)
    requests_s = np.append(0.0, retries_s[np.isfinite(retries_s)])
    shortest_s, longest_s = _extremes(requests_s, after_s, until_s, early, late)
    weights = intervals.weights / max(intervals.weights.sum(), 1.0)
    found = early.found[0] & (intervals.last < CELLS - 1)
    best, worst = (
        _figures(
            excess_s[found],
            weights[found],
            weights[bound.found[0]].sum(),
            (weights * bound.requests[0]).sum(),
        )
        for bound, excess_s in ((early, shortest_s), (late, longest_s))
    )
    return PolicyResult(policy, estimate, best, worst)


def _extremes(
    requests_s: FloatArray, after_s: FloatArray, until_s: FloatArray, early: Replay, late: Replay
) -> tuple[FloatArray, FloatArray]:
    """Return the shortest and the longest wait for the next request within each interval."""
    begin = np.searchsorted(requests_s, after_s)
    # The media may have become available just before a request within the interval.
    hit = np.searchsorted(requests_s, until_s, side="right") > begin
    shortest_s = np.where(hit, 0.0, late.excess_s[0])
    gaps_s = np.append(np.diff(requests_s), 0.0)
    last = len(gaps_s) - 1
    end = np.searchsorted(requests_s, until_s).clip(0, last)
    pairs = np.stack([begin.clip(0, last), end], axis=1).ravel()
    within_s = np.maximum.reduceat(gaps_s, pairs)[::2] if len(pairs) else np.zeros(0)
    return shortest_s, np.maximum(early.excess_s[0], np.where(begin < end, within_s, 0.0))


def _figures(
    excess_s: FloatArray, weights: FloatArray, retrieved: float, requests: float
) -> PolicyFigures:
    if not weights.sum():
        return PolicyFigures(float(retrieved), 0.0, 0.0, float(requests))
    order = np.argsort(excess_s)
    reached = np.cumsum(weights[order])
    p95_s = excess_s[order][np.searchsorted(reached, 0.95 * reached[-1])]
    mean_s = np.average(excess_s, weights=weights)
    return PolicyFigures(float(retrieved), float(mean_s), float(p95_s), float(requests))
