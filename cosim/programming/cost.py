"""What programming costs: pulses, time and energy, and what rewriting a share of an array takes.

Verifying is serial: the cells of an array are written one after the other, or a row at a time. The
published times of one verified write span three decades, from 6.5 us to 4.5 ms (G. Charan et al.,
IEEE J. Explor. Solid-State Comput. Devices Circuits (2020)).

A chip with errors can be brought back in two ways, and both repeat a step of training many times:

    read-verify-write   every step rewrites the most important cells, one after the other
    sparse adaptation   every step rewrites a few words of digital memory; the cells stay

Both compute the same gradients, so what separates them is the time of the writes.
"""

from __future__ import annotations

from dataclasses import dataclass

from cosim.errors import InputError
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


@dataclass(frozen=True)
class ChipTraining:
    """Training steps on a chip, and what is written in each of them.

    Attributes:
        weights: of the network.
        steps: of the training.
        computing: time of the forward and backward passes of one step [s].

    Raises:
        InputError: a number that cannot be.
    """

    weights: int
    steps: int
    computing: float

    def __post_init__(self) -> None:
        if self.weights < 1 or self.steps < 1 or self.computing < 0:
            raise InputError(
                f"training on a chip was given as {self}; allowed are at least one weight and one"
                " step, and a time from 0 on; correct the values"
            )

    def rewriting(
        self,
        share: float,
        write: float,
        *,
        iterations: float = 1.0,
        cells: int = 2,
        parallel: int = 1,
    ) -> float:
        """Time with read-verify-write [s].

        Args:
            share: of the weights that a step rewrites, 0 to 1.
            write: time of one verified write [s], such as `FASTEST_WRITE` to `SLOWEST_WRITE`.
            iterations: verified writes until a cell has its conductance.
            cells: of a weight.
            parallel: cells written at the same time.
        """
        once = rewriting_seconds(self.weights * cells, share, iterations, write, parallel)
        return self.steps * (self.computing + once)

    def adapting(self, share: float, write: float, *, parallel: int = 1) -> float:
        """Time with sparse adaptation [s].

        Args:
            share: of the weights that digital memory holds, 0 to 1.
            write: time to write one word [s].
            parallel: words written at the same time.
        """
        return self.steps * (self.computing + self.weights * share * write / parallel)
