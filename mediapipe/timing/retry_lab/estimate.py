"""The distribution of delays of which each is only known to lie between two bounds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mediapipe.timing.retry_lab.history import CELLS, Delays

Floats = npt.NDArray[np.float64]
ROUNDS = 3000
# Of all media: what a round changes less than this changes no figure that is shown.
ENOUGH = 1e-7
# The standard deviation of the smoothing in cells; a cell is 1 % of the delay.
SMOOTHING = 8


def distribution(delays: Delays, cells: int = CELLS, smoothing: int = SMOOTHING) -> Floats:
    """Return the probability of each cell, by Turnbull's self-consistency (1976), smoothed.

    It is an EM: each item is shared out among the cells of its interval as the present estimate
    has them, and the shares are the next estimate. Without smoothing that is the estimate of
    maximum likelihood, which heaps the mass where many intervals overlap: just after the usual
    times of a retry. Smoothing each round (Silverman and others, 1990: EMS) halves its error
    with some hundred media; `smoothing=0` leaves it out.
    """
    total = delays.weights.sum()
    share = np.zeros(cells)
    if not total:
        return share
    weights = delays.weights / total
    share[_covered(delays, cells)] = 1.0
    share /= share.sum()
    for _ in range(ROUNDS):
        before = share
        share = _smoothed(share * _expected(delays, weights, share), smoothing)
        if np.abs(share - before).sum() < ENOUGH:
            break
    return share


def _expected(delays: Delays, weights: Floats, share: Floats) -> Floats:
    """Return for each cell the sum of weight / mass over the intervals that contain it."""
    below = np.concatenate([[0.0], np.cumsum(share)])
    mass = below[delays.last + 1] - below[delays.first]
    ratio = weights / np.maximum(mass, 1e-300)
    steps = np.bincount(delays.first, ratio, len(share) + 1)
    steps -= np.bincount(delays.last + 1, ratio, len(share) + 1)
    return np.maximum(np.cumsum(steps)[:-1], 0.0)


def _smoothed(share: Floats, width: int) -> Floats:
    """Return the shares with each cell's spread over its neighbours, but for the outermost two.

    What was there at once, and what is later than everything, are no neighbours of a delay.
    """
    if width:
        reach = min(3 * width, len(share) - 3)
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
        inner = np.pad(share[1:-1], reach, mode="reflect")
        inner = np.convolve(inner, kernel / kernel.sum(), "valid")
        share = np.concatenate([share[:1], inner, share[-1:]])
    final: Floats = share / share.sum()
    return final


def _covered(delays: Delays, cells: int) -> npt.NDArray[np.bool_]:
    steps = np.bincount(delays.first, minlength=cells + 1)
    steps = steps - np.bincount(delays.last + 1, minlength=cells + 1)
    return np.cumsum(steps)[:-1] > 0
