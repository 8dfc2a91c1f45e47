"""Waveforms of sources, as the words after a source's nets."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from netlists.si_numbers import literal


def clock(low: float, high: float, start: float, edge: float, width: float, period: float) -> str:
    """A clock: it rises at `start` within `edge`, stays high for `width`, every `period` [s]."""
    values = (low, high, start, edge, edge, width, period)
    return f"pulse({' '.join(literal(value) for value in values)})"


def piecewise_linear(points: Iterable[tuple[float, float]]) -> str:
    """Straight lines between points of time [s] and value."""
    words = [f"{literal(time)} {literal(value)}" for time, value in points]
    return f"pwl({' '.join(words)})"


def staircase(values: ArrayLike, period: float, edge: float, delay: float = 0.0) -> str:
    """Step k lasts from k to k + 1 periods [s] and begins with an edge; constant if all equal."""
    steps: Float[np.ndarray, " steps"] = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if (steps == steps[0]).all():
        return literal(steps[0])
    points = [(0.0, float(steps[0]))]
    for number, (before, here) in enumerate(pairwise(steps.tolist()), start=1):
        start = delay + number * period
        points += [(start, before), (start + edge, here)]
    return piecewise_linear(points)
