"""The accurate surrogate: line-mode Galerkin with the cell polynomial evaluated in every cell.

`line_mode_galerkin` represents what all inputs do to one cell by a single weighted mean, which
makes a batch one matrix product. Here every cell has its own voltages, from the same network:

    fields of linear cells ──► excess current of every cell beyond its secant
         ▲                                    │
         └── fields with that excess ◄────────┘        twice

and the output is the sum of the cell currents. The cost grows with samples x rows x cols instead of
with a matrix product; it is meant for evaluation and as the forward pass of careful training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from cosim.surrogate.base import Operator
from cosim.surrogate.cell_polynomial import QUINTIC, Term
from cosim.surrogate.line_mode_galerkin import LineModeGalerkin
from cosim.surrogate.line_modes import ReducedNetwork, reduced


# Evaluations of the cell polynomial per input vector: exact to second order in the nonlinearity.
PASSES = 2

# Values of a field held at once; larger batches are cut along the samples.
FIELD_VALUES = 4_000_000


@dataclass(frozen=True)
class FieldOperator(Operator):
    """A tile with fixed conductances, with the voltages of every cell.

    Attributes:
        network: the wires and the linearised cells.
        terms: exponents of the cell polynomial.
        coefficients: of the cell polynomial, for every cell.
    """

    network: ReducedNetwork
    terms: tuple[Term, ...]
    coefficients: Float[Tensor, "terms *tiles rows cols"]

    def __call__(
        self, V: Float[Tensor, "*inputs samples rows"]
    ) -> Float[Tensor, "*tiles samples cols"]:
        """Column currents [A] for the input voltages `V` [V]."""
        at_once = max(1, FIELD_VALUES // self.network.a.numel())
        return torch.cat([self._currents(part) for part in V.split(at_once, dim=-2)], -2)

    def _currents(self, V: Tensor) -> Tensor:
        excess = self._excess(*self.network.fields(V))
        for _ in range(PASSES - 1):
            excess = self._excess(*self.network.fields(V, excess))
        d, _ = self.network.fields(V, excess)
        return (self.network.a[..., None, :, :] * d + excess).sum(-2)

    def _excess(self, d: Tensor, c: Tensor) -> Tensor:
        """Current of every cell beyond its secant [A]."""
        total = -self.network.a[..., None, :, :] * d
        for (p, q), coefficient in zip(self.terms, self.coefficients, strict=True):
            total = total + coefficient[..., None, :, :] * (d**p * c**q if q else d**p)
        return total


class LineModeFields(LineModeGalerkin):
    """Line-mode Galerkin with the voltages of every cell."""

    kind: ClassVar[str] = "line_mode_fields"
    default_terms: ClassVar[tuple[Term, ...]] = QUINTIC
    fewest_modes: ClassVar[int] = 2

    def prepare(self, G: Float[Tensor, "*tiles rows cols"]) -> FieldOperator:
        """The operator of a tile whose cells have the conductances `G` [S]."""
        self.check_conductances(G)
        coefficients = self.cell.coefficients(G)
        a = self.secant(coefficients)
        network = reduced(a, self.kernels, self.shape_mean(a))
        return FieldOperator(network, self.cell.terms, coefficients)
