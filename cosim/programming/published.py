"""Published figures that need whole cells and algorithms: recomputed for `cosim card check`."""

from __future__ import annotations

from functools import cache

import numpy as np

from compact_models import Card
from compact_models.published import Quantity
from cosim.programming.cells import CellKind
from cosim.programming.outcome import Outcome
from cosim.programming.tile import ALGORITHMS
from cosim.programming.vectorised import VectorisedCells


ARRAY_CARDS = ("rram_gap__hfo2_milo2021", "nmos_ekv__hfo2_array_250nm")
LEVELS = np.arange(50, 226, 25) * 1e-6  # [S], the eight levels of the 4-kbit array
CELLS_PER_LEVEL = 500
SEED = 1


@cache
def array_outcome(algorithm: str) -> Outcome:
    """The HfO2 array after one algorithm, with the same number of cells on each level."""
    kind = CellKind.from_names(*ARRAY_CARDS)
    targets = np.repeat(LEVELS, CELLS_PER_LEVEL)
    return ALGORITHMS[algorithm].run(VectorisedCells(kind, targets.size, SEED), targets)


def mean_pulses(card: Card, algorithm: str) -> float:
    """Mean number of pulses per cell over the eight levels."""
    return float(array_outcome(algorithm).pulses.mean())


def mean_pulses_by_law(card: Card, algorithm: str) -> float:
    """Mean number of pulses per cell over the eight levels, by the card's own law."""
    return float(card.law(f"programming_pulses_{algorithm.replace('-', '_')}")(LEVELS).mean())


def spread(card: Card, algorithm: str, level: float) -> float:
    """Standard deviation of one level at the end of the algorithm [S]."""
    return array_outcome(algorithm).spread(level)


def spread_ratio(card: Card, algorithm: str, other: str) -> float:
    """Mean spread over the levels after one algorithm over that after another."""
    one, two = array_outcome(algorithm), array_outcome(other)
    return float(sum(map(one.spread, LEVELS)) / sum(map(two.spread, LEVELS)))


def relaxation_ratio(card: Card, algorithm: str) -> float:
    """Mean spread at the end of the algorithm over that right after the verification."""
    outcome = array_outcome(algorithm)
    after = sum(outcome.spread(level, verified=True) for level in LEVELS)
    return float(sum(map(outcome.spread, LEVELS)) / after)


QUANTITIES: dict[str, Quantity] = {
    function.__name__: function
    for function in (mean_pulses, mean_pulses_by_law, spread, spread_ratio, relaxation_ratio)
}
