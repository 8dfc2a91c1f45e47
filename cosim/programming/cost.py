"""What programming costs: pulses, time and energy, and what rewriting a share of an array takes.

Verifying is serial: the cells of an array are written one after the other, or a row at a time. The
published times of one verified write span three decades, from 6.5 us to 4.5 ms (G. Charan et al.,
IEEE J. Explor. Solid-State Comput. Devices Circuits (2020)).
"""

from __future__ import annotations

from dataclasses import dataclass

from cosim.programming.outcome import Outcome


FASTEST_WRITE, SLOWEST_WRITE = 6.5e-6, 4.5e-3  # [s] per verified write, published range


@dataclass(frozen=True)
class Cost:
    """The cost of programming an array once.

    Attributes:
        pulses: given in all.
        seconds: of pulses and verifications, one group of cells after the other [s].
        joules: given by the drivers in all [J]; not a number where it was not simulated.
    """

    pulses: int
    seconds: float
    joules: float


def cost(outcome: Outcome, parallel: int = 1) -> Cost:
    """Cost of what was programmed.

    Args:
        outcome: of an algorithm.
        parallel: how many cells are written at the same time, such as those of a row; the slowest
            of each group decides.
    """
    slowest = [
        outcome.seconds[k : k + parallel].max() for k in range(0, outcome.seconds.size, parallel)
    ]
    return Cost(int(outcome.pulses.sum()), float(sum(slowest)), float(outcome.joules.sum()))


def rewriting_seconds(
    cells: int, share: float, iterations: float, write: float, parallel: int = 1
) -> float:
    """Time to rewrite a share of an array with verification [s].

    Args:
        cells: of the array.
        share: of the cells that are rewritten, 0 to 1.
        iterations: pulses with verification per cell.
        write: time of one verified write [s].
        parallel: cells written at the same time.
    """
    return cells * share * iterations * write / parallel
