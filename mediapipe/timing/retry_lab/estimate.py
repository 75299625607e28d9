from __future__ import annotations

import numpy as np

from mediapipe.timing.retry_lab.intervals import CELLS, DelayIntervals, FloatArray

MAX_ROUNDS = 3000
# Converged: a smaller change of the total mass per round changes no figure as shown.
TOLERANCE = 1e-7
# The standard deviation of the smoothing kernel in cells; a cell is 1% of the delay.
SMOOTHING = 8


def estimate_distribution(
    intervals: DelayIntervals, cells: int = CELLS, smoothing: int = SMOOTHING
) -> FloatArray:
    """Return the probability of each cell, by Turnbull's self-consistency (1976), smoothed.

    This is an EM algorithm: each item is distributed over the cells of its interval according to
    the current estimate, and the sums are the next estimate. Without smoothing that converges to
    the maximum likelihood estimate, which puts the mass where many intervals overlap: just after
    the usual times of a retry. Smoothing each round (Silverman et al., 1990: EMS) halves the error
    with a few hundred media items; `smoothing=0` turns it off.
    """
    total = intervals.weights.sum()
    share = np.zeros(cells)
    if not total:
        return share
    weights = intervals.weights / total
    share[_interval_sums(intervals, np.ones_like(weights), cells) > 0] = 1.0
    share /= share.sum()
    for _ in range(MAX_ROUNDS):
        before = share
        below = np.concatenate([[0.0], np.cumsum(share)])
        mass = below[intervals.last + 1] - below[intervals.first]
        ratio = weights / np.maximum(mass, 1e-300)
        # Rounding may leave a cell that no interval contains slightly below zero.
        expected = np.maximum(_interval_sums(intervals, ratio, cells), 0.0)
        share = _smooth(share * expected, smoothing)
        if np.abs(share - before).sum() < TOLERANCE:
            break
    return share


def _interval_sums(intervals: DelayIntervals, values: FloatArray, cells: int) -> FloatArray:
    """Return for each cell the sum of the values of the intervals that contain it."""
    steps = np.bincount(intervals.first, values, cells + 1)
    steps -= np.bincount(intervals.last + 1, values, cells + 1)
    return np.cumsum(steps, dtype=np.float64)[:-1]


def _smooth(share: FloatArray, width: int) -> FloatArray:
    """Smooth all but the outermost cells, and normalise.

    "Available at the first attempt" and "later than everything" are not neighbours of a delay.
    """
    if width:
        reach = min(3 * width, len(share) - 3)
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
        inner = np.pad(share[1:-1], reach, mode="reflect")
        inner = np.convolve(inner, kernel / kernel.sum(), "valid")
        share = np.concatenate([share[:1], inner, share[-1:]])
    normalised: FloatArray = share / share.sum()
    return normalised
