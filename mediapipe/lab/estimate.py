"""The distribution of delays of which each is only known to lie between two bounds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mediapipe.lab.history import CELLS, Delays

Floats = npt.NDArray[np.float64]
ROUNDS = 3000
# Of all media: what a round changes less than this changes no figure that is shown.
ENOUGH = 1e-7


def distribution(delays: Delays, cells: int = CELLS) -> Floats:
    """Return the probability of each cell: the maximum-likelihood estimate of Turnbull (1976).

    His self-consistency algorithm is an EM: each item is shared out among the cells of its
    interval as the present estimate has them, and the shares are the next estimate. Where the
    data do not tell within an interval, the mass keeps the form it began with, equal for each
    cell; cells grow with the delay, so that a short delay is likelier than a long one.
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
        share = share * _expected(delays, weights, share)
        if np.abs(share - before).sum() < ENOUGH:
            break
    final: Floats = share / share.sum()
    return final


def _expected(delays: Delays, weights: Floats, share: Floats) -> Floats:
    """Return for each cell the sum of weight / mass over the intervals that contain it."""
    below = np.concatenate([[0.0], np.cumsum(share)])
    mass = below[delays.last + 1] - below[delays.first]
    ratio = weights / np.maximum(mass, 1e-300)
    steps = np.bincount(delays.first, ratio, len(share) + 1)
    steps -= np.bincount(delays.last + 1, ratio, len(share) + 1)
    return np.maximum(np.cumsum(steps)[:-1], 0.0)


def _covered(delays: Delays, cells: int) -> npt.NDArray[np.bool_]:
    steps = np.bincount(delays.first, minlength=cells + 1)
    steps = steps - np.bincount(delays.last + 1, minlength=cells + 1)
    return np.cumsum(steps)[:-1] > 0
