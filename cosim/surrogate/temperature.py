"""A surrogate's cells at other temperatures.

What a temperature changes in a read is the cell: the device's non-linearity and the transistor. So
the cell polynomial is fitted at a few temperatures of a range, and each coefficient is a polynomial
in the temperature through these points. They are Chebyshev's, which keeps the error of that small
over the whole range; they are stored as differences to the tile's own temperature, so that what a
fit to samples has refined stays refined. Conductances mean what they mean everywhere: those of the
device at the temperature of the tile.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cosim.cell import TileCell
from cosim.errors import InputError
from cosim.surrogate.cell_polynomial import CellPolynomial
from cosim.surrogate.line_mode_galerkin import LineModeGalerkin
from netlists.specs import TileSpec


CHANGE, STIFFNESS = "temperature_change", "temperature_stiffness"
# -40 to 125 degrees Celsius [K].
LOW, HIGH = 233.15, 398.15
POINTS = 5


@dataclass(frozen=True)
class TemperatureTable:
    """Changes of the cell polynomial with the temperature.

    Attributes:
        temperatures: of the points [K].
        change: of the coefficients against the tile's own temperature, at each point.
        stiffness: logarithm of the cell's saturation conductance over the own one, at each point.
    """

    temperatures: tuple[float, ...]
    change: Float[Tensor, "points terms powers"]
    stiffness: Float[Tensor, " points"]

    @classmethod
    def of(
        cls,
        spec: TileSpec,
        surrogate: LineModeGalerkin,
        low: float = LOW,
        high: float = HIGH,
        points: int = POINTS,
    ) -> Self:
        """The table of a tile whose cell is known.

        Args:
            spec: the tile.
            surrogate: its surrogate; kind and domain count.
            low: lowest temperature [K].
            high: highest temperature [K].
            points: at how many temperatures the cell is fitted.

        Raises:
            SpecError: a cell that has no closed form.
        """
        angles = np.pi * (np.arange(points) + 0.5) / points
        # Of the wider interval whose outermost points are the ends.
        nodes = np.cos(angles) / np.cos(angles[0])
        temperatures = 0.5 * (low + high) + 0.5 * (high - low) * nodes[::-1]
        temperatures[0], temperatures[-1] = low, high
        own = _cell(spec, surrogate, spec.temperature)
        cells = [_cell(spec, surrogate, float(T)) for T in temperatures]
        change = torch.stack([cell.coefficient - own.coefficient for cell in cells])
        stiffness = torch.tensor([math.log(cell.g_half / own.g_half) for cell in cells])
        return cls(tuple(float(T) for T in temperatures), change, stiffness.double())

    def at(self, surrogate: LineModeGalerkin, temperature: float) -> LineModeGalerkin:
        """The surrogate at a temperature [K].

        Raises:
            InputError: a temperature outside of the range.
        """
        low, high = self.temperatures[0], self.temperatures[-1]
        if not low <= temperature <= high:
            raise InputError(
                f"a temperature of {temperature:g} K was asked for; the surrogate covers {low:g} "
                f"to {high:g} K; stay inside, or fit one to a tile of that temperature"
            )
        weights = torch.from_numpy(_lagrange(np.array(self.temperatures), temperature))
        change = torch.tensordot(weights, self.change, dims=([0], [0]))
        factor = math.exp(float(weights @ self.stiffness))
        settings = surrogate.settings()
        cell = {**settings["cell"], "g_half": factor * surrogate.cell.g_half}
        tensors = surrogate.tensors()
        coefficient = tensors["cell_coefficient"] + change
        there = type(surrogate).rebuild(
            {**settings, "cell": cell}, {**tensors, "cell_coefficient": coefficient}
        )
        return there.to(next(surrogate.buffers()))

    def tensors(self) -> dict[str, Tensor]:
        """The changes, float64."""
        found = {CHANGE: self.change, STIFFNESS: self.stiffness}
        return {name: one.detach().double().cpu().contiguous() for name, one in found.items()}

    def settings(self) -> dict[str, Any]:
        """The temperatures, as JSON takes them."""
        return {"temperatures": list(self.temperatures)}

    @classmethod
    def rebuild(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """The table that `settings` and `tensors` describe.

        Raises:
            KeyError, TypeError, ValueError: they do not belong together.
        """
        temperatures = tuple(float(T) for T in settings["temperatures"])
        change, stiffness = tensors[CHANGE], tensors[STIFFNESS]
        if not len(change) == len(stiffness) == len(temperatures):
            raise ValueError(f"{len(temperatures)} temperatures and {len(change)} changes")
        return cls(temperatures, change, stiffness)


def _cell(spec: TileSpec, surrogate: LineModeGalerkin, temperature: float) -> CellPolynomial:
    """The polynomial of the tile's cell at a temperature [K]."""
    there = TileSpec.from_dict({**spec.model_dump(), "temperature": temperature}, spec.name)
    return (
        type(surrogate)
        .from_cell(
            surrogate.rows,
            surrogate.cols,
            surrogate.wires,
            TileCell(there).current,
            surrogate.domain,
            surrogate.modes,
            surrogate.cell.terms,
        )
        .cell
    )


def _lagrange(nodes: Float[np.ndarray, " points"], at: float) -> Float[np.ndarray, " points"]:
    """Weights of the polynomial through values at `nodes`, at another place."""
    weights = np.ones(len(nodes))
    for one, node in enumerate(nodes):
        others = np.delete(nodes, one)
        weights[one] = np.prod((at - others) / (node - others))
    return weights
