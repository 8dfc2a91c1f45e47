"""What a surrogate's error does outside of its domain.

A certificate says nothing there, yet networks do leave the box: an input above the range it was
scaled to, a cell that was programmed beyond its target. The same draws as inside are stretched
towards the upper ends of the domain, inputs and conductances each for itself and both together, so
that a figure differs from the one inside only by what lies beyond:

    inputs          from the lowest of the domain to its highest times 1 + margin
    conductances    likewise

The lower ends stay: below the smallest conductance a device may have no state at all, and an input
of the other sign is another way to read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cosim.surrogate.accuracy import Accuracy, accuracy
from cosim.surrogate.base import Surrogate
from cosim.surrogate.domain import Domain


MARGINS = (0.1, 0.25, 0.5)

Task = tuple[Float[np.ndarray, "_ _"], Float[np.ndarray, "_ _"]]
Reference = Callable[[Sequence[Task]], list[Float[np.ndarray, "_ _"]]]


@dataclass(frozen=True)
class Outside:
    """Error with inputs and conductances that reach beyond the domain.

    Attributes:
        inputs: by which part of the highest input they go beyond it; 0 for none.
        conductances: likewise by which part of the largest conductance.
        accuracy: errors, by the range of the outputs of these very samples.
    """

    inputs: float
    conductances: float
    accuracy: Accuracy


@dataclass(frozen=True)
class OutsideSamples:
    """Draws that are stretched over every case.

    Attributes:
        matrices: conductance matrices of every case.
        samples: input vectors of every matrix.
        seed: of the draws.
    """

    matrices: int = 3
    samples: int = 8
    seed: int = 2_000_003

    def tasks(
        self, surrogate: Surrogate, inputs: float, conductances: float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Conductances [S] and inputs [V], uniform over the stretched domain."""
        generator = np.random.default_rng(self.seed)
        G = generator.random((self.matrices, surrogate.rows, surrogate.cols))
        V = generator.random((self.matrices, self.samples, surrogate.rows))
        domain = surrogate.domain
        low, high = domain.conductance_low, domain.conductance_high
        G = low + (high * (1 + conductances) - low) * G
        V = domain.input_low + (domain.input_high * (1 + inputs) - domain.input_low) * V
        return list(zip(G, V, strict=True))


def cases(margins: Sequence[float] = MARGINS) -> list[tuple[float, float]]:
    """Margins of (inputs, conductances): none, then for each margin one, the other and both."""
    beyond = [pair for m in margins for pair in ((m, 0.0), (0.0, m), (m, m))]
    return [(0.0, 0.0), *beyond]


def outside_domain(
    surrogate: Surrogate,
    reference: Reference,
    margins: Sequence[float] = MARGINS,
    draws: OutsideSamples | None = None,
) -> list[Outside]:
    """Errors of a surrogate inside its domain and beyond it.

    Args:
        surrogate: what is judged.
        reference: currents [A] of many (conductances, inputs), such as an engine's `mvm_many`.
        margins: how far to go, as parts of the upper ends of the domain.
        draws: how many samples of each case.

    Raises:
        InputError: the reference cannot simulate values that far outside.
    """
    draws = draws or OutsideSamples()
    found = cases(margins)
    tasks = [task for case in found for task in draws.tasks(surrogate, *case)]
    expected = np.concatenate(reference(tasks))
    predicted = np.concatenate(surrogate.mvm_many(tasks))
    matrix = np.repeat(np.arange(draws.matrices), draws.samples)
    rows = []
    for number, (inputs, conductances) in enumerate(found):
        part = slice(number * len(matrix), (number + 1) * len(matrix))
        rows.append(
            Outside(inputs, conductances, accuracy(predicted[part], expected[part], matrix))
        )
    return rows


def outside_table(rows: Sequence[Outside], domain: Domain) -> str:
    """The errors as lines of text for people."""
    lines = [
        f"beyond the domain (inputs to {domain.input_high:g} V, "
        f"conductances to {1e6 * domain.conductance_high:g} µS):",
        "  inputs  conductances      NRMSE  largest error",
    ]
    for row in rows:
        lines.append(
            f"{_percent(row.inputs):>8}  {_percent(row.conductances):>12}  "
            f"{100 * row.accuracy.nrmse:7.4f} %  {100 * row.accuracy.max_error:11.4f} %"
        )
    return "\n".join(lines)


def _percent(margin: float) -> str:
    return f"+{100 * margin:g} %" if margin else "inside"
