"""Where a surrogate may be trusted: the box of inputs and conductances it was fitted and judged in.

A surrogate answers outside its box as well, but nothing is known about its error there. The test
here says how many of the given values lie outside and by how much; what follows from it (a warning,
a refusal, nothing) is the caller's decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cosim.errors import DatasetError


Array = np.ndarray | Tensor

# Values are called outside only beyond rounding: a float32 copy of a bound is not outside of it.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Overrun:
    """How far an array leaves its allowed interval.

    Attributes:
        count: number of values outside.
        total: number of values looked at.
        low: smallest value given, in the array's unit.
        high: largest value given.
    """

    count: int
    total: int
    low: float
    high: float


@dataclass(frozen=True)
class DomainReport:
    """What lies outside of a surrogate's domain.

    Attributes:
        inputs: overrun of the input voltages [V].
        conductances: overrun of the conductances [S].
        domain: the domain that was tested against.
    """

    inputs: Overrun
    conductances: Overrun
    domain: Domain

    @property
    def inside(self) -> bool:
        """Whether every value lies inside."""
        return self.inputs.count == 0 and self.conductances.count == 0

    def __str__(self) -> str:
        if self.inside:
            return "all inputs and conductances lie inside the surrogate's domain"
        lines = []
        for name, overrun, low, high, unit in (
            ("inputs", self.inputs, self.domain.input_low, self.domain.input_high, "V"),
            (
                "conductances",
                self.conductances,
                self.domain.conductance_low,
                self.domain.conductance_high,
                "S",
            ),
        ):
            if overrun.count:
                lines.append(
                    f"{overrun.count} of {overrun.total} {name} lie outside the surrogate's domain:"
                    f" given {overrun.low:.4g} to {overrun.high:.4g} {unit},"
                    f" allowed {low:.4g} to {high:.4g} {unit};"
                    " fit a surrogate over the wider range, or use the ngspice engine"
                )
        return "\n".join(lines)


@dataclass(frozen=True)
class Domain:
    """The box of inputs and conductances in which a surrogate's certificate holds.

    Attributes:
        input_low: smallest input voltage [V].
        input_high: largest input voltage [V].
        conductance_low: smallest conductance of a cell [S].
        conductance_high: largest conductance of a cell [S].
    """

    input_low: float
    input_high: float
    conductance_low: float
    conductance_high: float

    @property
    def read_voltage(self) -> float:
        """Largest magnitude of an input [V]; the scale of all voltages in the surrogate."""
        return max(abs(self.input_low), abs(self.input_high))

    def report(
        self, V: Float[Array, "*samples rows"], G: Float[Array, "*tiles rows cols"]
    ) -> DomainReport:
        """What of the inputs `V` [V] and conductances `G` [S] lies outside."""
        return DomainReport(
            _overrun(V, self.input_low, self.input_high),
            _overrun(G, self.conductance_low, self.conductance_high),
            self,
        )

    def to_dict(self) -> dict[str, float]:
        """The four bounds by name, as JSON takes them."""
        return asdict(self)

    @staticmethod
    def from_dict(data: Mapping[str, float]) -> Domain:
        """The domain that `to_dict` wrote.

        Raises:
            DatasetError: a bound is missing, unknown or not a number.
        """
        names = ("input_low", "input_high", "conductance_low", "conductance_high")
        try:
            if set(data) != set(names):
                raise KeyError(str(sorted(data)))
            return Domain(**{name: float(data[name]) for name in names})
        except (KeyError, TypeError, ValueError) as error:
            raise DatasetError(
                f"the domain of a surrogate was given as {data!r}; allowed are the numbers"
                f" {', '.join(names)}; fit the surrogate again"
            ) from error


def _overrun(values: Array, low: float, high: float) -> Overrun:
    array = torch.as_tensor(values)
    margin = ROUNDING * max(abs(low), abs(high))
    outside = (array < low - margin) | (array > high + margin)
    return Overrun(int(outside.sum()), array.numel(), float(array.min()), float(array.max()))
